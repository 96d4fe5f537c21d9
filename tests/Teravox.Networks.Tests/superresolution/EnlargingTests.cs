// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using static Teravox.Networks.Tests.TestImages;

namespace Teravox.Networks.Tests;

public sealed class EnlargingTests
{
    [Fact]
    public void TurnedBack_OfEveryTurn_GivesTheImage()
    {
        var image = Waves(7, 11);
        for (var a = 0; a < Enlarging.Turns; a++)
        {
            Assert.Equal(image.Pixels, Enlarging.TurnedBack(Enlarging.Turned(image, a), a).Pixels);
            for (var b = 0; b < a; b++)
                Assert.True(Farthest(Enlarging.Turned(image, a), Enlarging.Turned(image, b)) > .01);
        }
    }

    [Fact]
    public void Median_OfAnEvenNumber_IsTheMeanOfTheMiddleTwo()
    {
        var levels = (float[][])[[1, -1], [8, 5], [2, 3], [4, 4]];
        Plane[] images = [.. levels.Select(l => Of((1, 2), (_, x) => l[x]))];
        Assert.Equal([3, 3.5f], Enlarging.Median(images).Pixels);
        Assert.Equal([2, 3], Enlarging.Median(images[..3]).Pixels);
    }

    [Theory]
    [InlineData(ReductionKind.Bicubic)]
    [InlineData(ReductionKind.Gaussian)]
    public void BackProject_EveryTime_BringsTheReducedImageNearerToTheLowOne(ReductionKind kind)
    {
        var scales = ScalePair.Between(kind == ReductionKind.Bicubic ? Reduction.Bicubic : Reduction.Gaussian, (96, 130), (48, 52));
        var low = scales.Down.Apply(Waves(96, 130));
        var high = scales.Up.Apply(low);
        var before = Rms(scales.Down.Apply(high), low);
        for (var i = 0; i < 5; i++)
        {
            scales.BackProject(low, 1, 1, high, TestContext.Current.CancellationToken);
            var after = Rms(scales.Down.Apply(high), low);
            Assert.True(after < before, $"{after} after {before}");
            before = after;
        }

        foreach (ref var pixel in high.Pixels.AsSpan())
            pixel *= 5;
        scales.BackProject(low, 1, 1, high, TestContext.Current.CancellationToken);
        Assert.All(high.Pixels, static p => Assert.InRange(p, 0, 1));
    }

    [Theory]
    [MemberData(nameof(ZssrNetTests.Nets), MemberType = typeof(ZssrNetTests))]
    public void Run_WhenTheImageIsTurned_TurnsWithItAsAnEnsembleOnly(string kind)
    {
        using var net = ZssrNetTests.Net(kind, seed: 9);
        var low = Waves(30, 44);
        var (straight, single) = (Run(low, ensemble: true), Run(low, ensemble: false));
        for (var turn = 1; turn < Enlarging.Turns; turn++)
        {
            Assert.InRange(Farthest(Enlarging.TurnedBack(Run(Enlarging.Turned(low, turn), ensemble: true), turn), straight), 0, 1e-4);
            Assert.True(Farthest(Enlarging.TurnedBack(Run(Enlarging.Turned(low, turn), ensemble: false), turn), single) > 1e-3);
        }

        Plane Run(Plane image, bool ensemble) => new Enlarging(ensemble, SwapsAxes: true, BackProjections: 3, Top: 1, Tile: 512).Run(
            net, image, ScalePair.Between(Reduction.Bicubic, (2 * image.Y, 2 * image.X), image.Shape), static _ => { }, TestContext.Current.CancellationToken);
    }
}
