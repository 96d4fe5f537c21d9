// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Contracts;
using static TorchSharp.torch;

namespace Teravox.Networks.Tests;

public sealed class InferenceSessionTests
{
    private const int Classes = 3;
    private const float Mean = 120, Std = 50;

    public static TheoryData<string> Variants => TestNetworks.Variants;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>The core is the block, a part inside, a part at corners, a single voxel: always that part of what the module gives.</summary>
    [Theory]
    [MemberData(nameof(Variants))]
    public void Logits_OfACore_AreTheModules(string variant)
    {
        var a = TestNetworks.Architectures[variant];
        using var network = TestNetworks.Make(a, Classes);
        var size = new Int3(24, 32, 40).RoundUpTo(a.Grid());
        var voxels = TestNetworks.Bytes(size.Count, 1);
        var expected = OfModule(network, voxels, size);
        using var session = new InferenceSession(network, "cpu", 1);

        // Group norm divides by what a whole layer sums: the order of the sum shows.
        var nearly = (a.Order == LayerOrder.Gcr ? 3e-5 : 1e-5) * Math.Max(1, expected.Max(Math.Abs));
        using var slabs = new InferenceEngine(network, CPU, new CpuOperators(encoderBytes: 1), decoderElements: 1);
        using var asOnCuda = new InferenceEngine(network, CPU, new CudaOperators(fused: false, ScalarType.Float32), decoderElements: 1 << 15);
        foreach (var core in (Box3[])[Box3.Whole(size), new(new(8, 8, 16), new(4, 8, 8)), new(new(0, size.Y - 3, 11), new(5, 3, 7)), new(new(7, 9, size.X - 1), Int3.One)])
        {
            var want = Cut(expected, size, core);
            Assert.InRange(Farthest(want, Logits(session, voxels, size, core)), 0, nearly);
            Assert.InRange(Farthest(want, Logits(slabs, voxels, size, core).Values), 0, nearly);
            Assert.InRange(Farthest(want, Logits(asOnCuda, voxels, size, core).Values), 0, nearly);
        }
    }

    /// <summary>What a GPU computes with, on the CPU: float16 is within a level or so of float32.</summary>
    [Theory]
    [InlineData("cbr")]
    [InlineData("pools 3,1,2 2,4,1")]
    [InlineData("residual transposed")]
    public void Levels_InFloat16_AreThoseOfFloat32(string variant)
    {
        var a = TestNetworks.Architectures[variant];
        using var network = TestNetworks.Make(a, Classes);
        var size = new Int3(16, 24, 24).RoundUpTo(a.Grid());
        var (voxels, core) = (TestNetworks.Bytes(size.Count, 7), new Box3(new(2, 8, 5), new(9, 8, 11)));
        using var session = new InferenceSession(network, "cpu", 1);
        using var half = new InferenceEngine(network, CPU, new CudaOperators(fused: false, ScalarType.Float16));
        var want = Infer(session, voxels, size, core);
        var (got, largest) = Logits(half, voxels, size, core);
        var apart = want.Zip(got).Select(pair => Math.Abs(pair.First - Level(pair.Second))).ToArray();
        Assert.InRange(apart.Count(levels => levels > 1), 0, apart.Length / 1000);
        Assert.InRange(apart.Max(), 0, 3);
        Assert.InRange(largest!.Value, 0.01f, 1000f);
    }

