// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Networks.Tests;

public sealed class SuperResolverTests
{
    private static readonly SuperResolveOptions Short = new() { MaxIterations = 60, Crop = 32 };

    // Straight edges between two levels: a network that has learnt them small knows them large.
    private static byte[] Edges(int y, int x) =>
        [.. Enumerable.Range(0, y * x).Select(k => Edge(k / x, k % x))];

    private static byte Edge(int i, int j) =>
        (byte)(((((7 * i) + (3 * j)) / 170) + (((5 * j) - (2 * i) + 1000) / 190)) % 2 == 1 ? 60 : 180);

    private static SuperResolver Resolver(SuperResolveOptions? options = null, Reduction? reduction = null) =>
        new(options ?? Short, reduction ?? Reduction.Bicubic, "cpu", 1);

    private static SuperResolution Run(SuperResolver resolver, byte[] section, int y, int x, ulong seed = 1, bool warm = false) =>
        resolver.Run(section, VoxelType.UInt8, y, x, seed, null, TestContext.Current.CancellationToken, warm);

    [Fact]
    public void Run_WhenTheScaleIsNotWhole_GivesCeilOfSizeTimesScale()
    {
        using var resolver = Resolver(Short with { Scale = new(1.5, 2.3), MaxIterations = 3 });
        var result = Run(resolver, Edges(31, 40), 31, 40);
        Assert.Equal((47, 92, 47 * 92), (result.Y, result.X, result.Voxels.Length));
        Assert.Equal(3, result.State.Iterations);
        Assert.True(result.Time > TimeSpan.Zero);
    }

    [Fact]
    public void Run_WhenTheSectionWasReduced_IsCloserToTheOriginalThanBicubic()
    {
        const int size = 128;
        var original = Edges(size, size);
        var fine = Array.ConvertAll(original, static p => (float)p);
        var coarse = new float[size * size / 4];
        Resampler.Reduce(fine, (size, size), (size / 2, size / 2), Reduction.Gaussian, coarse);
        var section = Array.ConvertAll(coarse, static p => (byte)Math.Clamp(MathF.Round(p), 0, 255));
        var bicubic = new float[size * size];
        Resampler.Enlarge(Array.ConvertAll(section, static p => (float)p), (size / 2, size / 2), (size, size), bicubic);
        using var resolver = Resolver(Short with { MaxIterations = 200, Crop = 48 }, Reduction.Gaussian);
        var result = Run(resolver, section, size / 2, size / 2);
        var plain = fine.Zip(bicubic, static (a, b) => (a - b) * (a - b)).Sum();
        var boosted = fine.Zip(result.Voxels, static (a, b) => (a - b) * (a - b)).Sum();
        Assert.False(result.State.FellBack);
        Assert.True(result.State.Error < result.State.BicubicError);
        Assert.True(boosted < .6 * plain, $"{boosted} against {plain}");
    }

    [Fact]
    public void Run_WhenRepeated_GivesTheSameBytes()
    {
        // Enough iterations to be better than bicubic: the error then shows what was learnt.
        using var a = Resolver(Short with { MaxIterations = 160, Crop = 16 });
        using var b = Resolver(Short with { MaxIterations = 160, Crop = 16 });
        var section = Edges(50, 64);
        var first = Run(a, section, 50, 64);
        foreach (var again in (SuperResolution[])[Run(a, section, 50, 64), Run(b, section, 50, 64)])
        {
            Assert.Equal(first.Voxels, again.Voxels);
            Assert.Equal(first.State, again.State);
        }

        Assert.False(first.State.FellBack);
        Assert.NotEqual(first.State.Error, Run(b, section, 50, 64, seed: 2).State.Error);
        Assert.NotEqual(first.State.Error, Run(a, section, 50, 64, warm: true).State.Error);
    }

    [Fact]
    public void Run_WhenTheSectionHas16Bits_KeepsThem()
    {
        var wide = Array.ConvertAll(Edges(32, 32), static p => (ushort)(p * 20));
        using var resolver = Resolver();
        var bytes = MemoryMarshal.AsBytes<ushort>(wide);
        var result = resolver.Run(bytes, VoxelType.UInt16, 32, 32, 1, null, TestContext.Current.CancellationToken);
        var levels = MemoryMarshal.Cast<byte, ushort>(result.Voxels).ToArray();
        Assert.Equal(64 * 64, levels.Length);
        Assert.InRange(levels.Average(static p => (double)p), 2000, 3200);
        Assert.True(levels.Max() > 3000);
    }

    [Fact]
    public void Run_WhenItGoesOn_TellsHowFarItIs()
    {
        var told = new List<ZssrProgress>();
        using var resolver = Resolver();
        resolver.Run(Edges(32, 32), VoxelType.UInt8, 32, 32, 1, told.Add, TestContext.Current.CancellationToken);
        Assert.Equal(told.Select(static t => t.Fraction).Order(), told.Select(static t => t.Fraction));
        Assert.Equal(1, told[^1].Fraction);
        Assert.Equal(Enumerable.Range(1, 60).Select(static i => (long)i), told.Select(static t => t.State.Iterations).Distinct());
        Assert.Equal(1e-3, told[0].State.LearningRate);
    }

