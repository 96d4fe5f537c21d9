// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Scoring;

namespace Teravox.Scoring.Tests;

public sealed class LabellingTests
{
    [Fact]
    public void Assign_WhenOutputsAreRandom_IsThatOfTheDefinition()
    {
        var random = new Random(21);
        foreach (var n in new[] { 0, 1, 15, 64, 65, 999 })
        {
            foreach (var classes in new[] { 1, 2, 8 })
            {
                var probabilities = new byte[classes * n];
                for (var i = 0; i < probabilities.Length; i++)
                    probabilities[i] = (byte)(random.Next(6) * 51);
                var thresholds = new byte[classes];
                for (var c = 0; c < classes; c++)
                    thresholds[c] = (byte)(random.Next(6) * 51);
                var labels = new byte[n];
                Labelling.Assign(probabilities, thresholds, labels);
                for (var i = 0; i < n; i++)
                {
                    var able = Enumerable.Range(0, classes).Where(c => probabilities[(c * n) + i] >= thresholds[c]).ToArray();
                    var expected = able.Length == 0 ? 0 : able.MaxBy(c => probabilities[(c * n) + i]); // the first of equals
                    Assert.Equal(expected, labels[i]);
                }
            }
        }
    }

    [Fact]
    public void Assign_WhenNoClassReachesItsThreshold_IsBackground()
    {
        var labels = new byte[] { 9, 9 };
        Labelling.Assign([10, 10, 90, 90], [50, 100], labels);
        Assert.Equal([0, 0], labels);
    }

    [Fact]
    public void Assign_WhenAThresholdIsZero_TakesAnOutputOfZero()
    {
        var labels = new byte[40];
        Labelling.Assign(new byte[80], [1, 0], labels);
        Assert.All(labels, static l => Assert.Equal(1, l));
    }

    [Fact]
    public void Argmax_WhenOutputsAreEqual_IsTheLowestId()
    {
        var labels = new byte[40];
        var probabilities = new byte[120];
        Array.Fill(probabilities, (byte)255, 40, 80);
        Labelling.Argmax(probabilities, labels);
        Assert.All(labels, static l => Assert.Equal(1, l));
    }
}
