// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Contracts;

/// <summary>How the presets table5 and table6 make a volume of low resolution from the original.</summary>
public sealed record DegradeOptions
{
    /// <summary>Each section's sides are divided by this.</summary>
    public Scale Scale { get; init; } = Scale.Two;

    /// <summary>The reduction; it is recorded with the volume, so that super-resolution can undo the right one.</summary>
    public Reduction Kernel { get; init; } = Reduction.Bicubic;

    /// <summary>Standard deviation of the Gaussian noise that is added to the reduced sections, in grey levels, 0 or more.</summary>
    public double Noise { get; init; }
}

/// <summary>
/// Zero-shot super-resolution (ZSSR; Shocher, Cohen, Irani 2018, arXiv 1712.06087): a small network per section, trained on the
/// section itself. The defaults are the published ones.
/// </summary>
public sealed record SuperResolveOptions
{
    /// <summary>Each section's sides are multiplied by this. Null: what the volume was degraded by, else 2.</summary>
    public Scale? Scale { get; init; }

    /// <summary>The reduction that made the sections. Null: what the volume says it was degraded by, else bicubic.</summary>
    public Reduction? Kernel { get; init; }

    /// <summary>True: in steps of growing scale, each learning from the one before (slower, finer for large scales).</summary>
    public bool Gradual { get; init; }

    /// <summary>
    /// Standard deviation of the Gaussian noise added to the sections that the network learns from, in grey levels, 0 or more:
    /// above 0 for sections that are noisy or compressed themselves.
    /// </summary>
    public double Noise { get; init; }

    /// <summary>Most iterations of a section and step, 1 or more; the rule by slope and spread usually ends before.</summary>
    public int MaxIterations { get; init; } = 3000;

    /// <summary>Adam's first step size, above 0.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>The step size below which a section is done, above 0.</summary>
    public double MinLearningRate { get; init; } = 9e-6;

    /// <summary>Side of the square crops that the network learns from, in pixels, 16..1024; sections below it are taken whole.</summary>
    public int Crop { get; init; } = 128;

    /// <summary>Iterations of back-projection, 0..100.</summary>
    public int BackProjections { get; init; } = 10;

    /// <summary>True: the median over eight flips and quarter turns; false: one pass, eight times faster and a little worse.</summary>
    public bool Ensemble { get; init; } = true;

    /// <summary>
    /// Neighbouring sections that are done in a row, each starting from the weights of the one before: faster, with fewer sections
    /// in parallel. 1: each section for itself, which is the published way.
    /// </summary>
    public int Chain { get; init; } = 1;
}
