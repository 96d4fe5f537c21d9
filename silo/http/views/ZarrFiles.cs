// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Teravox.Silo.Http.Experiments;
using Teravox.Silo.Http.Security;

namespace Teravox.Silo.Http.Views;

/// <summary>The files of a stored OME-Zarr: metadata and chunks, and nothing else that may lie beside them.</summary>
internal static class ZarrFiles
{
    private static readonly HashSet<string> Metadata = [".zattrs", ".zgroup", ".zarray", ".zmetadata"];

    /// <summary>The absolute path of a file under an OME-Zarr.</summary>
    /// <exception cref="ProblemException">404: there is none, as for a chunk that was never written; or it is no file of an OME-Zarr.</exception>
    public static string Find(string root, string path)
    {
        // What the server leaves encoded in a path is a slash inside a name, which no chunk has.
        if (!PathGuard.IsPlain(path) || path.Contains('%', StringComparison.Ordinal) || !IsOfZarr(Path.GetFileName(path)))
            throw NoSuch(path);
        var full = Path.Combine(root, path);
        return File.Exists(full) && PathGuard.LiesIn(full, root) ? full : throw NoSuch(path);
    }

    /// <summary>The file as an answer that a browser may keep as long as it asks whether it is still the same.</summary>
    public static IResult Send(string file)
    {
        var info = new FileInfo(file);
        var tag = new EntityTagHeaderValue($"\"{info.LastWriteTimeUtc.Ticks:x}-{info.Length:x}\"");
        return TypedResults.PhysicalFile(file, ResultFiles.ContentType(file), lastModified: info.LastWriteTimeUtc, entityTag: tag, enableRangeProcessing: true);
    }

    public static ProblemException NoSuch(string path) =>
        new(404, $"The view has no {path}; where a chunk is missing all voxels are the array's fill value.");

    private static bool IsOfZarr(string name) => Metadata.Contains(name) || name.All(static c => char.IsAsciiDigit(c) || c == '.');
}
