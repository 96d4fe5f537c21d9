// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>What a tile reads: its core and the halo around it, laid on the grid of the network's coarsest level.</summary>
public static class TilePlan
{
    /// <summary>
    /// The block that a network with this grid reads for a core: it starts at core.Start - roundup(halo, grid), its
    /// shape is a multiple of the grid, and it covers core + halo to both sides. It may reach beyond the volume, where
    /// the input is mirrored. All in voxels (z, y, x).
    /// </summary>
    /// <param name="core">Starts on a multiple of the grid; its shape may be cut at the volume's border.</param>
    /// <param name="halo">0 or more per axis.</param>
    /// <param name="grid">1 or more per axis.</param>
    /// <exception cref="ArgumentException">The core is empty or off the grid, the halo negative or the grid below 1.</exception>
    public static Box3 Block(Box3 core, Int3 halo, Int3 grid)
    {
        if (core.IsEmpty)
            throw new ArgumentException($"core {core} is empty", nameof(core));
        if (!grid.IsPositive)
            throw new ArgumentException($"grid {grid} is not positive", nameof(grid));
        if (Int3.Min(halo, Int3.Zero) != Int3.Zero)
            throw new ArgumentException($"halo {halo} is negative", nameof(halo));
        if (Int3.Zip(core.Start, grid, static (s, g) => s % g) != Int3.Zero)
            throw new ArgumentException($"core {core} does not start on the grid {grid}", nameof(core));
        var start = core.Start - halo.RoundUpTo(grid);
        return new Box3(start, (core.End + halo - start).RoundUpTo(grid));
    }

    /// <summary>
    /// The core shape to tile a volume by: <paramref name="asked"/> rounded up to what both the chunks (so that no chunk
    /// has two writers) and the network's grid allow, and no larger than the volume needs. All in voxels (z, y, x).
    /// </summary>
    public static Int3 CoreShape(Int3 volumeShape, Int3 asked, Int3 chunk, Int3 grid)
    {
        if (!volumeShape.IsPositive || !asked.IsPositive || !chunk.IsPositive || !grid.IsPositive)
            throw new ArgumentException($"volume {volumeShape}, core {asked}, chunk {chunk} and grid {grid} must be positive");
        var step = Int3.Zip(chunk, grid, LeastCommonMultiple);
        return Int3.Min(asked.RoundUpTo(step), volumeShape.RoundUpTo(step));
    }

    private static int LeastCommonMultiple(int a, int b)
    {
        var (x, y) = (a, b);
        while (y != 0)
            (x, y) = (y, x % y);
        return checked(a / x * b);
    }
}
