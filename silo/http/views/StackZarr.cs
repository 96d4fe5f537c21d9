// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Silo.Http.Volumes;
using Teravox.Volumes;

namespace Teravox.Silo.Http.Views;

/// <summary>
/// A stack of images served as an OME-Zarr of one level, so that viewers read every volume alike. Chunks are parts of sections,
/// made when they are asked for; labels come as class ids.
/// </summary>
internal sealed class StackZarr(VolumePictures pictures)
{
    private const int Side = 256;
    private const string Json = "application/json";

    /// <summary>What the OME-Zarr is like. Chunks are not packed: sections are read to make them, packing would only add to that.</summary>
    public static OmeOptions Options(VolumeInfo volume, StackUse use, ClassMap? classes) => new()
    {
        Shape = volume.Shape,
        Type = use == StackUse.Labels ? VoxelType.UInt8 : volume.Type,
        Chunk = new Int3(1, Math.Min(Side, volume.Shape.Y), Math.Min(Side, volume.Shape.X)),
        VoxelSize = volume.VoxelSize,
        Compressor = Compressor.None,
        Classes = use == StackUse.Labels ? classes : null,
    };

    /// <summary>One of its files.</summary>
    /// <param name="volume">A volume of images.</param>
    /// <param name="use">Raw or labels.</param>
    /// <param name="classes">The class map, for labels.</param>
    /// <param name="path">".zattrs", "s0/.zarray", "s0/12/0/3" ...</param>
    /// <exception cref="ProblemException">404: it has no such file.</exception>
    public IResult File(VolumeInfo volume, StackUse use, ClassMap? classes, string path)
    {
        var options = Options(volume, use, classes);
        return path switch
        {
            ".zgroup" => TypedResults.Text(OmeDocuments.Group, Json),
            ".zattrs" => TypedResults.Text(OmeDocuments.Attributes(options, volume.Name), Json),
            "s0/.zarray" => TypedResults.Text(OmeDocuments.Array(options), Json),
            _ => Place(path, options) is { } place
                ? TypedResults.Bytes(Cut(pictures.Section(volume, use, place.Z), place, options), "application/octet-stream", enableRangeProcessing: true)
                : throw ZarrFiles.NoSuch(path),
        };
    }

    // The chunk that the path names, in chunk coordinates; null when there is none.
    private static Int3? Place(string path, OmeOptions options)
    {
        if (path.Split('/') is not ["s0", var z, var y, var x])
            return null;
        var grid = Int3.Zip(options.Shape.RoundUpTo(options.Chunk), options.Chunk, static (n, c) => n / c);
        return Index(z, grid.Z) is { } k && Index(y, grid.Y) is { } j && Index(x, grid.X) is { } i ? new Int3(k, j, i) : null;
    }

    private static int? Index(string text, int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < count ? index : null;

    // A chunk at the border is as large as the others, 0 beyond the section.
    private static byte[] Cut(byte[] section, Int3 place, OmeOptions options)
    {
        var (start, size) = (place * options.Chunk, options.Type.Bytes());
        var rows = Math.Min(options.Chunk.Y, options.Shape.Y - start.Y);
        var columns = Math.Min(options.Chunk.X, options.Shape.X - start.X);
        var chunk = new byte[options.Chunk.Count * size];
        for (var y = 0; y < rows; y++)
        {
            var from = (((long)(start.Y + y) * options.Shape.X) + start.X) * size;
            Array.Copy(section, from, chunk, (long)y * options.Chunk.X * size, (long)columns * size);
        }

        return chunk;
    }
}