    /// <summary>
    /// Features too large for float16 are told, wherever in the network they are: then the tile is computed in float32. As on a GPU, what is no number
    /// becomes 0 behind a convolution, so that nothing is left of an overflow two layers on.
    /// </summary>
    [Theory]
    [InlineData("encoders.0.basic_module.SingleConv1.batchnorm.weight", 2e5)]
    [InlineData("encoders.0.basic_module.SingleConv1.batchnorm.weight", 1e7)]
    [InlineData("encoders.0.basic_module.SingleConv2.batchnorm.weight", 2e5)]
    [InlineData("encoders.0.basic_module.SingleConv2.batchnorm.weight", 1e7)]
    [InlineData("encoders.2.basic_module.SingleConv1.batchnorm.weight", 2e5)]
    [InlineData("encoders.2.basic_module.SingleConv1.batchnorm.weight", 1e7)]
    [InlineData("decoders.0.basic_module.SingleConv1.batchnorm.weight", 2e5)]
    [InlineData("decoders.0.basic_module.SingleConv1.batchnorm.weight", 1e7)]
    [InlineData("decoders.0.basic_module.SingleConv2.batchnorm.weight", 2e5)]
    [InlineData("decoders.0.basic_module.SingleConv2.batchnorm.weight", 1e7)]
    [InlineData("decoders.1.basic_module.SingleConv1.batchnorm.weight", 1e6)]
    [InlineData("decoders.1.basic_module.SingleConv1.batchnorm.weight", 1e7)]
    [InlineData("decoders.1.basic_module.SingleConv2.batchnorm.weight", 2e5)]
    [InlineData("decoders.1.basic_module.SingleConv2.batchnorm.weight", 1e7)]
    [InlineData("final_conv.bias", 2e5)]
    [InlineData("final_conv.bias", 1e7)]
    public void Largest_WhenFloat16DoesNotHoldAFeature_IsNotFinite(string parameter, double value)
    {
        using var network = TestNetworks.Make(TestNetworks.Architectures["cbr"], Classes);
        using (no_grad())
            network.Module.State().Single(t => t.Name == parameter).Tensor.fill_(value);
        var size = new Int3(8, 16, 16);
        using var half = new InferenceEngine(network, CPU, new ZeroForNaN());
        var (_, largest) = Logits(half, TestNetworks.Bytes(size.Count, 8), size, new(new(2, 4, 4), new(2, 4, 4)));
        Assert.False(float.IsFinite(largest!.Value), $"{largest}");
    }

    /// <summary>A GPU counts a tensor's elements in 32 bits, at every level but the finest, which goes in slabs.</summary>
    [Fact]
    public void Fits_WhenALevelHasTooManyFeatures_IsFalse()
    {
        var (usual, wide, group) = (new UNetArchitecture { Levels = 4, FMaps = 32 }, new UNetArchitecture { Levels = 4, FMaps = 64 }, new UNetArchitecture { Levels = 4, FMaps = 32, Order = LayerOrder.Gcr });
        static Int3 Cube(int edge) => new(edge, edge, edge);
        Assert.True(GpuTile.Fits(usual, Cube(624), Cube(512), 8));
        Assert.False(GpuTile.Fits(usual, Cube(656), Cube(512), 8));
        Assert.False(GpuTile.Fits(usual, Cube(624), Cube(512), 16));
        Assert.False(GpuTile.Fits(wide, Cube(560), Cube(448), 8));
        Assert.True(GpuTile.Fits(group, Cube(280), Cube(192), 8));
        Assert.False(GpuTile.Fits(group, Cube(288), Cube(192), 8));
    }

    /// <summary>A mistake in the text that GPUs run would end the process; operators by names that libtorch does not have are found, too.</summary>
    [Fact]
    public void Compile_OfTheTextForGpus_Succeeds()
    {
        _ = Libtorch.Folder;
        CudaOperators.Compile();
    }

    [Fact]
    public void AddressOf_ATensor_IsWhereItsValuesLie()
    {
        _ = Libtorch.Folder;
        using var values = tensor(new byte[] { 5, 6, 7 });
        unsafe
        {
            fixed (byte* first = values.bytes)
                Assert.Equal((nint)first, Cuda.AddressOf(values));
        }
    }

