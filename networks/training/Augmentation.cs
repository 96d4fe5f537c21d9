// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>Random changes to training patches: image and labels together, labels by nearest neighbour. Any thread may call.</summary>
public static class Augmentation
{
    /// <summary>Largest elastic displacement, in standard deviations: what the source block has room for.</summary>
    internal const double DisplacementLimit = 3;

    /// <summary>
    /// Shape of the block to read so that a patch can be cut out of its middle under any draw; per axis
    /// <paramref name="patch"/> plus an even number. Rotations turn in real space, by <paramref name="spacing"/>.
    /// </summary>
    /// <exception cref="InputException">An option is out of its range.</exception>
    public static Int3 SourceShape(AugmentationOptions o, Int3 patch, VoxelSize spacing)
    {
        ArgumentNullException.ThrowIfNull(o);
        o.Check(spacing);
        o.CheckPatch(spacing, patch);
        return Source(o, patch, spacing);
    }

    /// <summary>
    /// One draw, a pure function of (options, seed, index, block): <paramref name="raw"/> gets the standardised image
    /// (voxel - mean) / std, <paramref name="labels"/> the class ids, both of shape <paramref name="patch"/>; either may be
    /// empty.
    /// </summary>
    /// <exception cref="InputException">An option is out of its range, or the block has another shape than <see cref="SourceShape"/>.</exception>
    /// <exception cref="ArgumentException">A buffer's length does not fit, or labels are asked of a block without.</exception>
    public static void Apply(
        AugmentationOptions options,
        VoxelSize spacing,
        ulong seed,
        ulong index,
        in TrainingBlock block,
        Int3 patch,
        Span<float> raw,
        Span<byte> labels)
    {
        ArgumentNullException.ThrowIfNull(options);
        block.CheckLengths(labelsNeeded: !labels.IsEmpty);
        if ((!raw.IsEmpty && raw.Length != patch.Count) || (!labels.IsEmpty && labels.Length != patch.Count))
            throw new ArgumentException($"a patch of {patch} voxels does not fit {raw.Length} values and {labels.Length} labels");
        options.Check(spacing);
        options.CheckPatch(spacing, patch);
        options.CheckBlock(spacing, patch, block);

        // 1. Where the patch's voxels come from.
        var draw = AugmentationDraw.Of(options, seed, index);
        var map = new AugmentationMap(options, spacing, draw, seed, index, patch, block.Shape);
        PatchCut.Cut(map, block, raw, labels);
        if (raw.IsEmpty)
            return;

        // 2. Grey values.
        if (draw.Contrast != 1)
            GreyValues.ChangeContrast(raw, draw.Contrast);
        if (draw.Noise > 0)
            GreyValues.AddNoise(raw, draw.Noise, AugmentationDraw.Stream(seed, index, DrawPurpose.NoiseVoxels));
        if (draw.Blur > 0)
            GreyValues.Blur(raw, patch, spacing, draw.Blur);
        if (draw.Sharpen > 0)
            GreyValues.Sharpen(raw, patch, spacing, draw.Sharpen);
    }

    /// <summary><see cref="SourceShape"/> of checked options.</summary>
    internal static Int3 Source(AugmentationOptions o, Int3 patch, VoxelSize spacing)
    {
        // The map, applied to the patch's box: displacement, scale, then the turns about z, y and x.
        var sizes = spacing.Sizes();
        var half = new double[3];
        foreach (var k in Axes.All)
        {
            half[k] = 0.5 * (patch[k] - 1) * sizes[k];
            if (o.Deforms())
                half[k] += DisplacementLimit * o.Elastic.Amplitude * sizes[2];

            // Objects become `factor` times as large by reading 1 / factor times as far.
            if (o.Scaling.Probability > 0)
                half[k] *= Math.Max(1, 1 / o.Scaling.Range[0]);
        }

        var radius = Math.Sqrt(half.Sum(h => h * h));
        foreach (var about in Axes.All.Where(o.Rotates))
        {
            var angle = o.Rotation.Degrees[about] * Math.PI / 180;
            var (a, b) = Axes.Plane(about);
            (half[a], half[b]) = (Math.Min(TurnedExtent(half[a], half[b], angle), radius), Math.Min(TurnedExtent(half[b], half[a], angle), radius));
        }

        return new(Along(0), Along(1), Along(2));

        int Along(int k) => patch[k] + (2 * (int)Math.Max(0, Math.Ceiling((half[k] / sizes[k]) - (0.5 * (patch[k] - 1)) - 1e-9)));
    }

    // The largest |first'| of a point in the box +-first, +-second turned by at most `angle` in their plane.
    private static double TurnedExtent(double first, double second, double angle) => angle >= Math.Atan2(second, first)
        ? Math.Sqrt((first * first) + (second * second))
        : (first * Math.Cos(angle)) + (second * Math.Sin(angle));
}
