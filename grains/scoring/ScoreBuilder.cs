// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Grains.Scoring;

/// <summary>The summed counts of one prediction.</summary>
/// <param name="Name">"multiclass", "binary" ...</param>
/// <param name="Train">Counts over the training region: C x <see cref="GreyHistogram.Length"/>, class by class.</param>
/// <param name="Test">Counts over the test region, likewise.</param>
/// <param name="Confusion">C x C counts over the test region, or null.</param>
public sealed record PredictionCounts(string Name, long[] Train, long[] Test, long[]? Confusion = null)
{
    /// <summary>Thresholds that are given, by class; null chooses them on the training region.</summary>
    public IReadOnlyList<int>? Thresholds { get; init; }
}

/// <summary>Makes the scores of an experiment from its summed counts.</summary>
public static class ScoreBuilder
{
    /// <summary>Chooses each class's threshold on the training region and scores it on the test region.</summary>
    /// <param name="name">The experiment's name.</param>
    /// <param name="preset">Its preset, or null; <see cref="PublishedScores"/> are set beside when it is the source's.</param>
    /// <param name="classes">The class map.</param>
    /// <param name="regions">Where was trained and tested.</param>
    /// <param name="predictions">Counts per prediction.</param>
    public static ScoreReport Build(
        string name, string? preset, ClassMap classes, ScoreRegions regions, IReadOnlyList<PredictionCounts> predictions) => new()
        {
            Name = name,
            Preset = preset,
            Classes = [.. classes.Classes.Select((c, id) => c with { Show = classes.ColourOf(id) })],
            Regions = regions,
            Predictions = [.. predictions.Select(p => Score(classes, p))],
            Published = PublishedScores.For(preset, classes, predictions.Select(static p => p.Name)),
        };

    /// <summary>Scores class ids, for which there is no threshold to choose: precision, recall and F1 from the confusion alone.</summary>
    /// <param name="name">Name of the prediction.</param>
    /// <param name="classes">The class map.</param>
    /// <param name="region">What was counted.</param>
    /// <param name="confusion">Classes x classes counts, truth by row.</param>
    public static ScoreReport OfConfusion(string name, ClassMap classes, Box3 region, ReadOnlySpan<long> confusion)
    {
        var n = classes.Count;
        var rows = Confusion.Rows(confusion, n);
        var all = rows.Sum(static r => r.Sum());
        var scores = classes.Classes.Select((c, id) =>
        {
            var (hits, truth, called) = (rows[id][id], rows[id].Sum(), rows.Sum(r => r[id]));
            var calls = new CallCounts(hits, called - hits, truth - hits);
            double? share = all == 0 ? null : (double)truth / all;
            return new ClassScore
            {
                Id = id,
                Name = c.Name,
                ShareTest = share,
                Threshold = Scoring.Thresholds.Default,
                Precision = calls.Precision,
                Recall = calls.Recall,
                F1 = calls.F1,
                Floor = share is { } p ? Scoring.Thresholds.Floor(p) : null,
                Curve = [],
                TrainCurve = [],
            };
        }).ToArray();
        return new ScoreReport
        {
            Name = name,
            Classes = classes.Classes,
            Regions = new ScoreRegions([], [region]),
            Predictions = [new PredictionScore { Name = "labels", Classes = scores, Confusion = rows, MeanF1 = scores.Average(static s => s.F1) }],
        };
    }

    /// <summary>The thresholds of a prediction by class, as <see cref="Labelling.Assign"/> takes them.</summary>
    public static byte[] ThresholdsOf(PredictionScore prediction) => [.. prediction.Classes.Select(static c => (byte)c.Threshold)];

    private static PredictionScore Score(ClassMap classes, PredictionCounts counts)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(counts.Train.Length, classes.Count * GreyHistogram.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(counts.Test.Length, classes.Count * GreyHistogram.Length);
        var scores = new ClassScore[classes.Count];
        for (var id = 0; id < scores.Length; id++)
        {
            var train = counts.Train.AsSpan(id * GreyHistogram.Length, GreyHistogram.Length);
            var test = counts.Test.AsSpan(id * GreyHistogram.Length, GreyHistogram.Length);
            var threshold = counts.Thresholds?[id] ?? Thresholds.Best(train);
            var calls = Thresholds.Calls(test)[threshold];
            var share = Thresholds.Share(test);
            scores[id] = new ClassScore
            {
                Id = id,
                Name = classes.Classes[id].Name,
                ShareTrain = Thresholds.Share(train),
                ShareTest = share,
                Threshold = threshold,
                Precision = calls.Precision,
                Recall = calls.Recall,
                F1 = calls.F1,
                TrainF1 = Thresholds.Calls(train)[threshold].F1,
                Floor = share is { } p ? Thresholds.Floor(p) : null,
                Curve = Thresholds.Curve(test),
                TrainCurve = Thresholds.Curve(train),
            };
        }

        return new PredictionScore
        {
            Name = counts.Name,
            Classes = scores,
            Confusion = counts.Confusion is { } c ? Confusion.Rows(c, classes.Count) : null,
            MeanF1 = scores.Any(static s => s.F1 is not null) ? scores.Average(static s => s.F1) : null,
        };
    }
}
