// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Teravox.Silo.Http.Page;

/// <summary>
/// Serves the web page: the files that lay in its folder when the silo started, looked up by their whole path, so that no path
/// of a request ever reaches the disk. Anybody may load the page; what it shows it asks the API for.
/// </summary>
internal sealed partial class PageFiles
{
    // Chunks come packed by blosc, whose decoder is WebAssembly; 'wasm-unsafe-eval' allows that and no JavaScript.
    private const string Policy =
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
        "worker-src 'self' blob:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private const string Index = "index.html", Neuroglancer = "/neuroglancer";
    private static readonly (string Encoding, string Suffix)[] Packings = [("br", ".br"), ("gzip", ".gz")];
    private readonly Dictionary<string, PageFile> files = new(StringComparer.Ordinal);

    private sealed record PageFile(string Path, string Hash, IReadOnlyList<string> Encodings)
    {
        public string On(string? encoding) => Path + Packings.FirstOrDefault(p => p.Encoding == encoding).Suffix;
    }

    public PageFiles(string folder)
    {
        folder = Path.GetFullPath(folder);
        if (!Directory.Exists(folder))
            return;
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(static p => !IsPacked(p)))
        {
            var file = new PageFile(
                path,
                Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)))[..16],
                [.. Packings.Where(p => File.Exists(path + p.Suffix)).Select(static p => p.Encoding)]);
            var url = "/" + Path.GetRelativePath(folder, path);
            files[url] = file;
            if (Path.GetFileName(path) == Index)
                files[url[..^Index.Length]] = file;
        }
    }

    /// <summary>True when Neuroglancer was built with the page.</summary>
    public bool HasNeuroglancer => files.ContainsKey(Neuroglancer + "/");

    /// <summary>The middleware, before routing.</summary>
    /// <exception cref="ProblemException">404: the page was not built.</exception>
    public Task ServeAsync(HttpContext http, RequestDelegate next)
    {
        var path = http.Request.Path.Value ?? "/";
        if (!HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method))
            return next(http);
        if (files.TryGetValue(path, out var file))
            return SendAsync(http, path, file);
        if (path == Neuroglancer && HasNeuroglancer)
            return TypedResults.LocalRedirect(Neuroglancer + "/").ExecuteAsync(http);
        return path == "/"
            ? throw new ProblemException(404, "The page was not built; ./teravox build builds it where Node.js is installed. The API answers under /api/v1.")
            : next(http);
    }

    private static Task SendAsync(HttpContext http, string path, PageFile file)
    {
        var encoding = file.Encodings.FirstOrDefault(e => Takes(http.Request, e));
        var headers = http.Response.Headers;

        // With every file, not with HTML alone: a worker goes by what came with its script.
        headers.ContentSecurityPolicy = Policy;
        headers.CacheControl = Hashed().IsMatch(path) ? "public, max-age=31536000, immutable" : "no-cache";
        if (file.Encodings.Count > 0)
            headers.Vary = "Accept-Encoding";
        if (encoding is not null)
            headers.ContentEncoding = encoding;

        // By content and not by time, so that all silos of a cluster say the same of a file.
        var tag = new EntityTagHeaderValue($"\"{file.Hash}{(encoding is null ? "" : "-" + encoding)}\"");
        return TypedResults.PhysicalFile(file.On(encoding), ContentType(file.Path), entityTag: tag).ExecuteAsync(http);
    }

    private static bool Takes(HttpRequest request, string encoding) =>
        request.GetTypedHeaders().AcceptEncoding.Any(e => e.Quality is null or > 0 && e.Value.Equals(encoding, StringComparison.OrdinalIgnoreCase));

    // "app.js.br" is a packing of "app.js"; without that it is a file of its own.
    private static bool IsPacked(string path) => Packings.Any(p => path.EndsWith(p.Suffix, StringComparison.Ordinal) && File.Exists(path[..^p.Suffix.Length]));

    private static string ContentType(string path) => Path.GetExtension(path) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".js" or ".mjs" => "text/javascript; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".json" or ".map" => "application/json",
        ".txt" => "text/plain; charset=utf-8",
        ".wasm" => "application/wasm",
        ".svg" => "image/svg+xml",
        ".png" => "image/png",
        ".ico" => "image/x-icon",
        ".woff2" => "font/woff2",
        _ => "application/octet-stream",
    };

    // As Vite names what it builds: the hash changes with the content.
    [GeneratedRegex(@"/assets/[^/]+-[A-Za-z0-9_-]{8}\.[a-z0-9.]+$", RegexOptions.CultureInvariant)]
    private static partial Regex Hashed();
}