    [Fact]
    public void Run_WhenCancelledFromTheProgress_StopsWithTheCallersToken()
    {
        using var source = new CancellationTokenSource();
        using var resolver = Resolver(Short with { MaxIterations = 3000 });
        var last = 0L;
        var e = Assert.ThrowsAny<OperationCanceledException>(() => resolver.Run(
            Edges(32, 32), VoxelType.UInt8, 32, 32, 1, Progress, source.Token));
        Assert.Equal((source.Token, 7L), (e.CancellationToken, last));

        void Progress(ZssrProgress p)
        {
            last = p.State.Iterations;
            if (last == 7)
            {
                source.Cancel();
            }
        }
    }

    [Fact]
    public void Run_WhenTheProgressThrows_StopsAndThrowsTheSame()
    {
        using var resolver = Resolver();
        var e = Assert.Throws<InvalidOperationException>(() => resolver.Run(
            Edges(32, 32), VoxelType.UInt8, 32, 32, 1, static _ => throw new InvalidOperationException("mine"), TestContext.Current.CancellationToken));
        Assert.Equal("mine", e.Message);
        Assert.Equal(60 * 64, Run(resolver, Edges(30, 32), 30, 32).Voxels.Length);
    }

    [Fact]
    public void Run_WhenTheBytesDoNotFitTheShape_SaysSo()
    {
        using var resolver = Resolver();
        Assert.Contains("31 x 32", Assert.Throws<ArgumentException>(() => Run(resolver, Edges(32, 32), 31, 32)).Message);
        Assert.Contains("0 pixels", Assert.Throws<InputException>(() => Run(resolver, [], 0, 32)).Message);
    }

    [Fact]
    public void Run_WhenTheShapeIsGiven_GivesIt()
    {
        using var resolver = Resolver(Short with { MaxIterations = 2 });
        var result = resolver.Run(Edges(48, 66), VoxelType.UInt8, 48, 66, 1, null, TestContext.Current.CancellationToken, enlarged: (97, 131));
        Assert.Equal((97, 131, 97 * 131), (result.Y, result.X, result.Voxels.Length));
        var e = Assert.Throws<InputException>(() => resolver.Run(
            Edges(48, 66), VoxelType.UInt8, 48, 66, 1, null, TestContext.Current.CancellationToken, enlarged: (97, 140)));
        Assert.Contains("66 pixels along axis x", e.Message);
    }

    [Fact]
    public void Create_WhenAnOptionDoesNotFit_NamesIt()
    {
        Refuse("scale", Short with { Scale = new(5, 2) });
        Refuse("scale", Short with { Scale = new(1.1, 2) });
        Refuse("scale", Short with { Scale = new(2, double.NaN) });
        Refuse("scale", Short with { Scale = new(1, 1) });
        Refuse("noise", Short with { Noise = -1 });
        Refuse("learning_rate", Short with { LearningRate = 0 });
        Refuse("min_learning_rate", Short with { MinLearningRate = 1 });
        Refuse("max_iterations", Short with { MaxIterations = 0 });
        Refuse("crop", Short with { Crop = 8 });
        Refuse("back_projections", Short with { BackProjections = -1 });

        static void Refuse(string name, SuperResolveOptions options) => Assert.Contains(name + " must be", Assert.Throws<InputException>(() => Resolver(options)).Message);
    }

    [Fact]
    public void Create_WhenTheKernelOrTheDeviceDoesNotFit_NamesIt()
    {
        Assert.Contains("kernel", Assert.Throws<InputException>(() => Resolver(Short, Reduction.Of([[1, 2]]))).Message);
        var e = Assert.Throws<InputException>(() => new SuperResolver(Short, Reduction.Bicubic, "tpu", 1));
        Assert.Contains("tpu", e.Message);
    }

