// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Grains.Scoring;

namespace Teravox.Scoring.Tests;

public sealed class ScoreBuilderTests
{
    internal static readonly ScoreRegions Regions = new([Box3.Whole(new(10, 8, 8))], [new Box3(new(10, 0, 0), new(5, 8, 8))]);

    [Fact]
    public void Build_WhenTheTestRegionDiffers_TakesTheThresholdFromTraining()
    {
        var classes = Map("background", "thing");
        var train = new long[1024];
        var test = new long[1024];
        train[512 + (2 * 99)] = 1000;
        train[512 + (2 * 100) + 1] = 10; // only threshold 100 is perfect
        train[2 * 5] = 10;
        train[(2 * 200) + 1] = 1000;
        test[512 + (2 * 150)] = 30;
        test[512 + (2 * 100) + 1] = 60;
        test[512 + (2 * 40) + 1] = 10;
        var report = ScoreBuilder.Build("x", null, classes, Regions, [new("multiclass", train, test, [1, 2, 3, 4])]);
        var thing = report.Predictions[0].Classes[1];
        Assert.Equal(100, thing.Threshold);
        Assert.Equal(1, thing.TrainF1);
        Assert.Equal(60.0 / 90, thing.Precision!.Value, 12);
        Assert.Equal(60.0 / 70, thing.Recall!.Value, 12);
        Assert.Equal(60 / (60 + 20.0), thing.F1!.Value, 12);
        Assert.Equal(.7, thing.ShareTest!.Value, 12);
        Assert.Equal(1.4 / 1.7, thing.Floor!.Value, 12);
        Assert.Equal(thing.F1, thing.Curve[100]);
        var background = report.Predictions[0].Classes[0];
        Assert.Null(background.F1); // the test counts of class 0 are empty
        Assert.Null(background.ShareTest);
        Assert.Equal(thing.F1, report.Predictions[0].MeanF1);
        Assert.Equal([[1L, 2], [3, 4]], report.Predictions[0].Confusion!);
        Assert.Equal((byte)100, ScoreBuilder.ThresholdsOf(report.Predictions[0])[1]);
    }

    [Fact]
    public void Build_WhenWrittenAsJson_ComesBackTheSame()
    {
        var counts = new long[2 * 512];
        GreyHistogram.AddAll([0, 10, 200, 255, 9, 8, 7, 255], [0, 0, 1, 1], counts);
        var report = ScoreBuilder.Build("x", "table4", Map("a", "b"), Regions, [new("binary", counts, counts)]);
        var json = JsonSerializer.Serialize(report, TeravoxJson.Indented);
        var back = JsonSerializer.Deserialize<ScoreReport>(json, TeravoxJson.Indented)!;
        Assert.Equal(json, JsonSerializer.Serialize(back, TeravoxJson.Indented));
        Assert.Null(back.Published); // other classes than the source's
    }

    [Fact]
    public void Build_WhenThePresetAndClassesAreTheSources_SetsItsValuesBeside()
    {
        var counts = new long[8 * 512];
        var report = ScoreBuilder.Build(
            "x", "table4", Map([.. PublishedScores.ClassNames]), Regions, [new("multiclass", counts, counts), new("other", counts, counts)]);
        var column = Assert.Single(report.Published!);
        Assert.Equal("multiclass", column.Prediction);
        Assert.Equal(.904, column.F1[7]);
        Assert.Null(report.Predictions[0].MeanF1);
    }

    internal static ClassMap Map(params string[] names) =>
        new() { Classes = [.. names.Select(static (name, id) => new ClassEntry { Id = id, Name = name })] };
}
