// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Volumes;

namespace Teravox.Grains.Report;

/// <summary>
/// Reads sections of stored volumes for pictures: at most <see cref="MaxSide"/> pixels a side, out of the middle, so that
/// a report of a teravoxel is as small as one of a phantom.
/// </summary>
public sealed class SectionReader
{
    /// <summary>Pixels a side at most.</summary>
    public const int MaxSide = 512;

    // Few enough that single pixels can be seen.
    private const int CropSide = 128;

    private readonly OmeVolume _raw;
    private readonly GreyScale _grey;

    /// <summary>For a raw volume.</summary>
    /// <param name="raw">The raw volume.</param>
    /// <param name="histogram">Of the whole volume.</param>
    public SectionReader(OmeVolume raw, VoxelHistogram histogram)
    {
        _raw = raw;
        _grey = new GreyScale(histogram);
    }

    /// <summary>The xy section at a z, where all predictions are.</summary>
    public OverlaySet Xy(int z, OmeVolume? truth, IReadOnlyList<SectionPrediction> predictions)
    {
        var (y, height) = Middle(0, _raw.Shape.Y, MaxSide);
        var (x, width) = Middle(0, _raw.Shape.X, MaxSide);
        return Make($"xy, z = {z}", new Box3(new Int3(z, y, x), new Int3(1, height, width)), width, height, _raw.VoxelSize.Y / _raw.VoxelSize.X, truth, predictions);
    }

    /// <summary>The yz section at an x, cut to where all predictions are: y to the right, z downwards.</summary>
    public OverlaySet Yz(int x, OmeVolume? truth, IReadOnlyList<SectionPrediction> predictions)
    {
        var common = predictions.Aggregate(Box3.Whole(_raw.Shape), static (box, p) => box.Intersect(p.Region));
        var (z, depth) = Middle(common.Start.Z, common.Shape.Z, MaxSide);
        var (y, height) = Middle(0, _raw.Shape.Y, MaxSide);
        return Make($"yz, x = {x}", new Box3(new Int3(z, y, x), new Int3(depth, height, 1)), height, depth, _raw.VoxelSize.Z / _raw.VoxelSize.Y, truth, predictions);
    }

    /// <summary>The middle of a section as it is and as it was brought back.</summary>
    /// <param name="z">The section in the original.</param>
    /// <param name="lr">Sections enlarged by bicubic interpolation.</param>
    /// <param name="boosted">The same by super-resolution.</param>
    /// <param name="region">The part of the original that both show.</param>
    public RestoredCrop Restored(int z, OmeVolume lr, OmeVolume boosted, Box3 region)
    {
        var (y, height) = Middle(0, _raw.Shape.Y, CropSide);
        var (x, width) = Middle(0, _raw.Shape.X, CropSide);
        var box = new Box3(new Int3(z, y, x), new Int3(1, height, width));
        var title = box.Shape == _raw.Shape with { Z = 1 } ? $"section {z}" : $"section {z}, the middle {height} × {width} pixels";
        return new RestoredCrop(title, z, width, height, Grey(_raw, box, Int3.Zero), Grey(lr, box, region.Start), Grey(boosted, box, region.Start))
        {
            PixelAspect = _raw.VoxelSize.Y / _raw.VoxelSize.X,
        };
    }

    private OverlaySet Make(string title, Box3 box, int width, int height, double aspect, OmeVolume? truth, IReadOnlyList<SectionPrediction> predictions) => new()
    {
        Title = title,
        Width = width,
        Height = height,
        PixelAspect = aspect,
        Raw = Grey(_raw, box, Int3.Zero),
        Truth = truth is null ? null : Voxels(truth, box, Int3.Zero),
        Predicted = [.. predictions.Select(p => new PredictedSection(p.Name, Voxels(p.Labels, box, p.Region.Start)) { Raw = p.Seen is null ? null : Grey(p.Seen, box, p.Region.Start) })],
    };

    // Greys of all volumes by the original's scale, so that they can be compared by eye.
    private byte[] Grey(OmeVolume volume, Box3 box, Int3 origin) => _grey.Of(Voxels(volume, box, origin));

    // A volume of a region starts at 0 with the region's first voxel.
    private static byte[] Voxels(OmeVolume volume, Box3 box, Int3 origin)
    {
        var voxels = new byte[box.Count * volume.Type.Bytes()];
        volume.Read(box with { Start = box.Start - origin }, voxels);
        return voxels;
    }

    private static (int Start, int Length) Middle(int start, int n, int most)
    {
        var length = Math.Min(n, most);
        return (start + ((n - length) / 2), length);
    }
}

/// <summary>A prediction to draw over sections.</summary>
/// <param name="Name">Its name, as in the scores.</param>
/// <param name="Labels">Its class ids.</param>
/// <param name="Region">The part of the original that it covers.</param>
/// <param name="Seen">What the network saw of the region, where that was not the original.</param>
public sealed record SectionPrediction(string Name, OmeVolume Labels, Box3 Region, OmeVolume? Seen = null);