    /// <summary>An image that was reduced comes back to the shape it had, and nothing was shifted, not even by part of a pixel.</summary>
    [Theory]
    [InlineData(2, 48, 66)]
    [InlineData(1.5, 65, 87)]
    [InlineData(4, 24, 33)]
    [InlineData(3, 32, 44)]
    public void Run_WhenTheShapeWasRounded_IsTheSectionAgainWhenReduced(double scale, int y, int x)
    {
        var section = Reduced(Array.ConvertAll(Edges(97, 131), static p => (float)p), (97, 131), (y, x));
        using var resolver = Resolver(Short with { Scale = new(scale, scale), MaxIterations = 2 });
        var levels = Array.ConvertAll(section, static p => (byte)Math.Clamp(MathF.Round(p), 0, 255));
        var result = resolver.Run(levels, VoxelType.UInt8, y, x, 1, null, TestContext.Current.CancellationToken, enlarged: (97, 131));
        var back = Reduced(Array.ConvertAll(result.Voxels, static p => (float)p), (97, 131), (y, x));
        Assert.InRange(Math.Sqrt(back.Zip(levels, static (a, b) => (a - b) * (a - b)).Average()), 0, 2);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 2)]
    [InlineData(1, 200)]
    [InlineData(200, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 5)]
    [InlineData(5, 150)]
    public void Run_WhenTheSectionIsTinyOrThin_GivesOneLikeIt(int y, int x)
    {
        using var resolver = Resolver(Short with { MaxIterations = 40 });
        var section = Edges(y, x);
        var result = Run(resolver, section, y, x);
        Assert.Equal((2 * y, 2 * x), (result.Y, result.X));
        var back = Reduced(Array.ConvertAll(result.Voxels, static p => (float)p), (2 * y, 2 * x), (y, x));
        Assert.InRange(back.Zip(section, static (a, b) => Math.Abs(a - b)).Max(), 0, 3);
    }

    [Fact]
    public void Run_WhenAllPixelsAreEqual_GivesThemBack()
    {
        using var resolver = Resolver();
        var result = Run(resolver, [.. Enumerable.Repeat((byte)77, 600)], 20, 30);
        Assert.Equal(40 * 60, result.Voxels.Count(static p => p == 77));
        Assert.Equal((0, 0), (result.State.Iterations, result.State.Step));
    }

    [Fact]
    public void Run_WhenGradual_TakesSixSteps()
    {
        using var resolver = Resolver(Short with { Gradual = true, MaxIterations = 3 });
        var state = Run(resolver, Edges(40, 40), 40, 40).State;
        Assert.Equal((6, 6, 18L), (state.Step, state.Steps, state.Iterations));
    }

    [Fact]
    public void Run_WhenTheLearningRateBreaksTheNetwork_GivesBicubic()
    {
        using var resolver = Resolver(Short with { LearningRate = 1 });
        var section = Edges(48, 48);
        var result = Run(resolver, section, 48, 48);
        var bicubic = new float[96 * 96];
        Resampler.Enlarge(Array.ConvertAll(section, static p => (float)p), (48, 48), (96, 96), bicubic);
        Assert.True(result.State.FellBack || result.State.Error <= result.State.BicubicError);
        Assert.True(double.IsFinite(result.State.Error));

        // Back-projection sharpens it.
        Assert.InRange(Math.Sqrt(bicubic.Zip(result.Voxels, static (a, b) => (a - b) * (a - b)).Average()), 0, 12);
    }

    [Fact]
    public void Run_WhenTheSectionIsNoise_IsNoWorseThanBicubic()
    {
        var random = new RandomStream(5, 6, 7);
        byte[] noise = [.. Enumerable.Range(0, 4096).Select(i => (byte)(random.Bits((ulong)i) % 2 == 1 ? 255 : 0))];
        using var resolver = Resolver(Short with { MaxIterations = 200 });
        var result = Run(resolver, noise, 64, 64);
        Assert.True(result.State.FellBack || result.State.Error <= result.State.BicubicError);
        Assert.True(result.Voxels.Zip(result.Voxels.Skip(1), static (a, b) => Math.Abs(a - b)).Max() > 50);
    }

    [Fact]
    public void Run_WhenWarm_BeginsWhereTheNeighbourEnded()
    {
        using var resolver = Resolver(Short with { MaxIterations = 150 });
        var section = Edges(64, 64);
        var cold = Run(resolver, section, 64, 64).State;
        var warm = Run(resolver, section, 64, 64, warm: true).State;
        Assert.True(warm.Error < cold.Error, $"{warm.Error} after {cold.Error}");
        Assert.InRange(warm.LearningRate, 0, 1.01e-4);
    }

    [Fact]
    public void Run_WhenTheLevelsHave16Bits_TreatsThemAsThoseOf8()
    {
        // Few iterations, since training lets roundings grow.
        using var resolver = Resolver(Short with { MaxIterations = 20 });
        var narrow = Run(resolver, Edges(50, 54), 50, 54).Voxels;
        var wide = Wide(257);
        var few = Wide(1);
        Assert.InRange(narrow.Zip(wide, static (a, b) => Math.Abs(a - (b / 257.0))).Max(), 0, .7);
        Assert.InRange(few.Zip(wide, static (a, b) => Math.Abs(a - (b / 257.0))).Max(), 0, .7);

        ushort[] Wide(int unit)
        {
            var section = Array.ConvertAll(Edges(50, 54), p => (ushort)(unit * p));
            var result = resolver.Run(MemoryMarshal.AsBytes<ushort>(section), VoxelType.UInt16, 50, 54, 1, null, TestContext.Current.CancellationToken);
            return MemoryMarshal.Cast<byte, ushort>(result.Voxels).ToArray();
        }
    }

    [Fact]
    public void Run_WhenNoiseIsAsked_LearnsFromNoisySons()
    {
        using var plain = Resolver(Short with { MaxIterations = 3 });
        using var noisy = Resolver(Short with { MaxIterations = 3, Noise = 20 });
        var section = Edges(40, 40);
        Assert.True(Run(noisy, section, 40, 40).State.BicubicError > 1.02 * Run(plain, section, 40, 40).State.BicubicError);
    }

    private static float[] Reduced(float[] image, (int Y, int X) from, (int Y, int X) to)
    {
        var result = new float[to.Y * to.X];
        Resampler.Reduce(image, from, to, Reduction.Bicubic, result);
        return result;
    }
}
