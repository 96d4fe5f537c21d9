// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks.Tests;

/// <summary>What each augmentation does to a patch, and where the patch's voxels come from.</summary>
public sealed class AugmentationTests
{
    private static readonly RandomRange Never = new() { Range = [1, 1] };

    public static TheoryData<bool, bool, bool, VoxelType> Flips =>
    [
        .. from flips in Enumerable.Range(0, 8)
           from type in Enum.GetValues<VoxelType>()
           select ((flips & 1) != 0, (flips & 2) != 0, (flips & 4) != 0, type),
    ];

    [Fact]
    public void Apply_WhenNothingIsDrawn_CopiesTheMiddle()
    {
        // Options that could move voxels: the patch is the middle of the larger source.
        var patch = new Int3(4, 6, 10);
        Assert.Equal(patch, Augmentation.SourceShape(AugmentationOptions.None, patch, VoxelSize.Unit));
        var o = AugmentationOptions.None with
        {
            Rotation = new() { Probability = 1e-300 },
            Scaling = new() { Probability = 1e-300, Range = [.85, 1.2] },
            Elastic = new() { Probability = 1e-300 },
        };
        var source = Augmentation.SourceShape(o, patch, VoxelSize.Unit);
        Assert.True((source - patch) is { Z: > 0, Y: > 0, X: > 0 });
        var v = Sample.Noise(source, 5);
        var (raw, labels) = v.Cut(o, 1, 2, patch, mean: 100, std: 7);
        var margin = (source - patch).Map(n => n / 2);
        v.Check(patch, (z, y, x) => new(margin.Z + z, margin.Y + y, margin.X + x), raw, labels, 100, 7);
    }

    [Theory]
    [MemberData(nameof(Flips))]
    public void Apply_WithFlips_MirrorsExactly(bool z, bool y, bool x, VoxelType type)
    {
        var patch = new Int3(3, 4, 5);
        var o = AugmentationOptions.None with { Flip = new() { Probability = [z ? 1 : 0, y ? 1 : 0, x ? 1 : 0] } };
        Assert.Equal(patch, Augmentation.SourceShape(o, patch, VoxelSize.Unit));
        var v = Sample.Noise(patch, 6, type);
        var (raw, labels) = v.Cut(o, 3, 4, patch, mean: 10, std: 3);
        v.Check(patch, (i, j, k) => new(z ? 2 - i : i, y ? 3 - j : j, x ? 4 - k : k), raw, labels, 10, 3);
    }

    /// <summary>
    /// Image and labels both hold a coordinate: interpolation keeps a linear ramp, so the image says where a voxel comes from, and the label
    /// is the nearest voxel to it.
    /// </summary>
    [Fact]
    public void Apply_UnderAnyMovement_TakesLabelsFromWhereTheImageComesFrom()
    {
        var patch = new Int3(10, 16, 20);
        var (spacing, tried) = (new VoxelSize(1.5, 1, 1), 0);
        for (var seed = 0; seed < 24; seed++)
        {
            var o = AnyOptions(seed) with { Scaling = new() { Probability = .5, Range = [.7, 1.6] } };
            var source = Augmentation.SourceShape(o, patch, spacing);
            if (Math.Max(source.Z, Math.Max(source.Y, source.X)) > 255)
                continue;
            for (var axis = 0; axis < 3; axis++)
            {
                var (raw, labels) = Sample.Of(source, p => p[axis]).Cut(o, 77, (ulong)seed, patch, spacing: spacing);
                for (var i = 0; i < raw.Length; i++)
                    Assert.True(Math.Abs(raw[i] - labels[i]) <= .501, $"seed {seed}, axis {axis}: label {labels[i]} at {raw[i]}");
                tried++;
            }
        }

        Assert.True(tried > 30);
    }

    [Fact]
    public void Apply_WithScalingByTwo_DoublesObjects()
    {
        var patch = new Int3(21, 21, 21);
        var o = AugmentationOptions.None with { Scaling = new() { Probability = 1, Range = [2, 2] } };
        var v = Sample.Of(patch, p => Math.Abs(p.Z - 10) <= 2 && Math.Abs(p.Y - 10) <= 2 && Math.Abs(p.X - 10) <= 2 ? 200 : 0);
        Assert.InRange(v.Cut(o, 0, 0, patch).Labels.Count(l => l == 200), 9 * 9 * 9, 10 * 10 * 10);  // 5 voxels across become 10
    }