    /// <summary>The promise to users: tiles with an exact halo, cut out and computed alone, are the whole volume's result.</summary>
    [Theory]
    [MemberData(nameof(Variants))]
    public void Logits_OfTilesWithTheExactHalo_AreThoseOfTheWhole(string variant)
    {
        var a = TestNetworks.Architectures[variant];
        if (a.Order == LayerOrder.Gcr)
            return;
        using var network = TestNetworks.Make(a, Classes);
        using var session = new InferenceSession(network, "cpu", 1);
        var (reach, grid) = Reach.Of(a);
        var (halo, size) = (reach.RoundUpTo(grid), new Int3(28, 40, 56).RoundUpTo(grid));
        var voxels = TestNetworks.Bytes(size.Count, 2);
        var whole = Logits(session, voxels, size, Box3.Whole(size));
        var (farthest, other) = (0.0, 0);
        foreach (var coreSize in (Int3[])[new Int3(16, 16, 16).RoundUpTo(grid), new(24, 40, 29)])
        {
            // Origins lie on the grid whatever the core's size; the last tiles are what is left.
            foreach (var start in Origins(size, coreSize.RoundUpTo(grid)))
            {
                var core = new Box3(start, coreSize).Intersect(Box3.Whole(size));
                var block = Box3.Between(start - halo, core.End.RoundUpTo(grid) + halo).Intersect(Box3.Whole(size));
                var got = Logits(session, Cut(voxels, size, block), block.Shape, core with { Start = core.Start - block.Start });
                var want = Cut(whole, size, core);
                farthest = Math.Max(farthest, Farthest(want, got));
                other += want.Zip(got).Count(pair => Level(pair.First) != Level(pair.Second));
            }
        }

        Assert.InRange(farthest, 0, 1e-6);
        Assert.InRange(other, 0, (2e-5 * whole.Length) + 1);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Infer_WhenRunAgain_GivesTheSameBytes(string variant)
    {
        var a = TestNetworks.Architectures[variant];
        using var network = TestNetworks.Make(a, Classes);
        var size = new Int3(24, 24, 24).RoundUpTo(a.Grid());
        var (voxels, core) = (TestNetworks.Bytes(size.Count, 3), new Box3(new(8, 8, 8), new(4, 8, 8)));
        using var session = new InferenceSession(network, "cpu", 1);
        using var another = new InferenceSession(network, "cpu", 1);
        using var two = new InferenceSession(network, "cpu", 2);
        var first = Infer(session, voxels, size, core);

        // What lies in memory from another tile must not leak into the next.
        Infer(session, TestNetworks.Bytes(size.Count, 4), size, Box3.Whole(size));
        Assert.Equal(first, Infer(session, voxels, size, core));
        Assert.Equal(first, Infer(another, voxels, size, core));
        Assert.InRange(first.Zip(Infer(two, voxels, size, core)).Count(pair => pair.First != pair.Second), 0, first.Length / 1000);
        Assert.NotEqual(first, Infer(session, TestNetworks.Bytes(size.Count, 4), size, core));
    }

    [Fact]
    public void Infer_WhenRun_IsTheSigmoidOfTheLogits()
    {
        using var network = TestNetworks.Make(TestNetworks.Architectures["cbr"], Classes);
        using var session = new InferenceSession(network, "cpu", 1);
        var (size, core) = (new Int3(16, 32, 32), new Box3(new(4, 8, 8), new(8, 16, 16)));
        var voxels = TestNetworks.Bytes(size.Count, 1);
        var (logits, probabilities) = (Logits(session, voxels, size, core), Infer(session, voxels, size, core));
        Assert.True(logits.Max() - logits.Min() > .1f);
        for (var i = 0; i < logits.Length; i++)
        {
            // One level apart where rounding decides.
            Assert.InRange(probabilities[i] - (255 / (1 + Math.Exp(-logits[i]))), -.501, .501);
        }
    }

    [Fact]
    public void Infer_WhenLogitsAreNoNumbers_GivesZero()
    {
        using var network = TestNetworks.Make(TestNetworks.Architectures["cbr"], Classes);
        using (no_grad())
            network.Module.State().Last().Tensor[1].fill_(float.NaN);
        using var session = new InferenceSession(network, "cpu", 1);
        var size = new Int3(8, 8, 8);
        var probabilities = Infer(session, TestNetworks.Bytes(size.Count, 1), size, Box3.Whole(size));
        Assert.All(probabilities[(int)size.Count..(int)(2 * size.Count)], level => Assert.Equal(0, level));
        Assert.Contains(probabilities[..(int)size.Count], level => level != 0);
    }

    [Fact]
    public void Infer_WhenVoxelsAreWide_ReadsTheSameNumbers()
    {
        using var network = TestNetworks.Make(TestNetworks.Architectures["cbr"], Classes);
        using var session = new InferenceSession(network, "cpu", 1);
        var size = new Int3(8, 16, 16);
        var narrow = TestNetworks.Bytes(size.Count, 2);
        ReadOnlySpan<byte> wide = MemoryMarshal.AsBytes(narrow.Select(static v => (ushort)v).ToArray().AsSpan());
        var core = Box3.Whole(size);
        Assert.Equal(Infer(session, narrow, size, core), Infer(session, wide, size, core, VoxelType.UInt16));
    }

    [Fact]
    public void Logits_WhenVoxelsAreAbove32767_AreThoseOfTheirDistanceFromTheMean()
    {
        using var network = TestNetworks.Make(TestNetworks.Architectures["cbr"], Classes);
        using var session = new InferenceSession(network, "cpu", 1);
        var size = new Int3(8, 16, 16);
        var low = TestNetworks.Bytes(size.Count, 2).Select(static v => (ushort)v).ToArray();
        var high = low.Select(static v => (ushort)(v + 40_000)).ToArray();
        Assert.Equal(Of(low, Mean), Of(high, Mean + 40_000));

        float[] Of(ushort[] voxels, float mean)
        {
            var logits = new float[Classes * size.Count];
            session.Logits(Make(MemoryMarshal.AsBytes(voxels.AsSpan()), size, Box3.Whole(size), VoxelType.UInt16, mean), logits, Ct);
            return logits;
        }
    }

    [Fact]
    public void Infer_WhenTheNetworkIsDisposed_GoesOn()
    {
        var network = TestNetworks.Make(TestNetworks.Architectures["cbr"], Classes);
        using var session = new InferenceSession(network, "cpu", 1);
        var size = new Int3(8, 8, 8);
        var before = Infer(session, TestNetworks.Bytes(size.Count, 3), size, Box3.Whole(size));
        network.Dispose();
        Assert.Equal(before, Infer(session, TestNetworks.Bytes(size.Count, 3), size, Box3.Whole(size)));
    }

    [Fact]
    public void Infer_WhenCancelled_ThrowsTheCallersToken()
    {
        using var network = TestNetworks.Make(TestNetworks.Architectures["cbr"], Classes);
        using var session = new InferenceSession(network, "cpu", 1);
        using var source = new CancellationTokenSource();
        source.Cancel();
        var size = new Int3(8, 8, 8);
        var e = Assert.ThrowsAny<OperationCanceledException>(() =>
            session.Infer(Make(new byte[size.Count], size, Box3.Whole(size)), new byte[Classes * size.Count], source.Token));
        Assert.Equal(source.Token, e.CancellationToken);
    }

    [Fact]
    public void Infer_WhenATileDoesNotFit_SaysWhat()
    {
        using var network = TestNetworks.Make(TestNetworks.Architectures["cbr"], Classes);
        using var session = new InferenceSession(network, "cpu", 1);
        var size = new Int3(8, 16, 16);
        Assert.Throws<ArgumentException>(() => session.Infer(Make(new byte[size.Count - 1], size, Box3.Whole(size)), new byte[Classes * size.Count], Ct));
        Assert.Throws<ArgumentException>(() => session.Infer(Make(new byte[size.Count], size, Box3.Whole(size)), new byte[(Classes * size.Count) - 1], Ct));
        Says("axis y: the block's size 18", new(8, 18, 16), Box3.Whole(new(8, 18, 16)), 1);
        Says("axis x: the core (start 9, size 8)", size, new(new(0, 0, 9), new(8, 16, 8)), 1);
        Says("axis z: the core (start -1, size 8)", size, new(new(-1, 0, 0), new(8, 16, 8)), 1);
        Says("standard deviation", size, Box3.Whole(size), 0);
        Says("standard deviation", size, Box3.Whole(size), float.NaN);

        void Says(string text, Int3 block, Box3 core, float std)
        {
            var e = Assert.Throws<InputException>(() => session.Infer(Make(new byte[block.Count], block, core, std: std), new byte[Classes * core.Count], Ct));
            Assert.Contains(text, e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Constructor_WhenTheDeviceIsAbsent_NamesIt()
    {
        using var network = TestNetworks.Make(TestNetworks.Architectures["cbr"], Classes);
        Assert.Contains("cuda:77", Assert.Throws<InputException>(() => new InferenceSession(network, "cuda:77", 1)).Message, StringComparison.Ordinal);
    }

    private static Tile Make(ReadOnlySpan<byte> voxels, Int3 size, Box3 core, VoxelType type = VoxelType.UInt8, float mean = Mean, float std = Std) => new()
    {
        Voxels = voxels,
        Type = type,
        Shape = size,
        CoreStart = core.Start,
        CoreShape = core.Shape,
        Mean = mean,
        Std = std,
    };

    private static (float[] Values, float? Largest) Logits(InferenceEngine engine, byte[] voxels, Int3 size, Box3 core)
    {
        using var scope = NewDisposeScope();
        using var still = inference_mode();
        var (values, largest) = engine.Run(tensor(voxels).reshape(size.Sizes()), Region.Of(core), Mean, Std, null, Ct);
        return (values.data<float>().ToArray(), largest?.item<float>());
    }

    private static float[] Logits(InferenceSession session, ReadOnlySpan<byte> voxels, Int3 size, Box3 core)
    {
        var logits = new float[Classes * core.Count];
        session.Logits(Make(voxels, size, core), logits, Ct);
        return logits;
    }

    private static byte[] Infer(InferenceSession session, ReadOnlySpan<byte> voxels, Int3 size, Box3 core, VoxelType type = VoxelType.UInt8)
    {
        var probabilities = new byte[Classes * core.Count];
        session.Infer(Make(voxels, size, core, type), probabilities, Ct);
        return probabilities;
    }

    private static float[] OfModule(Network network, byte[] voxels, Int3 size)
    {
        Libtorch.Use(1);
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var standardised = tensor(voxels).to(ScalarType.Float32).sub_(Mean).div_(Std);
        return network.Module.forward(standardised.reshape([1, 1, .. size.Sizes()])).data<float>().ToArray();
    }

    private static IEnumerable<Int3> Origins(Int3 size, Int3 step)
    {
        for (var z = 0; z < size.Z; z += step.Z)
        {
            for (var y = 0; y < size.Y; y += step.Y)
            {
                for (var x = 0; x < size.X; x += step.X)
                    yield return new(z, y, x);
            }
        }
    }

    /// <summary>A box of values (any number of channels, z, y, x).</summary>
    private static T[] Cut<T>(T[] values, Int3 size, Box3 box)
    {
        var channels = values.Length / size.Count;
        var result = new List<T>((int)(channels * box.Count));
        for (var c = 0L; c < channels; c++)
        {
            for (var z = box.Start.Z; z < box.End.Z; z++)
            {
                for (var y = box.Start.Y; y < box.End.Y; y++)
                    result.AddRange(values.AsSpan((int)((((((c * size.Z) + z) * size.Y) + y) * size.X) + box.Start.X), box.Shape.X));
            }
        }

        return [.. result];
    }

    private static double Farthest(float[] expected, float[] got)
    {
        Assert.Equal(expected.Length, got.Length);
        return expected.Zip(got).Max(pair => float.IsNaN(pair.Second) ? double.PositiveInfinity : Math.Abs(pair.First - pair.Second));
    }

    private static int Level(float logit) => (int)Math.Round(255 / (1 + Math.Exp(-logit)));

    /// <summary>Plain operators that make 0 of what is no number, as cuDNN's fused ones do.</summary>
    private sealed class ZeroForNaN : Operators
    {
        private readonly CudaOperators _plain = new(fused: false, ScalarType.Float16);

        public override ScalarType Type => _plain.Type;

        public override long EncoderElements => _plain.EncoderElements;

        public override Tensor Convolve(Tensor x, FoldedConv conv, Int3 padding, bool relu) => Cleaned(_plain.Convolve(x, conv, padding, relu), relu);

        public override Tensor ConvolveAndAdd(Tensor x, FoldedConv conv, Int3 padding, Tensor other) => Cleaned(_plain.ConvolveAndAdd(x, conv, padding, other), true);

        public override UpsampledConv Upsampled(Tensor weight, Int3 factors) => _plain.Upsampled(weight, factors);

        private static Tensor Cleaned(Tensor y, bool relu) => relu ? y.masked_fill(y.isnan(), 0) : y;
    }
}
