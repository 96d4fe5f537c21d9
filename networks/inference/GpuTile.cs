// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>What a GPU can compute as one tile.</summary>
public static class GpuTile
{
    /// <summary>
    /// Memory that a tile needs, bytes: 256 for each voxel of the block with 32 maps (measured on an H200 over whole blocks: 4 GiB for 256^3, 8 GiB
    /// for 320^3), twice that for networks that compute more than reaches the core, seven times with group norm, whose layers are computed whole, in
    /// float32, too; and three tiles of block and results.
    /// </summary>
    /// <param name="a">The network.</param>
    /// <param name="block">Core and halo.</param>
    /// <param name="core">What is computed.</param>
    /// <param name="outputs">Output channels.</param>
    public static long MemoryBytes(UNetArchitecture a, Int3 block, Int3 core, int outputs)
    {
        ArgumentNullException.ThrowIfNull(a);
        var each = a.Order == LayerOrder.Gcr ? 56L : a.Upsample == Upsampling.Nearest ? 8L : 16L;
        return (block.Count * a.FMaps * each) + (3 * ((2 * block.Count) + (outputs * core.Count)));
    }

    /// <summary>Whether every level of a block has fewer than 2^31 features at a time, and the results lie in one array.</summary>
    /// <inheritdoc cref="MemoryBytes"/>
    public static bool Fits(UNetArchitecture a, Int3 block, Int3 core, int outputs)
    {
        ArgumentNullException.ThrowIfNull(a);
        var factors = a.PoolFactors();
        for (var level = 0; level < a.Levels; level++)
        {
            if ((level > 0 || a.Order == LayerOrder.Gcr) && !FitsLevel(a, level, block))
                return false;
            if (level < a.Levels - 1)
                block = Int3.Zip(block, factors[level], (size, factor) => size / factor);
        }

        return outputs * core.Count < int.MaxValue;
    }

    internal static bool FitsLevel(UNetArchitecture a, int level, Int3 voxels)
    {
        var joins = level < a.Levels - 1 && (a.Order == LayerOrder.Gcr || a.Upsample != Upsampling.Nearest) && !a.Residual;
        return voxels.Count * (joins ? a.Channels(level) + a.Channels(level + 1) : a.Channels(level)) < int.MaxValue;
    }
}
