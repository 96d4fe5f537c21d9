// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>
/// The cores that tile a volume: every voxel lies in exactly one core. Cores start at multiples of the core shape;
/// the last ones per axis are cut at the border. Index order is z-major: x varies fastest.
/// </summary>
public sealed class TileGrid
{
    /// <summary>Tiles a volume of shape (z, y, x) by cores of shape (z, y, x), in voxels, each 1 or more.</summary>
    /// <exception cref="ArgumentException">A shape is not positive, or there are more than 2^31 - 1 tiles.</exception>
    public TileGrid(Int3 volumeShape, Int3 core)
    {
        if (!volumeShape.IsPositive)
            throw new ArgumentException($"volume shape {volumeShape} is not positive", nameof(volumeShape));
        if (!core.IsPositive)
            throw new ArgumentException($"core shape {core} is not positive", nameof(core));
        VolumeShape = volumeShape;
        CoreShape = core;
        Counts = Int3.Zip(volumeShape, core, static (v, c) => (int)(((long)v + c - 1) / c));
        if (Counts.Count > int.MaxValue)
            throw new ArgumentException($"{Counts.Count} tiles are too many; take a larger core than {core}", nameof(core));
    }

    /// <summary>Shape of the volume (z, y, x).</summary>
    public Int3 VolumeShape { get; }

    /// <summary>Shape of a core that is not cut (z, y, x).</summary>
    public Int3 CoreShape { get; }

    /// <summary>Number of tiles per axis (z, y, x).</summary>
    public Int3 Counts { get; }

    /// <summary>Number of tiles.</summary>
    public int Count => (int)Counts.Count;

    /// <summary>The core of tile <paramref name="index"/>, 0..Count - 1.</summary>
    public Box3 Core(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        var position = new Int3(index / (Counts.Y * Counts.X), index / Counts.X % Counts.Y, index % Counts.X);
        var start = position * CoreShape;
        return new Box3(start, Int3.Min(CoreShape, VolumeShape - start));
    }

    /// <summary>The index of the tile whose core holds the voxel at (z, y, x).</summary>
    public int IndexOf(Int3 voxel)
    {
        if (!Box3.Whole(VolumeShape).Contains(new Box3(voxel, Int3.One)))
            throw new ArgumentOutOfRangeException(nameof(voxel), $"voxel {voxel} lies outside the volume {VolumeShape}");
        var position = Int3.Zip(voxel, CoreShape, static (v, c) => v / c);
        return ((position.Z * Counts.Y) + position.Y) * Counts.X + position.X;
    }
}
