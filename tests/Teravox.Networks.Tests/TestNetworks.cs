// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using static TorchSharp.torch;

namespace Teravox.Networks.Tests;

/// <summary>Small networks of every kind.</summary>
internal static class TestNetworks
{
    public static TheoryData<string> Variants => [.. Architectures.Keys];

    public static Dictionary<string, UNetArchitecture> Architectures { get; } = new()
    {
        ["cbr"] = new() { Levels = 3, FMaps = 8 },
        ["cbr of 5 maps"] = new() { Levels = 3, FMaps = 5 },
        ["cbr of 4 levels"] = new() { Levels = 4, FMaps = 4 },
        ["pools 1,2,2"] = new() { Levels = 4, FMaps = 8, Pool = [new(1, 2, 2), new(1, 2, 2), new(2, 2, 2)] },
        ["pools 3,1,2 2,4,1"] = new() { Levels = 3, FMaps = 8, Pool = [new(3, 1, 2), new(2, 4, 1)] },
        ["transposed"] = new() { Levels = 3, FMaps = 8, Upsample = Upsampling.Transposed, Pool = [new(1, 2, 2), new(2, 2, 2)] },
        ["transposed 3,1,2"] = new() { Levels = 3, FMaps = 8, Upsample = Upsampling.Transposed, Pool = [new(3, 1, 2), new(2, 2, 2)] },
        ["transposed3"] = new() { Levels = 3, FMaps = 8, Upsample = Upsampling.Transposed3 },
        ["residual transposed3 1,2,2"] = new() { Levels = 3, FMaps = 8, Residual = true, Upsample = Upsampling.Transposed3, Pool = [new(1, 2, 2), new(2, 2, 2)] },
        ["residual transposed"] = new() { Levels = 3, FMaps = 16, Residual = true, Upsample = Upsampling.Transposed },
        ["residual of 1 map"] = new() { Levels = 3, FMaps = 1, Residual = true, Upsample = Upsampling.Transposed },
        ["gcr"] = new() { Levels = 3, FMaps = 16, Order = LayerOrder.Gcr },
        ["gcr, other groups"] = new() { Levels = 3, FMaps = 24, Groups = 4, Order = LayerOrder.Gcr },
        ["gcr transposed 1,2,2"] = new() { Levels = 3, FMaps = 8, Order = LayerOrder.Gcr, Upsample = Upsampling.Transposed, Pool = [new(2, 2, 2), new(1, 2, 2)] },
        ["residual gcr transposed3"] = new() { Levels = 4, FMaps = 8, Residual = true, Order = LayerOrder.Gcr, Upsample = Upsampling.Transposed3 },
    };

    /// <summary>A network whose norms are those of a trained one: none of their numbers is 0 or 1.</summary>
    public static Network Make(UNetArchitecture a, int outChannels)
    {
        var network = Network.Create(a, outChannels, seed: 5);
        using var generator = new Generator(6);
        using var still = no_grad();
        foreach (var (name, tensor) in network.Module.State())
        {
            if (name.EndsWith("running_mean", StringComparison.Ordinal) || name.EndsWith("norm.bias", StringComparison.Ordinal))
                tensor.uniform_(-0.3, 0.3, generator);
            else if (name.EndsWith("running_var", StringComparison.Ordinal) || name.EndsWith("norm.weight", StringComparison.Ordinal))
                tensor.uniform_(0.5, 1.5, generator);
        }

        return network;
    }

    /// <summary>Bytes that a seed determines.</summary>
    public static byte[] Bytes(long count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
