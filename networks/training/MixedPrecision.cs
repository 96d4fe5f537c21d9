// SPDX-License-Identifier: Apache-2.0
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Teravox.Networks;

/// <summary>
/// Layers that compute in the type of their input. Weights stay float32: they are cast on the way, and autograd brings their gradients back: with their channels
/// next to each other in memory, which tensor cores read without rearranging them.
/// TorchSharp has no autocast. For float32 features these are the layers' own forwards.
/// </summary>
internal static class MixedPrecision
{
    public static Tensor Apply(this Conv3d conv, Tensor x) => OneDnnConvolution.Fits(x, conv.weight!) ? OneDnnConvolution.apply(x, conv.weight!)
        : x.dtype == conv.weight!.dtype ? conv.forward(x)
        : functional.conv3d(x, OneDnnConvolution.ChannelsLast(conv.weight.to(x.dtype)), conv.bias?.to(x.dtype), padding: [.. conv.kernel_size.Select(k => k / 2)]);

    public static Tensor Apply(this ConvTranspose3d conv, Tensor x) => x.dtype == conv.weight!.dtype
        ? conv.forward(x)
        : functional.conv_transpose3d(x, OneDnnConvolution.ChannelsLast(conv.weight.to(x.dtype)), strides: conv.stride, padding: conv.padding);

    /// <summary>Group norm has no kernel for weights of another type on a GPU. Batch norm has, and needs no cast.</summary>
    public static Tensor Apply(this GroupNorm norm, Tensor x) => x.dtype == norm.weight!.dtype
        ? norm.forward(x)
        : norm.forward(x.to(norm.weight.dtype)).to(x.dtype);
}
