// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>Which coarser levels a volume gets, so that the whole of it can be looked at without reading the whole of it.</summary>
public static class Pyramid
{
    /// <summary>A level whose longest side has no more voxels than this is the last one.</summary>
    public const int CoarsestSide = 256;

    // A tile of about this many voxels reads up to eight times as many: small beside what inference takes.
    private const long TileVoxels = 1 << 21;

    /// <summary>
    /// Reduction of each level against the one above it, from level 1 on; empty for a volume that is small already. An axis is
    /// halved unless it has one voxel left, or its voxels are at least twice as large as those of the finest axis that can still
    /// be halved: 50 x 5 x 5 nm becomes 50 x 10 x 10, 50 x 20 x 20, 50 x 40 x 40, 100 x 80 x 80. So voxels come as near to
    /// cubes as halving takes them.
    /// </summary>
    /// <param name="shape">Shape (z, y, x) of the finest level.</param>
    /// <param name="voxelSize">Its voxel size.</param>
    public static IReadOnlyList<Int3> Factors(Int3 shape, VoxelSize voxelSize)
    {
        if (!shape.IsPositive || voxelSize is not { Z: > 0, Y: > 0, X: > 0 })
            throw new ArgumentException($"shape {shape} and voxel size {voxelSize} must be positive");
        var factors = new List<Int3>();
        double[] size = [voxelSize.Z, voxelSize.Y, voxelSize.X];
        while (Math.Max(shape.Z, Math.Max(shape.Y, shape.X)) > CoarsestSide)
        {
            var finest = Enumerable.Range(0, 3).Where(axis => shape[axis] > 1).Min(axis => size[axis]);
            int Factor(int axis) => shape[axis] > 1 && size[axis] < 2 * finest ? 2 : 1;
            var factor = new Int3(Factor(0), Factor(1), Factor(2));
            factors.Add(factor);
            shape = Reduced(shape, factor);
            for (var axis = 0; axis < 3; axis++)
                size[axis] *= factor[axis];
        }

        return factors;
    }

    /// <summary>Shape of a level below one of this shape: what is left at a border counts as a block.</summary>
    public static Int3 Reduced(Int3 shape, Int3 factor) => Int3.Zip(shape, factor, static (n, f) => (int)(((long)n + f - 1) / f));

    /// <summary>
    /// The tiles that a level is made by: whole chunks, so that no chunk has two writers, as many as come to about two million
    /// voxels, in a shape near a cube.
    /// </summary>
    /// <param name="shape">Shape (z, y, x) of the level.</param>
    /// <param name="chunk">Chunk (z, y, x) that the volume is stored in.</param>
    public static TileGrid Tiles(Int3 shape, Int3 chunk)
    {
        var core = chunk;
        while (2 * core.Count <= TileVoxels)
        {
            var axes = Enumerable.Range(0, 3).Where(axis => core[axis] < shape[axis]).ToList();
            if (axes.Count == 0)
                break;
            var shortest = axes.MinBy(axis => core[axis]);
            core *= new Int3(shortest == 0 ? 2 : 1, shortest == 1 ? 2 : 1, shortest == 2 ? 2 : 1);
        }

        return new TileGrid(shape, core);
    }
}
