// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Compute;

/// <summary>A core box and the block of voxels around it that the network reads.</summary>
public readonly ref struct Tile
{
    /// <summary>The block's voxels, x fastest; 2 bytes each in native order for <see cref="VoxelType.UInt16"/>.</summary>
    public required ReadOnlySpan<byte> Voxels { get; init; }

    /// <summary>What a voxel is stored as.</summary>
    public required VoxelType Type { get; init; }

    /// <summary>Shape of the block, halo included; multiples of the grid.</summary>
    public required Int3 Shape { get; init; }

    /// <summary>Where the core begins inside the block.</summary>
    public required Int3 CoreStart { get; init; }

    /// <summary>Shape of the core.</summary>
    public required Int3 CoreShape { get; init; }

    /// <summary>Mean of the whole volume, never of the tile.</summary>
    public required float Mean { get; init; }

    /// <summary>Standard deviation of the whole volume, above 0.</summary>
    public required float Std { get; init; }
}
