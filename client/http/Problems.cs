// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Teravox.Client.Http;

/// <summary>Turns answers that are no success into errors.</summary>
internal static class Problems
{
    private sealed record Problem(string? Title, string? Detail, string? Field, long? Received, bool OutOfReach);

    /// <summary>The error that the answer stands for; an answer that is not Teravox's own says so.</summary>
    public static async Task<Exception> ReadAsync(HttpResponseMessage response, Uri server, CancellationToken ct)
    {
        var status = response.StatusCode;
        var code = ((int)status).ToString(CultureInfo.InvariantCulture);
        Problem? problem = null;
        if (response.Content.Headers.ContentType?.MediaType is "application/problem+json")
        {
            try
            {
                problem = JsonSerializer.Deserialize<Problem>(await response.Content.ReadAsStreamAsync(ct), ClientJson.Options);
            }
            catch (JsonException)
            {
                // A broken problem is as good as none: the status says enough.
            }
        }

        if (problem?.Detail is { Length: > 0 } detail)
        {
            return new TeravoxApiException(status, WithField(detail, problem.Field))
            {
                Detail = detail,
                Field = problem.Field,
                Received = problem.Received,
                OutOfReach = problem.OutOfReach,
            };
        }

        return status switch
        {
            HttpStatusCode.Unauthorized => new TeravoxApiException(status, $"{server} wants an API key, and the one given is not among its keys"),
            HttpStatusCode.Forbidden => new TeravoxApiException(status, $"the API key may not do this at {server}"),
            HttpStatusCode.ServiceUnavailable or HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout =>
                new TeravoxApiException(status, $"{server} can not answer just now ({code})"),
            HttpStatusCode.TooManyRequests => new TeravoxApiException(status, $"{server} has too much to do just now ({code})"),
            _ when problem?.Title is { Length: > 0 } title => new TeravoxApiException(status, $"{title} ({code})"),
            HttpStatusCode.NotFound => new TeravoxUnreachableException($"{server} answers, but not as Teravox does (404); is the address right?"),
            _ => new TeravoxApiException(status, $"{server} answered {code}"),
        };
    }

    /// <summary>An answer of another kind than Teravox gives.</summary>
    public static TeravoxUnreachableException NotTeravox(HttpResponseMessage response, Uri server) =>
        new($"{server} answers, but not as Teravox does ({response.Content.Headers.ContentType?.MediaType ?? "no content"}); is the address right?");

    private static string WithField(string detail, string? field) =>
        field is not { Length: > 0 } || detail.Contains(field, StringComparison.Ordinal) ? detail : $"{field}: {detail}";
}
