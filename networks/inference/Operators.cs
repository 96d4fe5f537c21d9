// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Contracts;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Teravox.Networks;

/// <summary>How a kind of device convolves. Features are (z, y, x, channels).</summary>
internal abstract class Operators
{
    /// <summary>What features and weights are.</summary>
    public abstract ScalarType Type { get; }

    /// <summary>Most elements of the finest encoder's features at a time.</summary>
    public abstract long EncoderElements { get; }

    /// <summary>Weights as the convolutions take them: channels last in memory, on the device, of <see cref="Type"/>.</summary>
    public Tensor Weight(Tensor weight) => OneDnnConvolution.ChannelsLast(weight).to(Type);

    /// <summary>A convolution, clipped at 0 if <paramref name="relu"/>.</summary>
    /// <param name="x">What goes in; may be a view.</param>
    /// <param name="conv">Its norm is not read.</param>
    /// <param name="padding">Zeros at both ends of each axis.</param>
    /// <param name="relu">Whether values below 0 become 0.</param>
    public abstract Tensor Convolve(Tensor x, FoldedConv conv, Int3 padding, bool relu);

    /// <summary>A convolution plus other values of the result's shape, clipped at 0.</summary>
    public abstract Tensor ConvolveAndAdd(Tensor x, FoldedConv conv, Int3 padding, Tensor other);

    /// <summary>A decoder's convolution over upsampled features, in the form that is fastest on the device.</summary>
    public abstract UpsampledConv Upsampled(Tensor weight, Int3 factors);

    /// <summary>PyTorch's own convolution.</summary>
    protected static Tensor Plain(Tensor x, FoldedConv conv, Int3 padding) =>
        Feature.OfTorch(functional.conv3d(Feature.ToTorch(x), conv.Weight, conv.Bias, padding: padding.Sizes()));
}

/// <summary>The CPU: float32, by oneDNN.</summary>
internal sealed class CpuOperators(long encoderBytes = 96L << 20) : Operators
{
    public override ScalarType Type => ScalarType.Float32;

    // An encoder holds one and a half times its features.
    public override long EncoderElements => encoderBytes / sizeof(float) * 2 / 3;

    public override Tensor Convolve(Tensor x, FoldedConv conv, Int3 padding, bool relu)
    {
        var y = OneDnnConvolution.Fits(x, conv.Weight)
            ? Feature.OfTorch(OneDnnConvolution.Convolve(Feature.ToTorch(x), conv.Weight, conv.Bias, padding))
            : Plain(x, conv, padding);
        return relu ? y.relu_() : y;
    }

    public override Tensor ConvolveAndAdd(Tensor x, FoldedConv conv, Int3 padding, Tensor other) => Convolve(x, conv, padding, relu: false).add_(other).relu_();

    public override UpsampledConv Upsampled(Tensor weight, Int3 factors) => ParityConv.Make(this, weight, factors);
}

/// <summary>
/// A GPU: float16, each convolution with its bias, what is added, and the clipping in one pass of cuDNN. Values beyond 65504 do not fit
/// float16, so such a tile is computed again in float32 by the plain operators.
/// </summary>
/// <param name="fused">False: PyTorch's plain operators, which run on any device, too.</param>
/// <param name="type">Float16, or float32 for what that does not hold.</param>
internal sealed class CudaOperators(bool fused, ScalarType type) : Operators
{
    // TorchScript, since TorchSharp has no such functions. A mistake in the text ends the process, so a test compiles it.
    private static readonly Lazy<jit.CompilationUnit> Script = new(() => jit.compile(
        """
        def convolve(x: Tensor, weight: Tensor, bias: Optional[Tensor], depth: int, height: int, width: int) -> Tensor:
            return torch.cudnn_convolution_relu(x, weight, bias, [1, 1, 1], [depth, height, width], [1, 1, 1], 1)

        def convolve_and_add(x: Tensor, weight: Tensor, bias: Optional[Tensor], other: Tensor, depth: int, height: int, width: int) -> Tensor:
            return torch.cudnn_convolution_add_relu(x, weight, other, 1.0, bias, [1, 1, 1], [depth, height, width], [1, 1, 1], 1)

        """));

    private readonly HashSet<nint> _unfused = [];

    public override ScalarType Type => type;

    // cuDNN counts a tensor's elements in 32 bits.
    public override long EncoderElements => 1L << 30;

    /// <summary>Compiles the text.</summary>
    public static void Compile() => _ = Script.Value;

    // The fused operators find no kernel for tensors that are not contiguous with channels last.
    public override Tensor Convolve(Tensor x, FoldedConv conv, Int3 padding, bool relu)
    {
        x = x.contiguous();
        if (!relu)
            return Plain(x, conv, padding);
        return Fused(conv, () => Script.Value.invoke<Tensor>("convolve", Feature.ToTorch(x), conv.Weight, conv.Bias!, padding.Z, padding.Y, padding.X))
            ?? Plain(x, conv, padding).relu_();
    }

    public override Tensor ConvolveAndAdd(Tensor x, FoldedConv conv, Int3 padding, Tensor other)
    {
        (x, other) = (x.contiguous(), other.contiguous());
        return Fused(conv, () => Script.Value.invoke<Tensor>("convolve_and_add", Feature.ToTorch(x), conv.Weight, conv.Bias!, Feature.ToTorch(other), padding.Z, padding.Y, padding.X))
            ?? Plain(x, conv, padding).add_(other).relu_();
    }

    public override UpsampledConv Upsampled(Tensor weight, Int3 factors) => TransposedConv.Make(this, weight, factors);

    // Null where cuDNN has no fused kernel for the convolution on this card: the plain operators do the same.
    private Tensor? Fused(FoldedConv conv, Func<Tensor> call)
    {
        if (!fused || _unfused.Contains(conv.Weight.Handle))
            return null;
        try
        {
            return Feature.OfTorch(call());
        }
        catch (ExternalException e) when (e.Message.Contains("unable to find an engine", StringComparison.Ordinal))
        {
            _unfused.Add(conv.Weight.Handle);
            return null;
        }
    }
}
