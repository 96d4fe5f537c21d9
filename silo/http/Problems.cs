// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;
using Teravox.Contracts;

namespace Teravox.Silo.Http;

/// <summary>An answer that is no success: status and one sentence for people.</summary>
internal sealed class ProblemException(int status, string detail, string? fieldAtFault = null) : Exception(detail)
{
    public int Status => status;

    public string? Field => fieldAtFault;

    /// <summary>More fields of the problem, by name.</summary>
    public Dictionary<string, object> More { get; init; } = [];

    /// <summary>Seconds after which the same request may be sent again, or null.</summary>
    public int? RetryAfter { get; init; }
}

/// <summary>Turns whatever goes wrong into RFC 9457 problem details. Nothing of the inside is shown beyond our own sentences.</summary>
internal static partial class Problems
{
    public const string ContentType = "application/problem+json";
    private const int DiskFull = 28;

    /// <summary>The middleware: the outermost.</summary>
    public static async Task GuardAsync(HttpContext http, RequestDelegate next, ILogger log)
    {
        try
        {
            await next(http);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to read an answer; the code shows in the metrics only.
            http.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return;
        }
        catch (Exception e)
        {
            var problem = Of(e);
            if (problem.Status >= 500 && e is not (ProblemException or DatabaseUnavailableException))
                log.LogError(e, "{Method} {Path} failed ({Trace})", http.Request.Method, http.Request.Path, http.TraceIdentifier);
            if (http.Response.HasStarted)
            {
                // Half an answer must not look like a whole one.
                http.Abort();
                return;
            }

            http.Response.Clear();
            await WriteAsync(http, problem);
            return;
        }

        if (http.Response is { HasStarted: false, StatusCode: >= 400, ContentLength: null, ContentType: null })
            await WriteAsync(http, new ProblemException(http.Response.StatusCode, Sentence(http)));
    }

    /// <summary>Writes the problem as the answer.</summary>
    public static Task WriteAsync(HttpContext http, ProblemException problem)
    {
        var body = new Dictionary<string, object>
        {
            ["type"] = "about:blank",
            ["title"] = ReasonPhrases.GetReasonPhrase(problem.Status),
            ["status"] = problem.Status,
            ["detail"] = problem.Message,
        };
        if (problem.Field is { } field)
            body["field"] = field;
        foreach (var (name, value) in problem.More)
            body[name] = value;
        http.Response.StatusCode = problem.Status;
        http.Response.ContentType = ContentType;
        if (problem.RetryAfter is { } seconds)
            http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        var bytes = JsonSerializer.SerializeToUtf8Bytes(body, TeravoxJson.Compact);
        http.Response.ContentLength = bytes.Length;
        return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask : http.Response.Body.WriteAsync(bytes, http.RequestAborted).AsTask();
    }

    /// <summary>What an exception is to clients.</summary>
    public static ProblemException Of(Exception e) => e switch
    {
        ProblemException p => p,
        InputException input => new ProblemException(422, input.Message, FieldOf(input.Message)),
        DatabaseUnavailableException => new ProblemException(503, "The database does not answer; send the request again.") { RetryAfter = 2 },
        BadHttpRequestException bad => OfBad(bad),
        IOException io when (io.HResult & 0xffff) == DiskFull => new ProblemException(507, "The store is full; make room and send the request again."),
        _ => new ProblemException(500, "The silo failed in a way nobody foresaw; its log says more."),
    };

    private static ProblemException OfBad(BadHttpRequestException bad) => bad.StatusCode switch
    {
        400 when bad.InnerException is JsonException json => OfJson(json),
        413 => new ProblemException(413, "The body is larger than this route takes; see the bounds in the API's documentation."),
        408 => new ProblemException(408, "The request came too slowly; send it again."),
        415 => new ProblemException(415, "The body must be JSON, with Content-Type: application/json."),
        _ => new ProblemException(bad.StatusCode, FirstSentence(bad.Message)),
    };

    private static ProblemException OfJson(JsonException e)
    {
        var field = (e.Path ?? "$").TrimStart('$').TrimStart('.');
        var what = e.Message switch
        {
            var m when m.Contains("could not be mapped", StringComparison.Ordinal) => "is not a field of this request",
            var m when m.Contains("missing required", StringComparison.Ordinal) => "lacks " + string.Join(", ", Quoted().Matches(m).Select(q => q.Groups[1].Value).Skip(1)),
            var m when m.Contains("could not be converted", StringComparison.Ordinal) => "is of the wrong kind",
            var m when m.Contains("doesn't allow", StringComparison.Ordinal) => "must not be null",
            var m when m.Contains("expected ", StringComparison.Ordinal) && field.Length > 0 => FirstSentence(m),
            _ => "is not JSON as it should be",
        };
        return new ProblemException(400, $"{(field.Length == 0 ? "The body" : field)}: {what}.", field.Length == 0 ? null : field);
    }

    private static string FirstSentence(string message) => message.Split(". ")[0].Split(" Path:")[0].TrimEnd('.') + ".";

    private static string? FieldOf(string message) => Leading().Match(message) is { Success: true } match
        ? (match.Groups[1].Success ? "spec." : "") + match.Groups[2].Value
        : null;

    private static string Sentence(HttpContext http) => http.Response.StatusCode switch
    {
        404 => $"There is nothing at {http.Request.Path}; GET /openapi/v1.json lists all routes.",
        405 => $"{http.Request.Path} does not take {http.Request.Method}; the header Allow says what it takes.",
        415 => "The body must be JSON, with Content-Type: application/json.",
        var status => ReasonPhrases.GetReasonPhrase(status) + ".",
    };

    [GeneratedRegex("'([^']+)'")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"^(spec: )?([A-Za-z][A-Za-z0-9_.\[\]]*): ")]
    private static partial Regex Leading();
}
