// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Scoring;

namespace Teravox.Scoring.Tests;

public sealed class ThresholdsTests
{
    [Fact]
    public void F1_WhenCountsAreKnown_IsTheFormula()
    {
        var counts = new CallCounts(30, 10, 20);
        Assert.Equal(.75, counts.Precision);
        Assert.Equal(.6, counts.Recall);
        Assert.Equal(30 / (30 + ((10 + 20) / 2.0)), counts.F1!.Value, 15);
    }

    [Fact]
    public void F1_WhenNothingIsCalledOrMeant_IsNull()
    {
        var nothing = new CallCounts(0, 0, 0);
        Assert.Null(nothing.F1);
        Assert.Null(nothing.Precision);
        Assert.Null(nothing.Recall);
        Assert.Equal(0, new CallCounts(0, 0, 5).F1);
        Assert.Null(new CallCounts(0, 0, 5).Precision);
        Assert.Null(new CallCounts(0, 5, 0).Recall);
    }

    [Fact]
    public void CompareF1_WhenCountsAreRandom_OrdersAsExactFractions()
    {
        var random = new Random(3);
        for (var i = 0; i < 2000; i++)
        {
            var a = new CallCounts(random.Next(4), random.Next(4), random.Next(4));
            var b = new CallCounts(random.Next(4), random.Next(4), random.Next(4));
            Assert.Equal((a.F1 ?? 0).CompareTo(b.F1 ?? 0), a.CompareF1(b));
        }
    }

    [Fact]
    public void CompareF1_WhenDoublesCannotTellThem_StillDoes()
    {
        var big = 1L << 60;
        Assert.Equal(1, new CallCounts(big, 1, 0).CompareF1(new CallCounts(big, 2, 0)));
    }

    [Fact]
    public void Best_WhenVoxelsAreRandom_HasTheLargestF1OfAll()
    {
        var random = new Random(5);
        for (var round = 0; round < 50; round++)
        {
            var (probabilities, truth) = Sample.Draw(random, classes: 2, 300);
            var counts = new long[512];
            GreyHistogram.Add(probabilities.AsSpan(0, 300), truth, 0, counts);
            var curve = Thresholds.Curve(counts);
            Assert.Equal(curve.Skip(1).Max(), curve[Thresholds.Best(counts)]);
        }
    }

    [Fact]
    public void Best_WhenCallingEverythingIsBest_StillNeedsAnOutput()
    {
        var counts = new long[512];
        counts[1] = 90; // of the class, grey 0
        counts[(2 * 3) + 1] = 10;
        Assert.Equal(2, Thresholds.Best(counts)); // the middle of 1..3
    }

    [Fact]
    public void Best_WhenARunOfThresholdsTies_IsItsMiddle()
    {
        var counts = new long[512];
        counts[2 * 20] = 100; // not the class, grey 20
        counts[(2 * 200) + 1] = 50; // the class, grey 200
        Assert.Equal((21 + 200) / 2, Thresholds.Best(counts)); // 21..200 separate perfectly
    }

    [Fact]
    public void Best_WhenTheClassIsAbsent_IsAnOutputOfOneHalf()
    {
        var counts = new long[512];
        counts[2 * 250] = 9;
        Assert.Equal(Thresholds.Default, Thresholds.Best(counts));
        Assert.Equal(Thresholds.Default, Thresholds.Best(new long[512]));
    }

    [Fact]
    public void Floor_WhenEveryVoxelIsCalled_IsTheF1AtThresholdZero()
    {
        var random = new Random(9);
        var (probabilities, truth) = Sample.Draw(random, classes: 3, 500);
        var counts = new long[512];
        GreyHistogram.Add(probabilities.AsSpan(0, 500), truth, 0, counts);
        Assert.Equal(Thresholds.Curve(counts)[0]!.Value, Thresholds.Floor(Thresholds.Share(counts)!.Value), 12);
    }
}
