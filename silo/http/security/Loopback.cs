// SPDX-License-Identifier: Apache-2.0
using System.Net;
using Microsoft.AspNetCore.Http;
using Teravox.Contracts;

namespace Teravox.Silo.Http.Security;

/// <summary>What counts as this machine only, and what guards a silo without keys from web pages of the same machine.</summary>
internal static class Loopback
{
    /// <summary>True when the url listens on loopback only.</summary>
    /// <exception cref="InputException">It is not a url a silo can listen on.</exception>
    public static bool IsLoopback(string url)
    {
        // "http://*:80" and "http://+:80" are Kestrel's own and no urls.
        var text = url.Replace("://*", "://0.0.0.0", StringComparison.Ordinal).Replace("://+", "://0.0.0.0", StringComparison.Ordinal);
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttp || uri.AbsolutePath != "/")
            throw new InputException($"--urls: {url} is not http://HOST:PORT; put a proxy before the silo where https is needed.");
        return IsLoopbackHost(uri.Host);
    }

    /// <summary>True for localhost and loopback addresses; other names may be made to point here (DNS rebinding).</summary>
    public static bool IsLoopbackHost(string host) =>
        string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    /// <summary>Refuses what a web page of another site makes a browser send to a silo that needs no key.</summary>
    public static void RefuseOtherSites(HttpRequest request)
    {
        if (!IsLoopbackHost(request.Host.Host))
            throw new ProblemException(403, "Without keys only requests to a loopback name or address are answered; the header Host names another.");
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
            return;
        var origin = request.Headers.Origin;
        if (origin.Count > 0 && origin != $"{request.Scheme}://{request.Host}")
            throw new ProblemException(403, "Without keys, writes from web pages of other origins are refused.");
        if (request.Headers["Sec-Fetch-Site"] is { Count: > 0 } site && site[0] is not ("same-origin" or "none"))
            throw new ProblemException(403, "Without keys, writes from web pages of other sites are refused.");
    }
}
