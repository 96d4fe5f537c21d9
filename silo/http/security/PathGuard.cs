// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Volumes;

namespace Teravox.Silo.Http.Security;

/// <summary>
/// Every path that a client gives goes through here: it must lie under a configured root, or among the store's volumes
/// and models, also after links are followed. Whether something outside exists is not told.
/// </summary>
internal sealed partial class PathGuard
{
    private const string Private = ".teravox";

    // Tells a client that has the files itself that it must upload them.
    private static readonly Dictionary<string, object> OutOfReach = new() { ["outOfReach"] = true };
    private readonly IReadOnlyList<string> roots;
    private readonly string store;
    private readonly IReadOnlyList<string> open;

    public PathGuard(HttpOptions options)
    {
        store = Real(Path.GetFullPath(options.Store)) ?? Path.GetFullPath(options.Store);
        open = [Path.Combine(store, "volumes"), Path.Combine(store, "models")];
        roots = [.. options.Roots.Select(static r => Path.TrimEndingDirectorySeparator(Path.GetFullPath(r)))];
    }

    /// <summary>The folder that relative paths count from.</summary>
    public string Base => roots.Count > 0 ? roots[0] : open[0];

    /// <summary>The path with its links followed.</summary>
    /// <param name="path">Absolute, or relative to <see cref="Base"/>.</param>
    /// <param name="field">What the problem calls it.</param>
    /// <exception cref="ProblemException">422: it leads elsewhere, or there is nothing.</exception>
    public string Resolve(string path, string field)
    {
        if (path.Length == 0 || path.Any(char.IsControl))
            throw new ProblemException(422, $"{field}: a path must not be empty or hold control characters.", field);
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path, Base));
        if (!Allowed(full))
            throw Outside(field);
        var real = Real(full) ?? throw new ProblemException(422, $"{field}: {full} does not exist.", field) { More = OutOfReach };
        return Allowed(real) ? real : throw Outside(field);
    }

    /// <summary>
    /// Resolves a volume's path, and refuses links in it that lead elsewhere: in a folder of slices among the slices, in an
    /// OME-Zarr among its groups and levels.
    /// </summary>
    public string ResolveVolume(string path, string field)
    {
        var real = Resolve(path, field);
        if (Directory.Exists(real))
            RefuseLinks(real, field, depth: 2);
        return real;
    }

    /// <summary>A file beside a volume that would be read with it: nothing when it is not there.</summary>
    /// <exception cref="ProblemException">422: it is a link that leads elsewhere.</exception>
    public void CheckBeside(string path, string field)
    {
        if (Real(path) is { } real && !Allowed(real))
            throw Outside(field);
    }

    /// <summary>True when clients may read what lies there, links followed.</summary>
    public bool IsOpen(string path) => Real(path) is { } real && Allowed(real);

    /// <summary>True when the path lies in the folder, links of both followed.</summary>
    public static bool LiesIn(string path, string folder) =>
        Real(path) is { } real && Real(folder) is { } realFolder && Under(real, realFolder);

    /// <summary>True for a relative path of plain parts: no "..", no backslash, nothing of the silo's own.</summary>
    public static bool IsPlain(string path) =>
        path.Length is > 0 and <= 1000
        && !path.Any(static c => char.IsControl(c) || c == '\\')
        && path.Split('/').All(static p => p.Length is > 0 and <= 200 && p is not ("." or "..") && !IsPrivate(p));

    /// <summary>True for names that are the silo's own: working folders and files that are being written.</summary>
    public static bool IsPrivate(string name) =>
        name.StartsWith(Private, StringComparison.OrdinalIgnoreCase) || name.StartsWith(AtomicFile.TemporaryPrefix, StringComparison.Ordinal);

    private void RefuseLinks(string folder, string field, int depth)
    {
        foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos())
        {
            if (entry.LinkTarget is not null && (Real(entry.FullName) is not { } real || !Allowed(real)))
                throw new ProblemException(422, $"{field}: {entry.FullName} is a link that leads out of the roots; put the files themselves there.", field);
            if (depth > 0 && entry is DirectoryInfo { LinkTarget: null })
                RefuseLinks(entry.FullName, field, depth - 1);
        }
    }

    private bool Allowed(string path)
    {
        if (path.Split('/').Any(IsPrivate))
            return false;
        if (open.Any(folder => Under(path, folder)))
            return true;
        return !Under(path, store) && roots.Any(root => Under(path, root) || (Real(root) is { } real && Under(path, real)));
    }

    private ProblemException Outside(string field) => new(
        422,
        roots.Count == 0
            ? $"{field}: no folder of this silo is open to paths; upload the volume, or start the silo with --root."
            : $"{field}: the path leads out of the roots that this silo may read; put it under {string.Join(" or ", roots)}.",
        field)
    {
        More = OutOfReach,
    };

    private static bool Under(string path, string folder) =>
        path.StartsWith(folder, StringComparison.Ordinal) && (path.Length == folder.Length || folder.EndsWith('/') || path[folder.Length] == '/');

    private static string? Real(string path)
    {
        var text = RealPath(path, 0);
        if (text == 0)
            return null;
        try
        {
            return Marshal.PtrToStringUTF8(text);
        }
        finally
        {
            Free(text);
        }
    }

    [LibraryImport("libc", EntryPoint = "realpath", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint RealPath(string path, nint buffer);

    [LibraryImport("libc", EntryPoint = "free")]
    private static partial void Free(nint memory);
}
