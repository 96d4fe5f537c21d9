// SPDX-License-Identifier: Apache-2.0
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Teravox.Networks.Tests;

public sealed class WeightGradientTests
{
    [Theory]
    [InlineData(1, 1, 8, 5, 6, 7)]
    [InlineData(1, 8, 16, 4, 9, 5)]
    [InlineData(2, 16, 8, 3, 5, 4)]
    [InlineData(1, 24, 5, 3, 8, 8)]
    [InlineData(1, 6, 24, 3, 8, 8)]
    [InlineData(1, 48, 16, 2, 70, 9)]
    [InlineData(2, 40, 40, 1, 1, 1)]
    [InlineData(1, 64, 32, 2, 3, 200)]
    public void Of_AnyShape_IsThatOfAutograd(int batch, int from, int to, int z, int y, int x)
    {
        _ = Libtorch.Folder;
        if (!WeightGradient.Fits(from, to))
            Assert.Skip("the processor has AVX-512, for which oneDNN has kernels, or no AVX2");
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        var input = Normal(random, batch, from, z, y, x);
        var gradient = Normal(random, batch, to, z, y, x);

        // In double: the sum's order does not show.
        var weight = zeros([to, from, 3, 3, 3], ScalarType.Float64, requires_grad: true);
        functional.conv3d(input.to(ScalarType.Float64), weight, padding: [1, 1, 1]).backward([gradient.to(ScalarType.Float64)]);
        foreach (var threads in (int[])[1, 2])
        {
            var got = WeightGradient.Of(OneDnnConvolution.ChannelsLast(input), OneDnnConvolution.ChannelsLast(gradient), threads);
            Assert.Equal([to, from, 3, 3, 3], got.shape);
            var farthest = (got.to(ScalarType.Float64) - weight.grad!).abs().max().item<double>();
            Assert.InRange(farthest, 0, 5e-6 * Math.Sqrt(batch * z * y * x) + 1e-6);
        }
    }

    private static Tensor Normal(Generator random, params long[] shape) => randn(shape, generator: random);
}
