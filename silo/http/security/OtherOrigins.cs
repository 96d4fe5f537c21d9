// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Teravox.Contracts;

namespace Teravox.Silo.Http.Security;

/// <summary>
/// Lets pages of chosen other origins read the views' OME-Zarr, with a key of their own where keys are needed: viewers such as
/// Neuroglancer may be served elsewhere. Everything else stays this origin's own.
/// </summary>
public sealed partial class OtherOrigins
{
    private const string MayAsk = "GET, HEAD", MaySend = "Authorization, Range, If-None-Match, If-Modified-Since, If-Range";
    private const string MayRead = "Accept-Ranges, Content-Length, Content-Range, ETag";
    private const string PreflightSeconds = "600";
    private readonly HashSet<string> origins;

    internal OtherOrigins(IReadOnlyList<string> origins) => this.origins = [.. origins.Select(Check)];

    /// <summary>The origin as browsers write it.</summary>
    /// <param name="origin">What the user gave for --cors.</param>
    /// <exception cref="InputException">It is no origin.</exception>
    public static string Check(string origin)
    {
        ArgumentNullException.ThrowIfNull(origin);
        return Uri.TryCreate(origin, UriKind.Absolute, out var uri)
            && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
            && uri is { UserInfo: "", PathAndQuery: "/", Fragment: "" }
            ? uri.GetLeftPart(UriPartial.Authority)
            : throw new InputException($"--cors {origin}: expected an origin, as in --cors https://viewer.example.org.");
    }

    /// <summary>The middleware, before routing: a preflight asks for a method that no route has.</summary>
    internal Task GuardAsync(HttpContext http, RequestDelegate next)
    {
        if (origins.Count == 0 || !Views().IsMatch(http.Request.Path.Value ?? ""))
            return next(http);
        var origin = http.Request.Headers.Origin.ToString();
        var allowed = origins.Contains(origin);

        // Set when the answer starts, so that a problem has them too: a chunk that is missing must be seen to be missing.
        http.Response.OnStarting(() =>
        {
            var headers = http.Response.Headers;
            headers.Append("Vary", "Origin");
            if (allowed)
            {
                headers.AccessControlAllowOrigin = origin;
                headers.AccessControlExposeHeaders = MayRead;
                headers["Cross-Origin-Resource-Policy"] = "cross-origin";
            }

            return Task.CompletedTask;
        });
        if (!allowed)
            return next(http);

        // A page elsewhere acts by its own key, never by the cookie of whoever is signed in here.
        http.Request.Headers.Remove("Cookie");
        if (!HttpMethods.IsOptions(http.Request.Method) || http.Request.Headers.AccessControlRequestMethod.Count == 0)
            return next(http);
        http.Response.StatusCode = StatusCodes.Status204NoContent;
        http.Response.Headers.AccessControlAllowMethods = MayAsk;
        http.Response.Headers.AccessControlAllowHeaders = MaySend;
        http.Response.Headers.AccessControlMaxAge = PreflightSeconds;
        return Task.CompletedTask;
    }

    [GeneratedRegex("^/api/v1/(experiments|volumes)/[^/]+/views/[^/]+/.", RegexOptions.CultureInvariant)]
    private static partial Regex Views();
}
