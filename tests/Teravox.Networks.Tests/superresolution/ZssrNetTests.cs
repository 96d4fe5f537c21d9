// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Runtime.InteropServices;
using static Teravox.Networks.Tests.TestImages;

namespace Teravox.Networks.Tests;

/// <summary>Both networks, each for itself, beside each other, and beside Python's PyTorch.</summary>
public sealed class ZssrNetTests : IDisposable
{
    private const string Winograd = "winograd", Torch = "torch";

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Nets => [Winograd, Torch];

    public void Dispose() => _folder.Dispose();

    /// <summary>A network whose weights are large enough to change its input visibly.</summary>
    internal static ZssrNet Net(string kind, ulong seed, int threads = 2)
    {
        Assert.SkipUnless(kind != Winograd || WinogradNet.IsSupported, "the processor has no AVX2");
        ZssrNet net = kind == Winograd ? new WinogradNet(threads) : new TorchNet("cpu", threads);
        net.Weights = Strong(seed);
        return net;
    }

    [Theory]
    [MemberData(nameof(Nets))]
    public void Weights_WhenSet_AreGivenBack(string kind)
    {
        using var net = Net(kind, seed: 3);
        Assert.Equal(Strong(3), net.Weights);
    }

    [Theory]
    [MemberData(nameof(Nets))]
    public void Forward_WhenUntrained_AddsNextToNothing(string kind)
    {
        using var net = Net(kind, seed: 1);
        net.Weights = ZssrNet.InitialWeights(1);
        var output = net.Forward(Waves(20, 20));
        Assert.InRange(Farthest(output, Waves(20, 20)), 1e-9, 1e-3);
    }

    /// <summary>Libtorch chooses among kernels by the size, so its sums differ in the last bit.</summary>
    [Theory]
    [InlineData(Winograd, 0)]
    [InlineData(Torch, 5e-7)]
    public void ForwardTiled_OfAnyTile_IsThatOfTheWholeImage(string kind, double bound)
    {
        using var net = Net(kind, seed: 5);
        foreach (var (y, x) in ((int, int)[])[(150, 197), (64, 230), (40, 40), (3, 230)])
        {
            var image = Waves(y, x);
            var whole = net.Forward(image);
            Assert.True(Farthest(whole, image) > 1e-3);
            foreach (var tile in (int[])[48, 64, 96])
                Assert.InRange(Farthest(net.ForwardTiled(image, tile, TestContext.Current.CancellationToken), whole), 0, bound);
        }
    }

    [Fact]
    public void Forward_OfAnImage_DependsOnTheWholeReachAndNoMore()
    {
        using var net = Net(Torch, seed: 5);
        var before = net.Forward(Waves(40, 40));
        foreach (var distance in (int[])[ZssrNet.Reach, ZssrNet.Reach + 1])
        {
            var other = Waves(40, 40);
            other[20, 20 + distance] += .5f;
            Assert.Equal(distance == ZssrNet.Reach, net.Forward(other)[20, 20] != before[20, 20]);
        }
    }

    [Theory]
    [InlineData(64, 64)]
    [InlineData(128, 128)]
    [InlineData(37, 61)]
    [InlineData(16, 1)]
    [InlineData(1, 50)]
    [InlineData(1, 2)]
    public void Learn_ByEitherNetwork_GivesTheSameOutputLossAndGradients(int y, int x)
    {
        using var ours = Net(Winograd, seed: 11);
        using var theirs = Net(Torch, seed: 11);
        var input = Waves(y, x);
        var target = Of((y, x), (i, j) => input[i, j] + (.3 * Math.Sin((i * x) + j)));
        var inside = Of((y, x), (i, j) => ((i * x) + j) % 7 != 3 ? 1 : 0);
        var count = (int)inside.Pixels.Sum();
        Assert.InRange(Farthest(ours.Forward(input), theirs.Forward(input)), 0, 1e-4);
        var (loss, expected) = (ours.Learn(input, target, inside, count), theirs.Learn(input, target, inside, count));
        Assert.True(expected > .05);
        Assert.Equal(expected, loss, 1e-5 * expected);
        for (var layer = 0; layer < ZssrNet.Layers; layer++)
            Assert.InRange(Apart(ours.Gradients[layer], theirs.Gradients[layer]), 0, 2e-3 * Most(theirs.Gradients[layer]));
    }

    [Fact]
    public void Update_ByEitherNetwork_MovesTheWeightsAlike()
    {
        using var ours = Net(Winograd, seed: 12);
        using var theirs = Net(Torch, seed: 12);
        var input = Waves(48, 40);
        var target = Of(input.Shape, (i, j) => Math.Sqrt(input[i, j]));
        foreach (var net in (ZssrNet[])[ours, theirs])
        {
            for (var i = 0; i < 3; i++)
            {
                Assert.True(net.Learn(input, target, Of(input.Shape, static (_, _) => 1), input.Pixels.Length) > .01);
                net.Update(1e-3);
            }
        }

        for (var layer = 0; layer < ZssrNet.Layers; layer++)
        {
            // In the mean: where a gradient is nearly 0 Adam moves a weight to the side that rounding picks.
            var moved = Mean(Strong(12)[layer], theirs.Weights[layer]);
            Assert.True(moved > 1e-3);
            Assert.InRange(Mean(ours.Weights[layer], theirs.Weights[layer]), 0, .02 * moved);
        }

        static double Mean(float[] a, float[] b) => a.Zip(b, static (p, q) => Math.Abs((double)p - q)).Average();
    }

