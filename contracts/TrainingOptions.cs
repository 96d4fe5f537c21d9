// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Contracts;

/// <summary>How a network is trained. Defaults are those of the published experiment (science of the source: Adam, 4e-4, 20000 iterations).</summary>
public sealed record TrainingOptions
{
    /// <summary>Number of iterations, 1 or more; one random patch each.</summary>
    public int Iterations { get; init; } = 20000;

    /// <summary>Patch shape (z, y, x) in voxels; multiples of the network's grid.</summary>
    public Int3 Patch { get; init; } = new(32, 64, 64);

    /// <summary>Patches per iteration, 1 or more.</summary>
    public int Batch { get; init; } = 1;

    /// <summary>Adam's step size, above 0.</summary>
    public double LearningRate { get; init; } = 4e-4;

    /// <summary>
    /// Power of the fall of the step size to 0 at the last iteration, 0 to 10: iteration i of n has the step size LearningRate (1 - i / n)^power
    /// (the "poly" rule of Liu et al. 2015, arXiv 1506.04579). Null: it stays.
    /// </summary>
    public double? PolynomialDecay { get; init; }

    /// <summary>L2 penalty, 0 or more.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Iterations between checkpoints, 1 or more.</summary>
    public int CheckpointEvery { get; init; } = 200;

    /// <summary>Share of patches, 0..1, that are centred on a voxel of a class drawn evenly; the others are placed evenly in space.</summary>
    public double BalancedSampling { get; init; }

    /// <summary>Ranges and probabilities of the augmentations.</summary>
    public AugmentationOptions Augmentation { get; init; } = new();

    /// <summary>The step size of an iteration.</summary>
    /// <param name="iteration">From 0.</param>
    /// <param name="iterations">Of the whole training, more than <paramref name="iteration"/>.</param>
    public double LearningRateAt(long iteration, long iterations) =>
        PolynomialDecay is { } power ? LearningRate * Math.Pow(1 - (iteration / (double)iterations), power) : LearningRate;
}

/// <summary>A probability with a range to draw from.</summary>
public sealed record RandomRange
{
    /// <summary>0..1; 0 turns it off.</summary>
    public double Probability { get; init; }

    /// <summary>[smallest, largest], drawn evenly.</summary>
    public IReadOnlyList<double> Range { get; init; } = [0, 0];
}

/// <summary>Random flips per axis.</summary>
public sealed record FlipOptions
{
    /// <summary>Probability (z, y, x), 0..1 each.</summary>
    public IReadOnlyList<double> Probability { get; init; } = [.5, .5, .5];
}

/// <summary>Random rotation in real space (the voxel size is taken into account).</summary>
public sealed record RotationOptions
{
    /// <summary>0..1.</summary>
    public double Probability { get; init; } = .5;

    /// <summary>Largest angle about the z, y and x axis in degrees, 0..180, drawn evenly in +-.</summary>
    public IReadOnlyList<double> Degrees { get; init; } = [180, 0, 0];
}

/// <summary>Random elastic deformation: a cubic B-spline through random displacements.</summary>
public sealed record ElasticOptions
{
    /// <summary>0..1.</summary>
    public double Probability { get; init; } = .2;

    /// <summary>Standard deviation of the displacement, in x voxels, 0..64.</summary>
    public double Amplitude { get; init; } = 3;

    /// <summary>Distance of the control points, in x voxels, at least 4.</summary>
    public double Spacing { get; init; } = 24;
}

/// <summary>The eight augmentations; each is drawn for itself, labels follow by nearest neighbour. Null fields keep their defaults.</summary>
public sealed record AugmentationOptions
{
    /// <summary>Flips.</summary>
    public FlipOptions Flip { get; init; } = new();

    /// <summary>Rotation.</summary>
    public RotationOptions Rotation { get; init; } = new();

    /// <summary>Scaling: size factor of objects, 0.25..4.</summary>
    public RandomRange Scaling { get; init; } = new() { Probability = .3, Range = [.85, 1.2] };

    /// <summary>Elastic deformation.</summary>
    public ElasticOptions Elastic { get; init; } = new();

    /// <summary>Contrast factor about the patch's mean, above 0.</summary>
    public RandomRange Contrast { get; init; } = new() { Probability = .3, Range = [.7, 1.4] };

    /// <summary>Additive Gaussian noise, in standard deviations of the volume.</summary>
    public RandomRange Noise { get; init; } = new() { Probability = .3, Range = [0, .2] };

    /// <summary>Gaussian blur, sigma in x voxels.</summary>
    public RandomRange Blur { get; init; } = new() { Probability = .2, Range = [.3, 1.2] };

    /// <summary>Sharpening by unsharp mask, strength.</summary>
    public RandomRange Sharpen { get; init; } = new() { Probability = .2, Range = [.3, 1.5] };

    /// <summary>No augmentation at all.</summary>
    public static AugmentationOptions None { get; } = new()
    {
        Flip = new() { Probability = [0, 0, 0] },
        Rotation = new() { Probability = 0 },
        Scaling = new() { Range = [1, 1] },
        Elastic = new() { Probability = 0 },
        Contrast = new() { Range = [1, 1] },
        Noise = new(),
        Blur = new() { Range = [.5, .5] },
        Sharpen = new(),
    };
}
