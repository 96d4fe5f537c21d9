// SPDX-License-Identifier: Apache-2.0
using Teravox.Volumes;

namespace Teravox.Grains.Report;

/// <summary>
/// 8-bit grey for pictures: 8-bit voxels as they are, 16-bit ones between the levels that leave out 0.1 % of the voxels
/// at each end.
/// </summary>
public sealed class GreyScale
{
    private readonly byte[] _grey;

    /// <summary>For voxels of a volume with this histogram.</summary>
    public GreyScale(VoxelHistogram histogram)
    {
        ArgumentNullException.ThrowIfNull(histogram);
        _grey = histogram.Counts.Length == 256 ? [.. Enumerable.Range(0, 256).Select(v => (byte)v)] : Stretch(histogram);
    }

    /// <summary>The grey of stored voxels, 1 or 2 bytes each in native order.</summary>
    public byte[] Of(ReadOnlySpan<byte> voxels)
    {
        var bytes = _grey.Length == 256 ? 1 : 2;
        var grey = new byte[voxels.Length / bytes];
        for (var i = 0; i < grey.Length; i++)
            grey[i] = _grey[bytes == 1 ? voxels[i] : BitConverter.ToUInt16(voxels[(2 * i)..])];
        return grey;
    }

    private static byte[] Stretch(VoxelHistogram histogram)
    {
        var counts = histogram.Counts;
        var cut = counts.Sum() / 1000;
        int low = 0, high = counts.Length - 1;
        for (long seen = 0; low < high && (seen += counts[low]) <= cut; low++)
        {
        }

        for (long seen = 0; high > low && (seen += counts[high]) <= cut; high--)
        {
        }

        return [.. Enumerable.Range(0, counts.Length).Select(v => (byte)Math.Clamp((int)Math.Round((v - low) * 255.0 / Math.Max(1, high - low)), 0, 255))];
    }
}
