// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains.Scoring;

namespace Teravox.Scoring.Tests;

public sealed class GreyHistogramTests
{
    [Fact]
    public void Add_WhenVoxelsAreRandom_CountsAsTheDefinitionDoes()
    {
        var random = new Random(7);
        foreach (var n in new[] { 0, 1, 2, 3, 257, 4096 })
        {
            var (probabilities, truth) = Sample.Draw(random, classes: 5, n);
            var counts = new long[5 * GreyHistogram.Length];
            Array.Fill(counts, 3); // counts are added to
            GreyHistogram.AddAll(probabilities, truth, counts);
            for (var c = 0; c < 5; c++)
            {
                for (var grey = 0; grey < 256; grey++)
                {
                    for (var isClass = 0; isClass < 2; isClass++)
                    {
                        var expected = Enumerable.Range(0, n).LongCount(i =>
                            truth[i] != 255 && probabilities[(c * n) + i] == grey && (truth[i] == c ? 1 : 0) == isClass);
                        Assert.Equal(expected + 3, counts[(c * 512) + (2 * grey) + isClass]);
                    }
                }
            }
        }
    }

    [Fact]
    public void Add_WhenAVolumeIsCutIntoTiles_SumsToTheWhole()
    {
        var random = new Random(11);
        var (probabilities, truth) = Sample.Draw(random, classes: 1, 1000);
        var whole = new long[512];
        var tiles = new long[512];
        GreyHistogram.Add(probabilities, truth, 0, whole);
        foreach (var (from, to) in new[] { (700, 1000), (0, 333), (333, 700) })
            GreyHistogram.Add(probabilities.AsSpan(from..to), truth.AsSpan(from..to), 0, tiles);
        Assert.Equal(whole, tiles);
    }

    [Fact]
    public void Add_WhenLengthsDiffer_Throws()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => GreyHistogram.Add(new byte[3], new byte[4], 0, new long[512]));
        Assert.Throws<ArgumentOutOfRangeException>(() => GreyHistogram.Add(new byte[4], new byte[4], 0, new long[256]));
    }

    [Fact]
    public void Calls_WhenVoxelsAreRandom_AreThoseOfCountingVoxelByVoxel()
    {
        var random = new Random(13);
        var (probabilities, truth) = Sample.Draw(random, classes: 3, 2000);
        var counts = new long[3 * 512];
        GreyHistogram.AddAll(probabilities, truth, counts);
        for (byte c = 0; c < 3; c++)
        {
            var calls = Thresholds.Calls(counts.AsSpan(c * 512, 512));
            for (var t = 0; t < 256; t++)
                Assert.Equal(Sample.Count(probabilities.AsSpan(c * 2000, 2000), truth, c, t), calls[t]);
        }
    }

    [Fact]
    public void Confusion_WhenVoxelsAreRandom_CountsRowsByTruth()
    {
        var random = new Random(17);
        foreach (var n in new[] { 1, 31, 32, 33, 1000 })
        {
            var (probabilities, truth) = Sample.Draw(random, classes: 4, n);
            var counts = new long[16];
            Confusion.AddArgmax(probabilities, truth, counts);
            var expected = new long[16];
            for (var i = 0; i < n; i++)
            {
                var call = 0;
                for (var c = 1; c < 4; c++)
                    call = probabilities[(c * n) + i] > probabilities[(call * n) + i] ? c : call;
                if (truth[i] != 255)
                    expected[(truth[i] * 4) + call]++;
            }

            Assert.Equal(expected, counts);
            Assert.Equal(truth.LongCount(static t => t != 255), counts.Sum());
        }
    }

    [Fact]
    public void Confusion_WhenTheTruthHasAnUnknownClass_NamesIt()
    {
        var e = Assert.Throws<InputException>(() => Confusion.Add([0, 1], [0, 9], 2, new long[4]));
        Assert.Contains("class id 9", e.Message, StringComparison.Ordinal);
    }
}