    [Fact]
    public void Apply_WithContrast_StretchesAboutThePatchsMean()
    {
        var patch = new Int3(8, 16, 16);
        var v = Sample.Noise(patch, 8);
        var o = AugmentationOptions.None with { Contrast = new() { Probability = 1, Range = [.7, 1.4] } };
        var (plain, plainLabels) = v.Cut(AugmentationOptions.None, 0, 0, patch, mean: 30000, std: 17000);
        var (smallest, largest) = (10.0, 0.0);
        for (var index = 0UL; index < 100; index++)
        {
            var (raw, labels) = v.Cut(o, 0, index, patch, mean: 30000, std: 17000);
            var factor = Deviation(raw) / Deviation(plain);
            Assert.Equal(plain.Average(), raw.Average(), 1e-5f);
            Assert.Equal(factor * (plain[7] - plain.Average()), raw[7] - raw.Average(), 1e-4);
            Assert.Equal(plainLabels, labels);
            (smallest, largest) = (Math.Min(smallest, factor), Math.Max(largest, factor));
        }

        Assert.InRange(smallest, .699, .73);
        Assert.InRange(largest, 1.36, 1.401);
    }

    [Fact]
    public void Apply_WithNoise_AddsWhiteGaussianNoiseAsStrongAsAsked()
    {
        var patch = new Int3(9, 33, 65);
        var o = AugmentationOptions.None with { Noise = new() { Probability = 1, Range = [.2, .2] } };
        var v = Sample.Of(patch, _ => 50);
        var (raw, labels) = v.Cut(o, 4, 5, patch, mean: 50, std: 3);
        double n = raw.Length;
        var fourth = raw.Sum(r => Math.Pow(r / .2, 4)) / n;
        var neighbour = raw.Zip(raw.Skip(1), (a, b) => (double)a * b).Sum() / (.04 * n);
        Assert.Equal(0, raw.Average(), .2 * 4 / Math.Sqrt(n));
        Assert.Equal(.2, Deviation(raw), .2 * 4 / Math.Sqrt(2 * n));
        Assert.Equal(3, fourth, 4 * Math.Sqrt(96 / n));
        Assert.Equal(0, neighbour, 4 / Math.Sqrt(n));
        Assert.Equal(v.Labels, labels);
    }

    [Fact]
    public void Apply_WithBlur_SpreadsAPointBySigmaInRealSpace()
    {
        var patch = new Int3(33, 33, 33);
        var o = AugmentationOptions.None with { Blur = new() { Probability = 1, Range = [3, 3] } };
        var thick = new VoxelSize(2, 1, 1);
        var (raw, _) = Sample.Of(patch, p => p == new Int3(16, 16, 16) ? 10000 : 0).Cut(o, 0, 0, patch, spacing: thick);
        var variance = new double[3];
        for (var i = 0; i < raw.Length; i++)
        {
            foreach (var k in Axes.All)
                variance[k] += raw[i] * Math.Pow(Sample.At(i, patch)[k] - 16, 2);
        }

        Assert.Equal(10000, raw.Sum(r => (double)r), 1.0);
        Assert.Equal(2.25, variance[0] / 10000, .1);
        Assert.Equal(9, variance[1] / 10000, .4);
        Assert.Equal(9, variance[2] / 10000, .4);
        Assert.All(Sample.Of(patch, _ => 77).Cut(o, 0, 0, patch, spacing: thick).Raw, r => Assert.Equal(77, r, 1e-3f));
    }

    [Theory]
    [InlineData(1, 1, 7)]
    [InlineData(2, 3, 1)]
    [InlineData(1, 1, 1)]
    public void Apply_WithBlurOnAxesShorterThanItsKernel_KeepsAFlatPatch(int z, int y, int x)
    {
        var o = AugmentationOptions.None with { Blur = new() { Probability = 1, Range = [5, 5] } };
        Assert.All(Sample.Of(new(z, y, x), _ => 9).Cut(o, 0, 0, new(z, y, x)).Raw, r => Assert.Equal(9, r, 1e-4f));
    }

