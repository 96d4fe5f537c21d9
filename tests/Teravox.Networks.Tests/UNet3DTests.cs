// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Contracts;
using TorchSharp;
using static TorchSharp.torch;

namespace Teravox.Networks.Tests;

public sealed class UNet3DTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("teravox-networks-");

    public static TheoryData<string> Variants => TestNetworks.Variants;

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>Figures of pytorch-3dunet's networks with one channel in and out.</summary>
    [Theory]
    [InlineData(32, 4, LayerOrder.Gcr, 4_081_267, 44)]
    [InlineData(64, 4, LayerOrder.Gcr, 16_318_691, 44)]
    [InlineData(16, 3, LayerOrder.Gcr, 246_203, 32)]
    [InlineData(32, 4, LayerOrder.Cbr, 4_080_881, 86)]
    public void Create_WithSettingsOfPytorch3dunet_HasItsParameters(int maps, int levels, LayerOrder order, long parameters, int tensors)
    {
        using var network = Network.Create(new UNetArchitecture { FMaps = maps, Levels = levels, Order = order }, 1, seed: 1);
        Assert.Equal((parameters, tensors), (network.ParameterCount, network.TensorNames.Count));
        Assert.Equal("encoders.0.basic_module.SingleConv1.", network.TensorNames[0][..36]);
        Assert.Equal("final_conv.bias", network.TensorNames[^1]);
    }

    [Theory]
    [InlineData(2, 9)]
    [InlineData(3, 23)]
    [InlineData(4, 51)]
    [InlineData(5, 107)]
    public void Reach_WithPoolsOfTwo_IsThatOfTheLevels(int levels, int reach) =>
        Assert.Equal((new Int3(reach, reach, reach), Int3.One.Map(_ => 1 << (levels - 1))), Reach.Of(new UNetArchitecture { Levels = levels }));

    /// <summary>A changed plane changes what is within its reach and nothing beyond, wherever it lies in its cell of the grid.</summary>
    [Theory]
    [MemberData(nameof(Variants))]
    public void Reach_OfAnArchitecture_IsHowFarAPlaneChangesTheOutput(string variant)
    {
        var a = TestNetworks.Architectures[variant] with { FMaps = 2, Groups = 1, Order = LayerOrder.Cbr };
        var (reach, grid) = Reach.Of(a);
        using var network = Network.Create(a, 1, seed: 3);
        using var scope = NewDisposeScope();
        using var still = no_grad();

        // Positive weights, each sum 1, in double precision: no influence is lost in a ReLU or in rounding.
        network.Module.to(ScalarType.Float64);
        foreach (var (_, weight) in network.Module.State().Where(t => t.Tensor.dim() == 5))
            weight.abs_().add_(0.05).div_(weight.sum([1, 2, 3, 4], keepdim: true));
        for (var axis = 0; axis < 3; axis++)
        {
            var cells = ((2 * reach[axis]) / grid[axis]) + 5;
            var size = grid.Map(g => 2 * g).Sizes();
            size[axis] = cells * grid[axis];
            var before = network.Module.forward(ones([1, 1, .. size], ScalarType.Float64));
            var farthest = 0L;
            for (var at = cells / 2 * grid[axis]; at < ((cells / 2) + 1) * grid[axis]; at++)
            {
                using var step = NewDisposeScope();
                var voxels = ones([1, 1, .. size], ScalarType.Float64);
                voxels.select(2 + axis, at).fill_(9);
                var changed = (network.Module.forward(voxels) - before).ne(0).transpose(2, 2 + axis).flatten(3).any(3).flatten().data<bool>().ToArray();
                Assert.Contains(true, changed);
                farthest = Math.Max(farthest, Math.Max(at - Array.IndexOf(changed, true), Array.LastIndexOf(changed, true) - at));
            }

            Assert.Equal(reach[axis], farthest);
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Forward_BesidePytorch_GivesItsLogits(string variant)
    {
        var a = TestNetworks.Architectures[variant];
        var size = new Int3(16, 24, 40).RoundUpTo(a.Grid());
        var voxels = new float[size.Count];
        var random = new Random(3);
        foreach (ref var voxel in voxels.AsSpan())
            voxel = (float)((random.NextDouble() * 4) - 2);
        using (var made = Network.Create(a, 3, seed: 1))
            File.WriteAllBytes(In("made"), made.ToBytes("""{"name":"a test"}"""));
        File.WriteAllBytes(In("voxels"), MemoryMarshal.AsBytes(voxels.AsSpan()));
        Python.Run("forward_reference.py", In("made"), In("model"), In("voxels"), FormattableString.Invariant($"{size.Z},{size.Y},{size.X}"), In("logits"));

        using var network = Network.Load(In("model"));
        Assert.Equal("""{"name":"a test"}""", network.CardJson);
        using var block = tensor(voxels).reshape([1, 1, .. size.Sizes()]);
        using var logits = network.Module.forward(block);
        var expected = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(In("logits")));
        var got = logits.data<float>().ToArray();
        Assert.Equal(expected.Length, got.Length);
        var farthest = 0f;
        for (var i = 0; i < got.Length; i++)
            farthest = Math.Max(farthest, Math.Abs(got[i] - expected[i]));
        Assert.InRange(farthest, 0, 1e-4f);
        Assert.Equal(File.ReadAllBytes(In("model"))[^1000..], network.ToBytes(null)[^1000..]);
    }

    [Fact]
    public void Create_WithTheSameSeed_GivesTheSameBytes()
    {
        var a = TestNetworks.Architectures["gcr"];
        using var one = Network.Create(a, 2, seed: 7);
        using var same = Network.Create(a, 2, seed: 7);
        using var other = Network.Create(a, 2, seed: 8);
        Assert.Equal(one.ToBytes(null), same.ToBytes(null));
        Assert.NotEqual(one.ToBytes(null), other.ToBytes(null));
    }

    private string In(string name) => Path.Combine(_folder.FullName, name);
}
