// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks.Tests;

public sealed class LearningRateRuleTests
{
    [Fact]
    public void Rate_WhileTheErrorFalls_Stays()
    {
        Assert.Empty(Falls(static i => 1 - (1e-4 * i)));
        Assert.Empty(Falls(static i => 1 - (1e-4 * i) + (i / 50 % 2 == 1 ? 1e-4 : -1e-4)));
    }

    [Fact]
    public void Rate_WhenTheErrorStandsStill_FallsByTensAndEnds()
    {
        Assert.Equal([300, 600, 900], Falls(static _ => .5));
        Assert.Equal([300, 600, 900], Falls(static i => .5 + (i / 50 % 2 == 1 ? 1e-3 : -1e-3)));
        Assert.Equal([300, 600, 900], Falls(static i => .5 + (1e-4 * i)));
    }

    /// <summary>
    /// Errors 0 1 0 1 0 and a slope b a test: the fit's slope is b. The residuals are .4 and .6, their squares' sum 1.2, degrees of freedom
    /// three, the spread of the places 10: a standard error of sqrt(1.2 / 3 / 10) = .2, and 1.5 * .1333 is that.
    /// </summary>
    [Fact]
    public void Rate_WhenTheSlopeDrownsInTheSpread_Falls()
    {
        Assert.Empty(Falls(static i => (i / 50 % 2) - (.134 * (i / 50)), most: 300));
        Assert.Single(Falls(static i => (i / 50 % 2) - (.132 * (i / 50)), most: 300));
    }

    [Fact]
    public void Rate_AfterAChange_WaitsForNewErrors()
    {
        var at = Falls(static i => i < 1000 ? 1 - (1e-4 * i) : .9);
        Assert.Equal(3, at.Count);
        Assert.InRange(at[0], 1001, 1260);
        Assert.All(at.Zip(at.Skip(1)), static pair => Assert.True(pair.Second - pair.First > LearningRateRule.LeastBetween));
    }

    // Iterations at which the rate falls when the error follows `error`, until the run ends or `most` iterations are made.
    private static List<int> Falls(Func<int, double> error, int most = 3000)
    {
        var rule = new LearningRateRule(1e-3, 9e-6);
        var result = new List<int>();
        for (var i = 0; i < most && !rule.Ended; i++)
        {
            if (i % LearningRateRule.TestEvery == 0)
                rule.Report(i, error(i));
            var before = rule.Rate;
            rule.Consider(i);
            if (rule.Rate < before)
                result.Add(i + 1);
        }

        return result;
    }
}
