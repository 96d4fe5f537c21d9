// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using TorchSharp;
using static TorchSharp.torch;

namespace Teravox.Networks;

/// <summary>
/// Convolutions of float32 features on the CPU by oneDNN, channels next to each other in memory. PyTorch's own choice takes oneDNN for
/// large tensors alone: for few channels, small patches and the coarse levels it copies each voxel's neighbours side by side and multiplies
/// matrices, which takes two to ten times as long.
/// </summary>
internal sealed class OneDnnConvolution : autograd.SingleTensorFunction<OneDnnConvolution>
{
    // PyTorch takes oneDNN for one block from here on: channels times the sizes along z and y (ConvParams::use_mkldnn).
    private const long AlwaysFrom = 20_481;
    private const string OfInput = "input";

    // TorchScript, since TorchSharp has no such functions. A mistake in the text ends the process, so tests run each of them.
    private static readonly Lazy<jit.CompilationUnit> Script = new(() => jit.compile(
        """
        def convolution(x: Tensor, weight: Tensor, bias: Optional[Tensor], depth: int, height: int, width: int) -> Tensor:
            return torch.mkldnn_convolution(x, weight, bias, [depth, height, width], [1, 1, 1], [1, 1, 1], 1)

        def of_input(gradient: Tensor, x: Tensor, weight: Tensor) -> Tensor:
            g, w, b = torch.convolution_backward(gradient, x, weight, None, [1, 1, 1], [1, 1, 1], [1, 1, 1], False, [0, 0, 0], 1, [True, False, False])
            return g

        def of_weight(gradient: Tensor, x: Tensor, weight: Tensor) -> Tensor:
            g, w, b = torch.convolution_backward(gradient, x, weight, None, [1, 1, 1], [1, 1, 1], [1, 1, 1], False, [0, 0, 0], 1, [False, True, False])
            return w

        def for_onednn(x: Tensor) -> Tensor:
            return x.to_mkldnn()

        def for_all(x: Tensor) -> Tensor:
            return x.to_dense()

        """));

    public override string Name => nameof(OneDnnConvolution);

    /// <summary>Whether it can be used.</summary>
    public static bool Fits(Tensor x, Tensor weight) =>
        x.device.type == DeviceType.CPU && x.dtype == ScalarType.Float32 && weight.dtype == ScalarType.Float32 && weight.shape[^1] > 1;

    /// <summary>A convolution outside of autograd. In memory, x or the weight has its channels next to each other, and so has what comes out.</summary>
    /// <param name="x">(batch, channels, z, y, x).</param>
    /// <param name="weight">(out, in, z, y, x).</param>
    /// <param name="bias">(out), or null.</param>
    /// <param name="padding">Zeros at both ends of each axis.</param>
    public static Tensor Convolve(Tensor x, Tensor weight, Tensor? bias, Int3 padding) =>
        Script.Value.invoke<Tensor>("convolution", x, weight, bias!, padding.Z, padding.Y, padding.X);

    /// <summary>The same weights with the input's channels next to each other in memory.</summary>
    public static Tensor ChannelsLast(Tensor weight) => weight.permute(0, 2, 3, 4, 1).contiguous().permute(0, 4, 1, 2, 3);

    /// <summary>With padding 1: vars are x (batch, channels, z, y, x) and the weight (out, in, 3, 3, 3).</summary>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, weight) = ((Tensor)vars[0], (Tensor)vars[1]);
        ctx.save_for_backward([x, weight]);
        ctx.save_data(OfInput, x.requires_grad);
        using var last = ChannelsLast(weight);
        return Convolve(x, last, null, Int3.One);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var saved = ctx.get_saved_variables();
        var (x, weight) = (saved[0], saved[1]);
        var small = x.shape[0] == 1 && x.shape[1] * x.shape[2] * x.shape[3] < AlwaysFrom;

        // PyTorch takes oneDNN for tensors that are oneDNN's own, whatever their size. Large ones it takes as they are, faster with channels last.
        var (g, input) = small ? (Call("for_onednn", grad_output), Call("for_onednn", x)) : (ChannelsLast(grad_output), ChannelsLast(x));
        var ofWeight = WeightGradient.Fits(x.shape[1], weight.shape[0])
            ? WeightGradient.Of(ChannelsLast(x), ChannelsLast(grad_output), get_num_threads())
            : Call("of_weight", g, input, weight);
        Tensor? ofInput = null;
        if ((bool)ctx.get_data(OfInput))
        {
            ofInput = Call("of_input", g, input, weight);
            if (small)
                ofInput = Call("for_all", ofInput);
        }

        return [ofInput?.MoveToOuterDisposeScope()!, ofWeight.MoveToOuterDisposeScope()];
    }

    private static Tensor Call(string function, params object[] tensors) => Script.Value.invoke<Tensor>(function, tensors);
}