    [Fact]
    public void Apply_WithSharpening_RaisesEdgesAndLeavesFlatRegions()
    {
        var patch = new Int3(5, 5, 40);
        var o = AugmentationOptions.None with { Sharpen = new() { Probability = 1, Range = [1, 1] } };
        var row = Sample.Of(patch, p => p.X < 20 ? 100 : 200).Cut(o, 0, 0, patch).Raw[(12 * 40)..(13 * 40)];
        Assert.Equal(100, row[0], 1e-3f);
        Assert.Equal(200, row[39], 1e-3f);
        Assert.True(row[19] < 80 && row[20] > 220, $"{row[19]} and {row[20]}");  // half of the 0.4 that a unit Gaussian weighs at its middle, and more
    }

    [Fact]
    public void Apply_WithTheSameDraw_GivesTheSameBytes()
    {
        var (o, patch) = (new AugmentationOptions(), new Int3(8, 24, 24));
        var v = Sample.Noise(Augmentation.SourceShape(o, patch, VoxelSize.Unit), 11);
        var different = 0;
        for (var index = 0UL; index < 40; index++)
        {
            var (raw, labels) = v.Cut(o, 1, index, patch, 30000, 9000);
            var (sameRaw, sameLabels) = v.Cut(o, 1, index, patch, 30000, 9000);
            Assert.Equal(raw, sameRaw);
            Assert.Equal(labels, sameLabels);
            different += raw.AsSpan().SequenceEqual(v.Cut(o, 2, index, patch, 30000, 9000).Raw) ? 0 : 1;

            // Asking for one of the two changes nothing in it.
            Augmentation.Apply(o, VoxelSize.Unit, 1, index, v.Block(30000, 9000), patch, sameRaw, []);
            Augmentation.Apply(o, VoxelSize.Unit, 1, index, v.Block(30000, 9000), patch, [], sameLabels);
            Assert.Equal(raw, sameRaw);
            Assert.Equal(labels, sameLabels);
        }

        Assert.InRange(different, 36, 40);
    }

    [Fact]
    public void Of_ManyIndices_DrawsEachWithItsProbabilityAndByItself()
    {
        var o = new AugmentationOptions { Flip = new() { Probability = [.1, .5, .9] } };
        double[] expected = [.1, .5, .9, .5, .3, .2, .3, .3, .2, .2];
        const int Draws = 8000;
        var together = new int[expected.Length, expected.Length];
        for (var index = 0UL; index < Draws; index++)
        {
            var d = AugmentationDraw.Of(o, 21, index);
            bool[] drawn = [.. d.Flip, d.Angle[0] != 0, d.Scale != 1, d.Elastic, d.Contrast != 1, d.Noise > 0, d.Blur > 0, d.Sharpen > 0];
            for (var a = 0; a < drawn.Length; a++)
            {
                for (var b = 0; b <= a; b++)
                    together[a, b] += drawn[a] && drawn[b] ? 1 : 0;
            }
        }

        for (var a = 0; a < expected.Length; a++)
        {
            for (var b = 0; b <= a; b++)
            {
                var p = a == b ? expected[a] : expected[a] * expected[b];
                Assert.Equal(p * Draws, together[a, b], 4.5 * Math.Sqrt(p * (1 - p) * Draws));
            }
        }
    }

    [Fact]
    public void Of_WithOneAugmentationOff_LeavesTheOthersAsTheyAre()
    {
        var o = new AugmentationOptions();
        var without = o with { Rotation = o.Rotation with { Probability = 0 }, Contrast = Never };
        for (var index = 0UL; index < 50; index++)
        {
            var (a, b) = (AugmentationDraw.Of(o, 3, index), AugmentationDraw.Of(without, 3, index));
            Assert.Equal(a.Flip, b.Flip);
            Assert.Equal((a.Scale, a.Elastic, a.Noise, a.Blur, a.Sharpen), (b.Scale, b.Elastic, b.Noise, b.Blur, b.Sharpen));
            Assert.Equal((0, 1), (b.Angle[0], b.Contrast));
        }
    }

