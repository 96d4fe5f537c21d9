// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;
using Teravox.Silo.Http.Security;

namespace Teravox.Silo.Http.Experiments;

/// <summary>The files that an experiment leaves for people; never its working folder, never what lies outside.</summary>
internal static class ResultFiles
{
    private const string Volume = ".zarr";

    /// <summary>
    /// A page of files by path. Volumes have a file for every chunk, so they come as one entry that ends in '/' unless
    /// the list is of what is under one.
    /// </summary>
    public static Page<ResultFile> List(string root, string? under, string? after, int limit)
    {
        var from = under?.TrimEnd('/');
        if (from is not null && !PathGuard.IsPlain(from))
            throw NoSuch(from);
        if (after is not null && !PathGuard.IsPlain(after.TrimEnd('/')))
            throw new ProblemException(422, "cursor: give the 'next' of the page before, or leave it out.", "cursor");
        var start = from is null ? root : Path.Combine(root, from);
        if (!Directory.Exists(start))
            return from is null ? new Page<ResultFile>([], null) : throw NoSuch(from);
        if (!PathGuard.LiesIn(start, root))
            throw NoSuch(from ?? "");
        var files = Walk(start, from is null ? "" : from + "/", after, whole: from is not null).Take(limit + 1).ToList();
        return new Page<ResultFile>([.. files.Take(limit)], files.Count > limit ? files[limit - 1].Path : null);
    }

    /// <summary>The absolute path of one file.</summary>
    /// <exception cref="ProblemException">404: there is none, or it is not for people.</exception>
    public static string Find(string root, string path)
    {
        // What the server leaves encoded in a path is a slash inside a name, which no result has.
        if (!PathGuard.IsPlain(path) || path.Contains('%', StringComparison.Ordinal))
            throw NoSuch(path);
        var full = Path.Combine(root, path);
        return File.Exists(full) && PathGuard.LiesIn(full, root) ? full : throw NoSuch(path);
    }

    public static string ContentType(string path) => Path.GetExtension(path) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".json" or ".zattrs" or ".zarray" or ".zgroup" => "application/json",
        ".csv" => "text/csv; charset=utf-8",
        ".png" => "image/png",
        _ => "application/octet-stream",
    };

    // In the order of the whole path as text, so that a page can go on after any of them without reading what came before.
    private static IEnumerable<ResultFile> Walk(string folder, string prefix, string? after, bool whole)
    {
        var entries = new DirectoryInfo(folder).EnumerateFileSystemInfos()
            .Where(e => !PathGuard.IsPrivate(e.Name) && e.LinkTarget is null)
            .Select(e => (Path: prefix + e.Name + (e is DirectoryInfo ? "/" : ""), Entry: e))
            .OrderBy(e => e.Path, StringComparer.Ordinal);
        foreach (var (path, entry) in entries)
        {
            var next = after is null || string.CompareOrdinal(path, after) > 0;
            if (entry is FileInfo file)
            {
                if (next)
                    yield return new ResultFile(path, file.Length);
            }
            else if (!whole && entry.Name.EndsWith(Volume, StringComparison.Ordinal))
            {
                if (next)
                    yield return new ResultFile(path, 0);
            }
            else if (next || after!.StartsWith(path, StringComparison.Ordinal))
            {
                foreach (var inner in Walk(entry.FullName, path, after, whole))
                    yield return inner;
            }
        }
    }

    private static ProblemException NoSuch(string path) => new(404, $"The experiment has no result {path}; GET .../results lists them.");
}
