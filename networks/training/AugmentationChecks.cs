// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>Whether augmentations can be drawn with options, for a patch and from a block. Errors name the field of the spec.</summary>
internal static class AugmentationChecks
{
    private const double MostControls = 1 << 24;
    private const int LargestPatch = 4096;

    /// <exception cref="InputException">An option is out of its range.</exception>
    public static void Check(this AugmentationOptions o, VoxelSize spacing)
    {
        Length(o.Flip.Probability, 3, "flip.probability");
        Length(o.Rotation.Degrees, 3, "rotation.degrees");
        var sizes = spacing.Sizes();
        foreach (var k in Axes.All)
        {
            if (!(sizes[k] > 0 && double.IsFinite(sizes[k]) && sizes[k] / sizes[2] is >= 0.01 and <= 100))
                throw new InputException($"the voxel size along {Axes.Names[k]} is {sizes[k]}, but must be above 0 and within a factor of 100 of that along x");
            Within($"flip.probability of {Axes.Names[k]}", o.Flip.Probability[k], 0, 1);
            Within($"rotation.degrees about {Axes.Names[k]}", o.Rotation.Degrees[k], 0, 180);
        }

        Within("rotation.probability", o.Rotation.Probability, 0, 1);
        Range("scaling", o.Scaling, 0.25, 4);
        Within("elastic.probability", o.Elastic.Probability, 0, 1);
        Within("elastic.amplitude", o.Elastic.Amplitude, 0, 64);
        Within("elastic.spacing", o.Elastic.Spacing, 4, 4096);
        Range("contrast", o.Contrast, 0, 100);
        Range("noise", o.Noise, 0, 100);
        Range("blur", o.Blur, 0, 20);
        Range("sharpen", o.Sharpen, 0, 100);
    }

    /// <summary>Whether a patch of this shape can be cut. The options are checked.</summary>
    /// <exception cref="InputException">It is too small, too large, or the elastic grid is too fine for it.</exception>
    public static void CheckPatch(this AugmentationOptions o, VoxelSize spacing, Int3 patch)
    {
        if (Axes.All.Any(k => patch[k] is < 1 or > LargestPatch))
            throw new InputException($"the patch is {patch}, but must have 1 to {LargestPatch} voxels along each axis");
        var controls = Axes.All.Aggregate(1.0, (product, k) => product * ((patch[k] / (o.Elastic.Spacing * spacing.XVoxelsTo(k))) + 4));
        if (o.Deforms() && controls > MostControls)
            throw new InputException($"augmentation.elastic.spacing is {o.Elastic.Spacing}, too fine for a patch of {patch}; raise it");
    }

    /// <summary>Whether the block is what options and patch ask for. Both are checked.</summary>
    /// <exception cref="InputException">It is not.</exception>
    public static void CheckBlock(this AugmentationOptions o, VoxelSize spacing, Int3 patch, in TrainingBlock block)
    {
        if (!float.IsFinite(block.Mean) || !(float.IsFinite(block.Std) && block.Std > 0))
            throw new InputException($"a block's mean {block.Mean} and standard deviation {block.Std} must be finite, and the latter above 0");
        var source = Augmentation.Source(o, patch, spacing);
        if (block.Shape != source)
            throw new InputException($"the block is {block.Shape}, but a patch of {patch} needs {source}");
    }

    public static bool Deforms(this AugmentationOptions o) => o.Elastic is { Probability: > 0, Amplitude: > 0 };

    public static bool Rotates(this AugmentationOptions o, int axis) => o.Rotation.Probability > 0 && o.Rotation.Degrees[axis] > 0;

    /// <summary>How many voxels along an axis are as long as one along x.</summary>
    public static double XVoxelsTo(this VoxelSize spacing, int axis) => spacing.X / spacing.Sizes()[axis];

    private static void Length(IReadOnlyList<double> numbers, int length, string field)
    {
        if (numbers.Count != length)
            throw new InputException($"augmentation.{field} has {numbers.Count} numbers, but needs {length}");
    }

    private static void Range(string name, RandomRange range, double least, double most)
    {
        Within($"{name}.probability", range.Probability, 0, 1);
        Length(range.Range, 2, $"{name}.range");
        foreach (var end in range.Range)
            Within($"{name}.range", end, least, most);
        if (range.Range[0] > range.Range[1])
            throw new InputException($"augmentation.{name}.range is {range.Range[0]}, {range.Range[1]}, but must begin with the smaller number");
    }

    private static void Within(string field, double value, double least, double most)
    {
        // Written so that NaN fails.
        if (!(value >= least && value <= most))
            throw new InputException($"augmentation.{field} is {value}, but must be {least} to {most}");
    }
}