    public static TheoryData<string, AugmentationOptions, VoxelSize> Wrong { get; } = new()
    {
        { "augmentation.blur.probability is 1.5", new() { Blur = new() { Probability = 1.5, Range = [1, 1] } }, VoxelSize.Unit },
        { "augmentation.flip.probability of y is -1", new() { Flip = new() { Probability = [0, -1, 0] } }, VoxelSize.Unit },
        { "augmentation.flip.probability has 2 numbers", new() { Flip = new() { Probability = [0, 0] } }, VoxelSize.Unit },
        { "augmentation.rotation.degrees about z is 181", new() { Rotation = new() { Degrees = [181, 0, 0] } }, VoxelSize.Unit },
        { "augmentation.contrast.range is 2, 1", new() { Contrast = new() { Range = [2, 1] } }, VoxelSize.Unit },
        { "augmentation.scaling.range is 0", new() { Scaling = new() { Range = [0, 1] } }, VoxelSize.Unit },
        { "augmentation.elastic.spacing is 0", new() { Elastic = new() { Spacing = 0 } }, VoxelSize.Unit },
        { "augmentation.elastic.amplitude is NaN", new() { Elastic = new() { Amplitude = double.NaN } }, VoxelSize.Unit },
        { "augmentation.elastic.spacing is 4, too fine", new() { Elastic = new() { Spacing = 4 } }, new(.01, .01, .01) },
        { "voxel size along y is NaN", new(), new(1, double.NaN, 1) },
        { "voxel size along z is 101", new(), new(101, 1, 1) },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void SourceShape_WhenAnOptionIsOutOfRange_NamesIt(string says, AugmentationOptions o, VoxelSize spacing)
    {
        var patch = says.Contains("too fine", StringComparison.Ordinal) ? new Int3(4096, 4096, 4096) : new Int3(4, 4, 4);
        var e = Assert.Throws<InputException>(() => Augmentation.SourceShape(o, patch, spacing));
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Apply_WithABlockThatDoesNotFit_SaysWhichOneDoes()
    {
        var (o, patch) = (AugmentationOptions.None, new Int3(4, 4, 4));
        Assert.Contains("0", Assert.Throws<InputException>(() => Augmentation.SourceShape(o, new(4, 0, 4), VoxelSize.Unit)).Message, StringComparison.Ordinal);
        Assert.Contains("6x4x4", Assert.Throws<InputException>(() => Sample.Noise(new(6, 4, 4), 1).Cut(o, 0, 0, patch)).Message, StringComparison.Ordinal);
        var v = Sample.Noise(patch, 1);
        Assert.Throws<InputException>(() => v.Cut(o, 0, 0, patch, 0, 0));
        Assert.Throws<InputException>(() => v.Cut(o, 0, 0, patch, float.NaN, 1));
        Assert.Throws<ArgumentException>(() => Augmentation.Apply(o, VoxelSize.Unit, 0, 0, v.Block(), patch, new float[63], []));
        var unlabelled = v with { Labels = [] };
        Augmentation.Apply(o, VoxelSize.Unit, 0, 0, unlabelled.Block(), patch, new float[64], []);
        Assert.Throws<ArgumentException>(() => unlabelled.Cut(o, 0, 0, patch));
    }

    /// <summary>Options anywhere in their ranges, for properties that hold for all of them.</summary>
    internal static AugmentationOptions AnyOptions(int seed)
    {
        var random = new Random(seed);
        var scale = .3 + (1.7 * random.NextDouble());
        return AugmentationOptions.None with
        {
            Flip = new() { Probability = [Sometimes(.5), Sometimes(.5), Sometimes(.5)] },
            Rotation = new() { Probability = Sometimes(.9), Degrees = [Degrees(), Degrees(), Degrees()] },
            Scaling = new() { Probability = Sometimes(.9), Range = [scale, scale + ((3 - scale) * random.NextDouble())] },
            Elastic = new() { Probability = Sometimes(.9), Amplitude = 6 * random.NextDouble(), Spacing = 4 + (36 * random.NextDouble()) },
        };

        double Sometimes(double value) => random.NextDouble() < .6 ? value : 0;

        double Degrees() => Sometimes(random.NextDouble() < .3 ? 180 : 1 + (179 * random.NextDouble()));
    }

    private static double Deviation(float[] values)
    {
        var mean = values.Average(v => (double)v);
        return Math.Sqrt(values.Sum(v => Math.Pow(v - mean, 2)) / values.Length);
    }
}
