// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Grains.Spec;

/// <summary>Ranges and probabilities of the augmentations.</summary>
internal static class AugmentationCheck
{
    public static void Run(AugmentationOptions a, Action<bool, string, string> require)
    {
        const string at = "training.augmentation.";
        require(a.Flip.Probability.Count == 3 && a.Flip.Probability.All(IsProbability), at + "flip.probability", "must be three numbers 0..1 (z, y, x)");
        require(IsProbability(a.Rotation.Probability), at + "rotation.probability", "must be 0..1");
        require(a.Rotation.Degrees.Count == 3 && a.Rotation.Degrees.All(d => d is >= 0 and <= 180), at + "rotation.degrees", "must be three angles 0..180 (about z, y, x)");
        require(IsProbability(a.Elastic.Probability), at + "elastic.probability", "must be 0..1");
        require(a.Elastic.Amplitude is >= 0 and <= 64, at + "elastic.amplitude", "must be 0..64 voxels");
        require(a.Elastic.Spacing is >= 4 and <= 1024, at + "elastic.spacing", "must be 4..1024 voxels");
        Range(a.Scaling, "scaling", .25, 4);
        Range(a.Contrast, "contrast", .01, 100);
        Range(a.Noise, "noise", 0, 10);
        Range(a.Blur, "blur", 0, 10);
        Range(a.Sharpen, "sharpen", 0, 10);

        void Range(RandomRange r, string name, double low, double high)
        {
            require(IsProbability(r.Probability), $"{at}{name}.probability", "must be 0..1");
            require(
                r.Range is [var from, var to] && from >= low && to <= high && from <= to,
                $"{at}{name}.range",
                $"must be [smallest, largest] within {low}..{high}");
        }
    }

    private static bool IsProbability(double p) => p is >= 0 and <= 1;
}
