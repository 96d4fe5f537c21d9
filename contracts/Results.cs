// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Contracts;

/// <summary>What an experiment found, scores.json: per prediction and class how well the calls meet the truth.</summary>
public sealed record ScoreReport
{
    /// <summary>The experiment's name.</summary>
    public required string Name { get; init; }

    /// <summary>The preset it came from ("table4", ...), or null.</summary>
    public string? Preset { get; init; }

    /// <summary>The classes by id, each with the colour it is shown in.</summary>
    public required IReadOnlyList<ClassEntry> Classes { get; init; }

    /// <summary>Where was trained and tested.</summary>
    public required ScoreRegions Regions { get; init; }

    /// <summary>The predictions compared, in the order to show them.</summary>
    public required IReadOnlyList<PredictionScore> Predictions { get; init; }

    /// <summary>Values of the published experiment to set beside them, or null.</summary>
    public IReadOnlyList<PublishedColumn>? Published { get; init; }

    /// <summary>How near degraded sections that were brought back come to the original; null where none were degraded.</summary>
    public ImageScores? Images { get; init; }
}

/// <summary>The boxes (z, y, x in voxels of the volume) that thresholds are chosen on and that scores are taken from.</summary>
/// <param name="Train">Thresholds are chosen here.</param>
/// <param name="Test">Scores are taken here.</param>
public sealed record ScoreRegions(IReadOnlyList<Box3> Train, IReadOnlyList<Box3> Test);

/// <summary>Scores of one prediction: of one multiclass network, or of one binary network per class.</summary>
public sealed record PredictionScore
{
    /// <summary>"multiclass", "binary", "boosted" ...; unique in the report.</summary>
    public required string Name { get; init; }

    /// <summary>By class id.</summary>
    public required IReadOnlyList<ClassScore> Classes { get; init; }

    /// <summary>Voxels of the test region by true class (rows) and class of the largest output (columns); null when not counted.</summary>
    public IReadOnlyList<IReadOnlyList<long>>? Confusion { get; init; }

    /// <summary>Mean of the classes' F1 on the test region, over the classes that have one; null when none has.</summary>
    public double? MeanF1 { get; init; }
}

/// <summary>
/// Scores of one class. A voxel is called when its 8-bit output is at or above the threshold. Precision = TP / (TP + FP),
/// recall = TP / (TP + FN), F1 = 2 TP / (2 TP + FP + FN); each is null where its denominator is 0.
/// </summary>
public sealed record ClassScore
{
    /// <summary>Class id.</summary>
    public required int Id { get; init; }

    /// <summary>Class name.</summary>
    public required string Name { get; init; }

    /// <summary>Share of the labelled voxels of the training region that are of this class, 0..1; null when none is labelled.</summary>
    public double? ShareTrain { get; init; }

    /// <summary>Share of the labelled voxels of the test region that are of this class, 0..1; null when none is labelled.</summary>
    public double? ShareTest { get; init; }

    /// <summary>The threshold with the best F1 on the training region, 1..255; 128 where that region has no voxel of the class.</summary>
    public required int Threshold { get; init; }

    /// <summary>On the test region.</summary>
    public double? Precision { get; init; }

    /// <summary>On the test region.</summary>
    public double? Recall { get; init; }

    /// <summary>On the test region.</summary>
    public double? F1 { get; init; }

    /// <summary>F1 at the same threshold on the training region.</summary>
    public double? TrainF1 { get; init; }

    /// <summary>F1 of calling every voxel of the test region: 2 p / (1 + p) with p = <see cref="ShareTest"/>.</summary>
    public double? Floor { get; init; }

    /// <summary>F1 on the test region at the thresholds 0..255, null where undefined.</summary>
    public required IReadOnlyList<double?> Curve { get; init; }

    /// <summary>F1 on the training region at the thresholds 0..255, null where undefined.</summary>
    public required IReadOnlyList<double?> TrainCurve { get; init; }
}

/// <summary>Published F1 values for one prediction.</summary>
/// <param name="Prediction">Name of the prediction they belong beside.</param>
/// <param name="Source">Where they were published, for the table's head.</param>
/// <param name="F1">By class id; null where nothing was published.</param>
public sealed record PublishedColumn(string Prediction, string Source, IReadOnlyList<double?> F1);

/// <summary>How near sections that were degraded and brought back, by bicubic enlargement or by super-resolution, come to the original.</summary>
public sealed record ImageScores
{
    /// <summary>By how much the sections were reduced, and enlarged again.</summary>
    public required Scale Scale { get; init; }

    /// <summary>The reduction that degraded them.</summary>
    public required Reduction Degraded { get; init; }

    /// <summary>Standard deviation of the noise added to them, grey levels.</summary>
    public double Noise { get; init; }

    /// <summary>The reduction that super-resolution learnt to undo; the better it fits <see cref="Degraded"/>, the more it gives.</summary>
    public required Reduction Learnt { get; init; }

    /// <summary>By section, in order.</summary>
    public required IReadOnlyList<SectionImages> Sections { get; init; }

    /// <summary>Mean over the sections of <see cref="SectionImages.Lr"/>; PSNR over those that have one.</summary>
    public Fidelity Lr => Mean(static s => s.Lr);

    /// <summary>Mean over the sections of <see cref="SectionImages.Boosted"/>; PSNR over those that have one.</summary>
    public Fidelity Boosted => Mean(static s => s.Boosted);

    private Fidelity Mean(Func<SectionImages, Fidelity> of) =>
        new(Sections.Average(s => of(s).Psnr), Sections.Average(s => of(s).Ssim));
}

/// <summary>One section against the original.</summary>
/// <param name="Section">The section in the original.</param>
/// <param name="Lr">Enlarged by bicubic interpolation.</param>
/// <param name="Boosted">Enlarged by super-resolution.</param>
/// <param name="Iterations">Iterations that super-resolution took.</param>
/// <param name="FellBack">True where the section's network was no better than bicubic interpolation, which was taken in its place.</param>
public sealed record SectionImages(int Section, Fidelity Lr, Fidelity Boosted, long Iterations, bool FellBack = false);

/// <summary>How near one image is to another.</summary>
/// <param name="Psnr">Peak signal-to-noise ratio, dB; null where the images are the same.</param>
/// <param name="Ssim">Structural similarity, at most 1; null over no sections.</param>
public sealed record Fidelity(double? Psnr, double? Ssim);
