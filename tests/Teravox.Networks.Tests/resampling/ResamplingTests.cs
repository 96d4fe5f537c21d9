// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using static Teravox.Networks.Tests.TestImages;

namespace Teravox.Networks.Tests;

/// <summary>What holds for every resampling, whatever the image. That the values are the right ones is tested in ResamplerTests.cs.</summary>
public sealed class ResamplingTests
{
    private static readonly Scale[] Scales = [new(2, 2), new(1.2, 3.7), new(4, 1.5), new(1, 2.5), new(3, 1), new(1, 1)];

    private static readonly (int Y, int X)[] Shapes = [(64, 96), (33, 17), (5, 3), (1, 40), (1, 1)];

    private static readonly double[][] Uneven = [[0, .1, 0, 0, 0], [.1, .2, .3, .1, .1], [0, 0, .1, 0, 0]];

    private static readonly Reduction Symmetric = Reduction.Of([[0, .1, 0], [.2, .4, .2], [0, .1, 0]]);

    [Fact]
    public void Apply_OfAConstantImage_StaysConstantToItsLastPixel() => ForEveryPlan(plan =>
    {
        var result = plan.Apply(Of(plan.From, static (_, _) => 200));
        Assert.InRange(Farthest(result, Of(plan.To, static (_, _) => 200)), 0, 1e-4);
    });

    [Fact]
    public void Apply_OfARamp_IsTheRampAwayFromTheBorders()
    {
        (int Y, int X) large = (60, 90);
        foreach (var scale in Scales)
        {
            var small = Resampler.ReducedShape(60, 90, scale);
            var (fy, fx) = ((double)large.Y / small.Y, (double)large.X / small.X);

            // The same ramp, seen from the centres of either grid.
            var fine = Of(large, static (y, x) => 20 + (1.5 * (y + .5)) - (.75 * (x + .5)));
            var coarse = Of(small, (y, x) => 20 + (1.5 * (y + .5) * fy) - (.75 * (x + .5) * fx));

            // 2 input pixels see the border when enlarging. When reducing, 2 output pixels of the widened cubic do, and fewer of the
            // Gaussian (4 sigma = 2 (f - 1)).
            Assert.InRange(Farthest(Resampling.Enlarge(small, large).Apply(coarse), fine, ((int)Math.Ceiling(2 * fy), (int)Math.Ceiling(2 * fx))), 0, 1e-4);
            foreach (var reduction in (Reduction[])[Reduction.Gaussian, Symmetric])
                Assert.InRange(Farthest(Resampling.Reduce(reduction, large, small).Apply(fine), coarse, (3, 3)), 0, 1e-4);

            // The widened cubic is sampled at uneven places where f is no whole number, and is as published a little off there.
            var bound = fy == Math.Floor(fy) && fx == Math.Floor(fx) ? 1e-4 : .1;
            Assert.InRange(Farthest(Resampling.Reduce(Reduction.Bicubic, large, small).Apply(fine), coarse, (2, 2)), 0, bound);
        }
    }

    /// <summary>Keys chose a = -1/2 for this.</summary>
    [Fact]
    public void Enlarge_OfAParabola_IsTheParabola()
    {
        var fine = Resampling.Enlarge((1, 40), (1, 100)).Apply(Of((1, 40), static (_, x) => Parabola(x + .5)));
        for (var x = 6; x < 94; x++)
            Assert.Equal(Parabola((x + .5) * .4), fine[0, x], 1e-4);

        static double Parabola(double x) => (.1 * x * x) - (3 * x) + 7;
    }

    [Fact]
    public void Apply_WhenTheImageIsFlipped_GivesTheFlippedResult()
    {
        foreach (var shape in Shapes)
        {
            var image = Noise(shape, (ulong)shape.Y + 1);
            foreach (var scale in Scales)
            {
                var small = Resampler.ReducedShape(shape.Y, shape.X, scale);
                foreach (var plan in (Resampling[])[
                    Resampling.Enlarge(shape, Resampler.EnlargedShape(shape.Y, shape.X, scale)),
                    Resampling.Reduce(Reduction.Bicubic, shape, small),
                    Resampling.Reduce(Reduction.Gaussian, shape, small),
                    Resampling.Reduce(Symmetric, shape, small)])
                {
                    for (var flips = 1; flips < 4; flips++)
                        Assert.InRange(Farthest(plan.Apply(Enlarging.Turned(image, flips)), Enlarging.Turned(plan.Apply(image), flips)), 0, 2e-4);
                }
            }
        }
    }

    [Fact]
    public void Apply_WhenAnAxisKeepsItsSize_LeavesItAlone()
    {
        (int Y, int X) shape = (23, 31);
        var image = Noise(shape, 3);
        foreach (var plan in (Resampling[])[
            Resampling.Enlarge(shape, shape),
            Resampling.Reduce(Reduction.Bicubic, shape, shape),
            Resampling.Reduce(Reduction.Gaussian, shape, shape),
            Resampling.Reduce(Reduction.Of([[1]]), shape, shape)])
            Assert.Equal(image.Pixels, plan.Apply(image).Pixels);

        // One axis alone: each row by itself.
        var wide = Resampling.Enlarge(shape, (23, 62)).Apply(image);
        var row = new Plane(1, 31);
        image.Row(7).CopyTo(row.Pixels);
        Assert.Equal(wide.Row(7).ToArray(), Resampling.Enlarge((1, 31), (1, 62)).Apply(row).Pixels);
    }

