// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Teravox.Contracts;
using static TorchSharp.torch;

namespace Teravox.Networks.Tests;

public sealed class UNet3DTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("teravox-networks-");

    public static TheoryData<string> Variants => [.. Architectures.Keys];

    private static Dictionary<string, UNetArchitecture> Architectures { get; } = new()
    {
        ["cbr"] = new() { Levels = 3, FMaps = 8 },
        ["gcr"] = new() { Levels = 3, FMaps = 16, Order = LayerOrder.Gcr },
        ["gcr, other groups"] = new() { Levels = 3, FMaps = 24, Groups = 4, Order = LayerOrder.Gcr },
        ["pools 1,2,2"] = new() { Levels = 4, FMaps = 8, Pool = [new(1, 2, 2), new(1, 2, 2), new(2, 2, 2)] },
        ["pools 3,1,2 2,4,1"] = new() { Levels = 3, FMaps = 8, Pool = [new(3, 1, 2), new(2, 4, 1)] },
        ["transposed"] = new() { Levels = 3, FMaps = 8, Upsample = Upsampling.Transposed, Pool = [new(1, 2, 2), new(2, 2, 2)] },
        ["transposed3"] = new() { Levels = 3, FMaps = 8, Upsample = Upsampling.Transposed3 },
        ["residual gcr transposed3"] = new() { Levels = 4, FMaps = 8, Residual = true, Order = LayerOrder.Gcr, Upsample = Upsampling.Transposed3 },
        ["residual transposed3 1,2,2"] = new() { Levels = 3, FMaps = 8, Residual = true, Upsample = Upsampling.Transposed3, Pool = [new(1, 2, 2), new(2, 2, 2)] },
        ["residual transposed"] = new() { Levels = 3, FMaps = 8, Residual = true, Upsample = Upsampling.Transposed },
    };

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

    /// <summary>What lies beyond the reach changes nothing, and what lies at its end does, wherever the voxel lies in its cell of the grid.</summary>
    [Theory]
    [MemberData(nameof(Variants))]
    public void Reach_OfAnArchitecture_IsWhatChangesAVoxel(string variant)
    {
        var a = Architectures[variant] with { FMaps = 2, Groups = 1, Order = LayerOrder.Cbr };
        var (reach, grid) = Reach.Of(a);
        using var network = Network.Create(a, 1, seed: 3);
        using var scope = NewDisposeScope();
        for (var axis = 0; axis < 3; axis++)
        {
            // A line along the axis, a cell of the grid wide in the others.
            var cells = ((2 * reach[axis]) / grid[axis]) + 5;
            var size = grid.Sizes();
            size[axis] *= cells;
            using var voxels = zeros([1, 1, .. size], requires_grad: true);
            var middle = (cells / 2) * grid[axis];
            var farthest = 0;
            for (var at = middle; at < middle + grid[axis]; at++)
            {
                using var output = network.Module.forward(rand([1, 1, .. size]).requires_grad_(false) + voxels);
                voxels.grad = null;
                output.select(2 + axis, at).sum().backward();
                var touched = voxels.grad!.abs().transpose(2, 2 + axis).flatten(3).sum(3).flatten().data<float>().ToArray();
                for (var i = 0; i < touched.Length; i++)
                {
                    if (touched[i] != 0)
                        farthest = Math.Max(farthest, Math.Abs(i - at));
                }
            }

            Assert.Equal(reach[axis], farthest);
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Forward_BesidePytorch_GivesItsLogits(string variant)
    {
        var a = Architectures[variant];
        var size = new Int3(16, 24, 40).RoundUpTo(a.Grid());
        var voxels = new float[size.Count];
        var random = new Random(3);
        foreach (ref var voxel in voxels.AsSpan())
            voxel = (float)((random.NextDouble() * 4) - 2);
        using (var made = Network.Create(a, 3, seed: 1))
            File.WriteAllBytes(In("made"), made.ToBytes("""{"name":"a test"}"""));
        File.WriteAllBytes(In("voxels"), MemoryMarshal.AsBytes(voxels.AsSpan()));
        Python.Run("forward_reference.py", Modules(), In("made"), In("model"), In("voxels"), FormattableString.Invariant($"{size.Z},{size.Y},{size.X}"), In("logits"));

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
        var a = Architectures["gcr"];
        using var one = Network.Create(a, 2, seed: 7);
        using var same = Network.Create(a, 2, seed: 7);
        using var other = Network.Create(a, 2, seed: 8);
        Assert.Equal(one.ToBytes(null), same.ToBytes(null));
        Assert.NotEqual(one.ToBytes(null), other.ToBytes(null));
    }

    private string In(string name) => Path.Combine(_folder.FullName, name);

    private static string Modules([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../compute/native/tests/parity"));
}
