// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>What stays the same over a training run.</summary>
/// <param name="LearningRate">Adam's step size, above 0.</param>
/// <param name="WeightDecay">L2 penalty, 0 or more.</param>
/// <param name="Patch">Shape of a patch (z, y, x).</param>
/// <param name="Augmentation">What is drawn.</param>
/// <param name="Spacing">Voxel size.</param>
/// <param name="Seed">The augmentation's.</param>
/// <param name="TargetClass">The class that one output learns against the rest; null: all classes.</param>
internal sealed record TrainerSettings(
    double LearningRate, double WeightDecay, Int3 Patch, AugmentationOptions Augmentation, VoxelSize Spacing, ulong Seed, int? TargetClass)
{
    /// <summary>How fast Adam's mean of the gradient forgets.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>How fast Adam's mean of the gradient's square forgets.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Keeps Adam's quotient finite.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <exception cref="InputException">One of them is out of range, or does not fit the network.</exception>
    public void Check(UNetArchitecture architecture, int outChannels)
    {
        Require(LearningRate is > 0 and <= 1000, "learningRate", LearningRate, "above 0 and at most 1000");
        Require(WeightDecay is >= 0 and <= 1000, "weightDecay", WeightDecay, "0 to 1000");
        Require(Beta1 is >= 0 and < 1, "beta1", Beta1, "0 or more and below 1");
        Require(Beta2 is >= 0 and < 1, "beta2", Beta2, "0 or more and below 1");
        Require(Epsilon is > 0 and <= 1, "epsilon", Epsilon, "above 0 and at most 1");
        if (TargetClass is { } target)
        {
            Require(target is >= 0 and < TrainingPatches.Ignored, "targetClass", target, "0 to 254");
            if (outChannels != 1)
                throw new InputException($"a network that learns class {target} against the rest has one output; this one has {outChannels}");
        }
        else if (outChannels < 2)
        {
            throw new InputException("a network with one output learns one class against the rest; name the class, or take a network with as many outputs as classes");
        }

        Augmentation.Check(Spacing);
        Augmentation.CheckPatch(Spacing, Patch);
        var grid = architecture.Grid();
        foreach (var k in Axes.All.Where(k => Patch[k] % grid[k] != 0))
            throw new InputException($"training.patch has {Patch[k]} voxels along axis {Axes.Names[k]}, but must have a multiple of the network's grid, {grid[k]}");
        if (Patch == grid)
            throw new InputException($"training.patch {Patch} holds one voxel of the coarsest level, which has no variance to normalise by; take a larger patch");
    }

    private static void Require(bool good, string field, double value, string range)
    {
        if (!good)
            throw new InputException($"training.{field} is {value}, but must be {range}");
    }
}
