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

    /// <summary>The xy section at a z.</summary>
    public OverlaySet Xy(int z, OmeVolume? truth, IReadOnlyList<(string Name, OmeVolume Labels)> predictions)
    {
        var (y, height) = Middle(_raw.Shape.Y);
        var (x, width) = Middle(_raw.Shape.X);
        return Make($"xy, z = {z}", new Box3(new Int3(z, y, x), new Int3(1, height, width)), width, height, _raw.VoxelSize.Y / _raw.VoxelSize.X, truth, predictions);
    }

    /// <summary>The yz section at an x: y to the right, z downwards.</summary>
    public OverlaySet Yz(int x, OmeVolume? truth, IReadOnlyList<(string Name, OmeVolume Labels)> predictions)
    {
        var (z, depth) = Middle(_raw.Shape.Z);
        var (y, height) = Middle(_raw.Shape.Y);
        return Make($"yz, x = {x}", new Box3(new Int3(z, y, x), new Int3(depth, height, 1)), height, depth, _raw.VoxelSize.Z / _raw.VoxelSize.Y, truth, predictions);
    }

    private OverlaySet Make(string title, Box3 box, int width, int height, double aspect, OmeVolume? truth, IReadOnlyList<(string Name, OmeVolume Labels)> predictions)
    {
        var raw = new byte[box.Count * _raw.Type.Bytes()];
        _raw.Read(box, raw);
        return new OverlaySet
        {
            Title = title,
            Width = width,
            Height = height,
            PixelAspect = aspect,
            Raw = _grey.Of(raw),
            Truth = truth is null ? null : Ids(truth),
            Predicted = [.. predictions.Select(p => new PredictedSection(p.Name, Ids(p.Labels)))],
        };

        byte[] Ids(OmeVolume labels)
        {
            var ids = new byte[box.Count];
            labels.Read(box, ids);
            return ids;
        }
    }

    private static (int Start, int Length) Middle(int n)
    {
        var length = Math.Min(n, MaxSide);
        return ((n - length) / 2, length);
    }
}
