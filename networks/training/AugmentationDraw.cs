// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>What random numbers are drawn for. One stream each: switching one augmentation off leaves the draws of the others as they are.</summary>
internal enum DrawPurpose
{
    Flip = 1,
    Rotation,
    Scaling,
    Elastic,

    /// <summary>Displacements along z; the next two numbers are those of y and x.</summary>
    ElasticControls,
    Contrast = 8,
    Noise,
    NoiseVoxels,
    Blur,
    Sharpen,
}

/// <summary>What one (seed, index) does to a patch. An augmentation that is not drawn has its neutral value.</summary>
internal sealed record AugmentationDraw
{
    /// <summary>Whether the axes (z, y, x) are flipped.</summary>
    public required IReadOnlyList<bool> Flip { get; init; }

    /// <summary>Radians about the z, y and x axis.</summary>
    public required IReadOnlyList<double> Angle { get; init; }

    /// <summary>Size factor of objects.</summary>
    public required double Scale { get; init; }

    /// <summary>Whether it is deformed.</summary>
    public required bool Elastic { get; init; }

    /// <summary>Factor about the patch's mean.</summary>
    public required double Contrast { get; init; }

    /// <summary>Standard deviation of the noise, in those of the volume.</summary>
    public required double Noise { get; init; }

    /// <summary>Sigma in x voxels.</summary>
    public required double Blur { get; init; }

    /// <summary>Strength of the unsharp mask.</summary>
    public required double Sharpen { get; init; }

    /// <summary>The draw of an index. The options are checked.</summary>
    public static AugmentationDraw Of(AugmentationOptions o, ulong seed, ulong index)
    {
        var (flip, rotation) = (Stream(seed, index, DrawPurpose.Flip), Stream(seed, index, DrawPurpose.Rotation));
        var turns = rotation.Uniform(0) < o.Rotation.Probability;
        return new()
        {
            Flip = [.. Axes.All.Select(k => flip.Uniform((ulong)k) < o.Flip.Probability[k])],
            Angle = [.. Axes.All.Select(k => turns ? rotation.Uniform((ulong)k + 1, -1, 1) * o.Rotation.Degrees[k] * Math.PI / 180 : 0)],
            Scale = Value(DrawPurpose.Scaling, o.Scaling, neutral: 1),
            Elastic = o.Elastic.Amplitude > 0 && Stream(seed, index, DrawPurpose.Elastic).Uniform(0) < o.Elastic.Probability,
            Contrast = Value(DrawPurpose.Contrast, o.Contrast, neutral: 1),
            Noise = Value(DrawPurpose.Noise, o.Noise, neutral: 0),
            Blur = Value(DrawPurpose.Blur, o.Blur, neutral: 0),
            Sharpen = Value(DrawPurpose.Sharpen, o.Sharpen, neutral: 0),
        };

        double Value(DrawPurpose purpose, RandomRange range, double neutral)
        {
            var stream = Stream(seed, index, purpose);
            return stream.Uniform(0) < range.Probability ? stream.Uniform(1, range.Range[0], range.Range[1]) : neutral;
        }
    }

    /// <summary>The random numbers of a purpose.</summary>
    public static RandomStream Stream(ulong seed, ulong index, DrawPurpose purpose, int axis = 0) => new(seed, index, (ulong)(purpose + axis));
}

/// <summary>The axes z, y, x as 0, 1, 2.</summary>
internal static class Axes
{
    public static readonly int[] All = [0, 1, 2];

    public static readonly string[] Names = ["z", "y", "x"];

    /// <summary>Sizes (z, y, x) of a voxel.</summary>
    public static double[] Sizes(this VoxelSize size) => [size.Z, size.Y, size.X];

    /// <summary>The two axes that a rotation about an axis mixes.</summary>
    public static (int First, int Second) Plane(int about) => about switch { 0 => (1, 2), 1 => (0, 2), _ => (0, 1) };
}