    [Theory]
    [MemberData(nameof(Nets))]
    public void Learn_WhatIsOutside_IsLeftOut(string kind)
    {
        using var net = Net(kind, seed: 2);
        var input = Waves(24, 30);
        var target = Of(input.Shape, (i, j) => input[i, j] + (.1 * (((i * 30) + j) % 3)));
        var inside = Of(input.Shape, static (i, j) => ((i * 30) + j) % 5 != 0 ? 1 : 0);
        var count = (int)inside.Pixels.Sum();
        var loss = net.Learn(input, target, inside, count);
        var gradients = net.Gradients;
        for (var i = 0; i < target.Pixels.Length; i += 5)
            target.Pixels[i] = 1e6f;
        Assert.Equal(loss, net.Learn(input, target, inside, count));
        Assert.Equal(gradients, net.Gradients);
        Assert.NotEqual(loss, net.Learn(input, target, Of(input.Shape, static (_, _) => 1), input.Pixels.Length));
    }

    [Theory]
    [MemberData(nameof(Nets))]
    public void Learn_WhenTheLossIsNotFinite_SaysSoAndGoesOn(string kind)
    {
        using var net = Net(kind, seed: 2);
        var (image, inside) = (Waves(16, 16), Of((16, 16), static (_, _) => 1));
        foreach (var bad in (float[])[float.NaN, float.PositiveInfinity])
        {
            var broken = image.Copy();
            broken.Pixels[17] = bad;
            Assert.Equal(double.NaN, net.Learn(broken, image, inside, 256));
        }

        Assert.True(double.IsFinite(net.Learn(image, image, inside, 256)));
    }

    [Fact]
    public void Learn_WithOtherThreads_GivesTheSameOutput()
    {
        using var one = Net(Winograd, seed: 4, threads: 1);
        using var three = Net(Winograd, seed: 4, threads: 3);
        Assert.Equal(one.Forward(Waves(61, 75)).Pixels, three.Forward(Waves(61, 75)).Pixels);
    }

    /// <summary>One training step of ZSSR here and in eager PyTorch: the same weights and images, the same output, loss, gradients and weights after it.</summary>
    [Theory]
    [InlineData(Torch, 48, 52)]
    [InlineData(Winograd, 128, 128)]
    [InlineData(Winograd, 48, 52)]
    [InlineData(Winograd, 33, 70)]
    public void Learn_BesidePytorch_GivesItsStep(string kind, int y, int x)
    {
        Python.Run("zssr_step.py", _folder.File(""), y.ToString(CultureInfo.InvariantCulture), x.ToString(CultureInfo.InvariantCulture));
        using var net = Net(kind, seed: 1);
        net.Weights = Layers("weight");
        var (input, target, inside) = (Image("input"), Image("target"), Image("inside"));
        AssertNear("output", Read("output"), net.Forward(input).Pixels, 1e-5);
        var loss = net.Learn(input, target, inside, (int)inside.Pixels.Sum());
        Assert.Equal(Read("loss")[0], loss, 1e-5 * loss);
        var gradients = Layers("gradient");
        for (var layer = 0; layer < ZssrNet.Layers; layer++)
        {
            // One pixel that rounding takes to the other side of a ReLU is seen in all weights before it.
            AssertNear($"gradient {layer}", gradients[layer], net.Gradients[layer], 2e-3);
        }

        net.Update(1e-3);
        var updated = Layers("updated");
        for (var layer = 0; layer < ZssrNet.Layers; layer++)
        {
            // Adam's first step is the rate times the gradient's sign, so weights differ where a gradient is nearly 0.
            var nearlyZero = 1e-3 * Most(gradients[layer]);
            var clear = gradients[layer].Select(g => Math.Abs(g) >= nearlyZero).ToArray();
            var apart = updated[layer].Zip(net.Weights[layer], static (a, b) => Math.Abs((double)a - b)).Where((_, i) => clear[i]).Max();
            Assert.InRange(apart, 0, 1e-6 + (1e-5 * Most(updated[layer])));
        }

        IReadOnlyList<float[]> Layers(string name) => [.. Enumerable.Range(0, ZssrNet.Layers).Select(layer => Read(name + layer))];

        Plane Image(string name)
        {
            var image = new Plane(y, x);
            Read(name).CopyTo(image.Pixels, 0);
            return image;
        }

        float[] Read(string name) => MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(_folder.File(name))).ToArray();

        static void AssertNear(string what, float[] expected, float[] got, double bound) =>
            Assert.True(Apart(expected, got) < bound * Most(expected), $"{what}: {Apart(expected, got)} of {Most(expected)}");
    }

    private static IReadOnlyList<float[]> Strong(ulong seed) => [.. ZssrNet.InitialWeights(seed).Select(static w => Array.ConvertAll(w, static p => 3.5f * p))];

    private static double Most(float[] numbers) => numbers.Max(static n => Math.Abs((double)n));

    private static double Apart(float[] a, float[] b) => a.Zip(b, static (p, q) => Math.Abs((double)p - q)).Max();
}