    [Fact]
    public void Reduce_OfAPoint_SpreadsItOverTheWidenedKernelAndKeepsItsMass()
    {
        foreach (var (y, x) in ((int, int)[])[(2, 2), (3, 4)])
        {
            var point = Of((48, 48), static (y, x) => y == 24 && x == 23 ? 1000 : 0);
            var mass = Resampling.Reduce(Reduction.Bicubic, (48, 48), (48 / y, 48 / x)).Apply(point).Pixels.Sum(static p => (double)p);
            Assert.Equal(1, mass * y * x / 1000, 1e-5);
        }

        // f = 2: an output centre lies half a pixel from its two nearest, Keys at 1/4, 3/4, 5/4, 7/4 of the widened kernel.
        var half = Resampling.Reduce(Reduction.Bicubic, (1, 32), (1, 16)).Apply(Of((1, 32), static (_, x) => x == 16 ? 1 : 0));
        foreach (var (at, expected) in ((int, double)[])[(9, -.03515625), (7, .11328125), (8, .43359375), (6, -.01171875)])
            Assert.Equal(expected, half[0, at], 1e-6);
    }

    [Fact]
    public void Reduce_WhenAKernelIsGiven_ConvolvesAndReadsAtTheOutputCentres()
    {
        var spread = Resampling.Reduce(Reduction.Of(Uneven), (9, 11), (9, 11)).Apply(Of((9, 11), static (y, x) => y == 4 && x == 5 ? 1 : 0));
        for (var y = 0; y < 3; y++)
        {
            for (var x = 0; x < 5; x++)
                Assert.Equal((float)Uneven[y][x], spread[y + 3, x + 3]);
        }

        // What lies beyond the border is mirrored: this kernel shows the pixel to the right and below.
        (int Y, int X) shape = (9, 12);
        var image = Noise(shape, 8);
        var moved = Resampling.Reduce(Reduction.Of([[1, 0, 0], [0, 0, 0], [0, 0, 0]]), shape, shape).Apply(image);
        Assert.Equal(Of(shape, (y, x) => image[Math.Min(y + 1, 8), Math.Min(x + 1, 11)]).Pixels, moved.Pixels);

        // An odd factor reads filtered pixels, an even one lies between them: Keys at -3/2, -1/2, 1/2, 3/2.
        var third = Resampling.Reduce(Reduction.Of([[1]]), shape, (3, 4)).Apply(image);
        Assert.Equal(Of((3, 4), (y, x) => image[(3 * y) + 1, (3 * x) + 1]).Pixels, third.Pixels);
        var row = Of((1, 12), (_, x) => image[0, x]);
        var half = Resampling.Reduce(Reduction.Of([[1]]), (1, 12), (1, 6)).Apply(row);
        Assert.Equal(((9 * (row[0, 4] + row[0, 5])) - row[0, 3] - row[0, 6]) / 16, half[0, 2], 1e-4);
        Assert.Equal(((9 * (row[0, 0] + row[0, 1])) - row[0, 0] - row[0, 2]) / 16, half[0, 0], 1e-4);
    }

    [Theory]
    [InlineData(2, 3)]
    [InlineData(1, 1)]
    public void Reduce_WhenTheKernelIsLargerThanTheImage_MeetsItsMirrorAgain(int y, int x)
    {
        var box = Reduction.Of([.. Enumerable.Repeat(Enumerable.Repeat(1.0 / 81, 9).ToArray(), 9)]);
        var image = Noise((y, x), 4);
        Assert.InRange(Resampling.Reduce(box, (y, x), (1, 1)).Apply(image)[0, 0], image.Pixels.Min() - 1e-3, image.Pixels.Max() + 1e-3);
    }

    [Fact]
    public void Apply_BySeveralThreads_GivesTheSameBytes()
    {
        var plan = Resampling.Reduce(Reduction.Of(Uneven), (120, 90), (60, 45));
        var image = Noise((120, 90), 5);
        var expected = plan.Apply(image);
        Parallel.For(0, 100, _ => Assert.Equal(expected.Pixels, plan.Apply(image).Pixels));
    }

    [Theory]
    [InlineData(60, 40, 80, 39, "80x39")]
    [InlineData(0, 4, 8, 8, "0x4")]
    [InlineData(4, 4, 8, 257, "8x257")]
    public void Enlarge_WhenTheShapesDoNotSuit_NamesThem(int y, int x, int toY, int toX, string says) =>
        Assert.Contains(says, Assert.Throws<ArgumentException>(() => Resampling.Enlarge((y, x), (toY, toX))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(4, 4, 5, 5, "5x5")]
    [InlineData(8, 800, 4, 2, "4x2")]
    public void Reduce_WhenTheShapesDoNotSuit_NamesThem(int y, int x, int toY, int toX, string says) =>
        Assert.Contains(says, Assert.Throws<ArgumentException>(() => Resampling.Reduce(Reduction.Bicubic, (y, x), (toY, toX))).Message, StringComparison.Ordinal);

    private static void ForEveryPlan(Action<Resampling> body)
    {
        foreach (var shape in Shapes)
        {
            foreach (var scale in Scales)
            {
                body(Resampling.Enlarge(shape, Resampler.EnlargedShape(shape.Y, shape.X, scale)));
                foreach (var reduction in (Reduction[])[Reduction.Bicubic, Reduction.Gaussian, Reduction.Of(Uneven)])
                    body(Resampling.Reduce(reduction, shape, Resampler.ReducedShape(shape.Y, shape.X, scale)));
            }
        }
    }
}
