// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Silo.Http.Security;

namespace Teravox.Silo.Http.Uploads;

/// <summary>Checks what a client says it will send, before anything of it is taken.</summary>
internal static class ManifestCheck
{
    private const string Classes = "classes.json";
    private const long MostClassBytes = 1 << 20;
    private static readonly HashSet<string> Hidden = [".zattrs", ".zarray", ".zgroup", ".zmetadata"];

    /// <exception cref="InputException">The first thing that is wrong, named by file.</exception>
    public static void Run(NewUpload upload, UploadLimits limits)
    {
        Names.Check(upload.Name, "name");
        if (upload.VoxelSize is { } size && size is not { Z: > 0, Y: > 0, X: > 0 })
            throw new InputException("voxelSize: each of the three must be above 0 nm.");
        if (upload.Files.Count == 0 || upload.Files.Count > limits.Entries)
            throw new InputException($"files: {upload.Files.Count} files are announced; 1 to {limits.Entries} are taken.");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var folders = new HashSet<string>(StringComparer.Ordinal);
        long bytes = 0;
        foreach (var file in upload.Files)
        {
            CheckPath(file.Path);
            if (!seen.Add(file.Path))
                throw new InputException($"files: {file.Path} is announced twice.");
            for (var at = file.Path.LastIndexOf('/'); at > 0; at = file.Path.LastIndexOf('/', at - 1))
                folders.Add(file.Path[..at]);
            if (file.Bytes < 0 || file.Bytes > limits.Bytes - bytes)
                throw new InputException($"files: {file.Path} with {file.Bytes} bytes makes more than the {limits.Bytes} bytes an upload may have.");
            if (file.Path == Classes && file.Bytes > MostClassBytes)
                throw new InputException($"files: {Classes} has {file.Bytes} bytes; a class map has at most {MostClassBytes}.");
            if (file.Sha256 is { } sha && (sha.Length != 64 || !sha.All(char.IsAsciiHexDigit)))
                throw new InputException($"files: the sha256 of {file.Path} is not 64 hex digits.");
            bytes += file.Bytes;
        }

        if (seen.FirstOrDefault(folders.Contains) is { } both)
            throw new InputException($"files: {both} is announced as a file and as a folder.");
        if (!upload.Files.Any(static f => f.Path.StartsWith("raw/", StringComparison.Ordinal)))
            throw new InputException("files: there is nothing in raw/; a volume needs its slices there.");
    }

    private static void CheckPath(string path)
    {
        if (path == Classes)
            return;
        var parts = path.Split('/');
        if (!PathGuard.IsPlain(path) || path.Contains('%', StringComparison.Ordinal) || parts.Length < 2 || parts[0] is not ("raw" or "labels"))
            throw new InputException($"files: \"{Shown(path)}\" is no path of an upload; give raw/..., labels/... or {Classes}, with '/' and without '..' and '%'.");
        if (parts.FirstOrDefault(static p => p[0] == '.' && !Hidden.Contains(p)) is { } hidden)
            throw new InputException($"files: {Shown(path)}: hidden files such as {hidden} are not taken; leave it out.");
    }

    private static string Shown(string path) => string.Concat(path.Take(200).Select(static c => char.IsControl(c) ? '?' : c));
}
