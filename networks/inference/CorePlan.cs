// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>A box of voxels in a level's own coordinates, counted from the block's corner.</summary>
internal readonly record struct Region(Interval Z, Interval Y, Interval X)
{
    public Interval this[int axis] => axis switch { 0 => Z, 1 => Y, 2 => X, _ => throw new ArgumentOutOfRangeException(nameof(axis)) };

    public Int3 Shape => new(Z.Size, Y.Size, X.Size);

    public static Region Whole(Int3 size) => new(new(0, size.Z), new(0, size.Y), new(0, size.X));

    public static Region Of(Box3 box) => new(new(box.Start.Z, box.End.Z), new(box.Start.Y, box.End.Y), new(box.Start.X, box.End.X));

    public Region Map(Func<Interval, int, Interval> along) => new(along(Z, 0), along(Y, 1), along(X, 2));

    public Region Hull(Region other) => Map((interval, axis) => interval.Hull(other[axis]));

    public Region Clip(Int3 size) => Map((interval, axis) => interval.Clip(size[axis]));

    /// <summary>What a 3x3x3 convolution reads; beyond the block it takes zeros.</summary>
    public Region OfConvolution(Int3 size) => Map((interval, _) => interval.OfConvolution()).Clip(size);
}

/// <summary>What of a level a core needs.</summary>
/// <param name="Size">Shape of the whole block at this level.</param>
/// <param name="EncoderIn">What the encoder's block reads: the tile's voxels, or what is pooled from the finer level.</param>
/// <param name="EncoderOut">What the encoder's block computes.</param>
/// <param name="Joined">Where the decoder joins the skip with what comes from below; not at the coarsest level.</param>
/// <param name="DecoderOut">What the decoder's block computes; not at the coarsest level.</param>
internal sealed record LevelPlan(Int3 Size, Region EncoderIn, Region EncoderOut, Region Joined, Region DecoderOut);

/// <summary>
/// Which part of every layer's output a tile's core needs. Found by walking the network backwards from the core, so that neither the
/// decoder nor the encoder computes a voxel that cannot reach the core.
/// </summary>
internal static class CorePlan
{
    /// <summary>The levels from the finest to the coarsest. Group norm takes its statistics over whole layers, so with it only the last layer is cut down.</summary>
    /// <param name="a">The network.</param>
    /// <param name="block">Shape of the block; a multiple of the network's grid.</param>
    /// <param name="core">What is wanted, inside the block.</param>
    public static LevelPlan[] Make(UNetArchitecture a, Int3 block, Region core)
    {
        // 1. The sizes of the levels.
        var factors = a.PoolFactors();
        var plan = new LevelPlan[a.Levels];
        var size = block;
        for (var level = 0; level < a.Levels; level++)
        {
            var whole = Region.Whole(size);
            plan[level] = new(size, whole, whole, whole, whole);
            if (level < a.Levels - 1)
                size = Int3.Zip(size, factors[level], (s, f) => s / f);
        }

        if (a.Order == LayerOrder.Gcr)
            return plan;

        // 2. From the core down through the decoder, to what the coarsest level gives.
        var output = core;
        for (var level = 0; level < a.Levels - 1; level++)
        {
            var own = plan[level].Size;
            var joined = output.OfConvolution(own).OfConvolution(own);
            plan[level] = plan[level] with { DecoderOut = output, Joined = joined };
            var factor = factors[level];
            output = joined.Map((interval, axis) => interval.OfUpsampling(factor[axis], a.Upsample)).Clip(plan[level + 1].Size);
        }

        // 3. And up through the encoder, whose features go two ways: to the coarser level, and as a skip to the decoder.
        for (var level = a.Levels - 1; level >= 0; level--)
        {
            var own = plan[level].Size;
            if (level < a.Levels - 1)
                output = plan[level].Joined.Hull(plan[level + 1].EncoderIn.Map((interval, axis) => interval.OfPooling(factors[level][axis])));
            plan[level] = plan[level] with { EncoderOut = output, EncoderIn = output.OfConvolution(own).OfConvolution(own) };
        }

        return plan;
    }
}
