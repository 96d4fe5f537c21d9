// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Http;

namespace Teravox.Silo.Http.Security;

/// <summary>
/// The cookie by which a browser is signed in. It holds the key itself, out of reach of scripts: any silo can tell whose it is,
/// and revoking the key ends it everywhere.
/// </summary>
internal static class SessionCookie
{
    public const string Name = "teravox";

    /// <summary>The header that writes by cookie must carry: pages of other sites cannot set it.</summary>
    public const string Header = "X-Teravox";

    public const string HeaderValue = "page";

    public static string? Read(HttpRequest request) => request.Cookies[Name] is { Length: > 0 } secret ? secret : null;

    public static void Set(HttpContext http, string secret) => http.Response.Cookies.Append(Name, secret, Options(http.Request));

    public static void Delete(HttpContext http) => http.Response.Cookies.Delete(Name, Options(http.Request));

    /// <summary>Refuses writes by cookie that a page of another site makes a browser send.</summary>
    /// <exception cref="ProblemException">403.</exception>
    public static void CheckWrite(HttpRequest request)
    {
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
            return;
        if (request.Headers[Header] != HeaderValue)
            throw new ProblemException(403, $"Who is signed in by cookie writes with the header {Header}: {HeaderValue}, which other sites cannot send.");
        RefuseOtherSites(request);
    }

    /// <summary>Refuses what a browser says comes from a page of another site.</summary>
    /// <exception cref="ProblemException">403.</exception>
    public static void RefuseOtherSites(HttpRequest request)
    {
        // Browsers that send Sec-Fetch-Site know best: behind a proxy the header Host may be another than the browser's.
        var foreign = request.Headers["Sec-Fetch-Site"] is { Count: > 0 } site
            ? site[0] is not ("same-origin" or "none")
            : request.Headers.Origin is { Count: > 0 } origin && !(Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Authority == request.Host.Value);
        if (foreign)
            throw new ProblemException(403, "Signing in and out, and writes by cookie, are refused from pages of other sites.");
    }

    private static CookieOptions Options(HttpRequest request) => new()
    {
        HttpOnly = true,
        SameSite = SameSiteMode.Strict,
        Path = "/",

        // Where a proxy speaks https for the silo only the header tells; who sends it wrongly harms nobody else.
        Secure = request.IsHttps || request.Headers["X-Forwarded-Proto"] == "https",
    };
}
