// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>What a file's extension says it is.</summary>
internal enum FileKind
{
    Other,
    Tiff,
    Png,
}

/// <summary>Which files of a folder or archive are slices, and in which order.</summary>
internal static class FileNames
{
    public static FileKind KindOf(string name) => Path.GetExtension(name).ToUpperInvariant() switch
    {
        ".TIF" or ".TIFF" => FileKind.Tiff,
        ".PNG" => FileKind.Png,
        _ => FileKind.Other,
    };

    public static bool IsZip(string name) => string.Equals(Path.GetExtension(name), ".zip", StringComparison.OrdinalIgnoreCase);

    /// <summary>Hidden files are not slices: "._00.tif" is what macOS puts beside 00.tif.</summary>
    public static bool IsSlice(string name) => !Path.GetFileName(name).StartsWith('.') && KindOf(name) != FileKind.Other;

    /// <summary>The slices in natural order.</summary>
    /// <exception cref="InputException">None, or TIFF and PNG mixed.</exception>
    public static List<string> Sort(IEnumerable<string> names, string source)
    {
        var sorted = names.Where(IsSlice).Order(NaturalOrder.Instance).ToList();
        if (sorted.Count == 0)
            throw new InputException($"{source} holds no .tif, .tiff or .png file");
        var tiff = sorted.Find(static n => KindOf(n) == FileKind.Tiff);
        var png = sorted.Find(static n => KindOf(n) == FileKind.Png);
        return tiff is null || png is null
            ? sorted
            : throw new InputException($"{source} holds both TIFF and PNG files ({Path.GetFileName(tiff)}, " +
                $"{Path.GetFileName(png)}); put raw and label slices into folders of their own");
    }
}
