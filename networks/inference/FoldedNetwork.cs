// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using static TorchSharp.torch;

namespace Teravox.Networks;

/// <summary>
/// A convolution as inference uses it: batch norm lies in weight and bias, in double precision rounded once; group norm comes before it.
/// </summary>
/// <param name="Weight">(out, in, z, y, x), channels last in memory.</param>
/// <param name="Bias">(out), or null.</param>
/// <param name="Norm">Group norm of what goes in, or null.</param>
internal sealed record FoldedConv(Tensor Weight, Tensor? Bias, FoldedNorm? Norm = null);

/// <summary>Group norm.</summary>
internal sealed record FoldedNorm(int Groups, Tensor Weight, Tensor Bias);

/// <summary>Two convolutions. A residual block adds what goes in, or its projection, before the last ReLU.</summary>
internal sealed record FoldedBlock(FoldedConv First, FoldedConv Second, FoldedConv? Projection);

/// <summary>What brings coarse features to a finer level: the half of the first convolution over them by parity, or a transposed convolution.</summary>
internal sealed record FoldedDecoder(FoldedBlock Block, UpsampledConv? OfCoarse, Tensor? Transposed);

/// <summary>A network's weights in the form that inference uses, on one device.</summary>
internal sealed class FoldedNetwork : IDisposable
{
    private const double Epsilon = 1e-5; // PyTorch's for batch norm
    private readonly Dictionary<string, Tensor> _tensors;
    private readonly UNetArchitecture _a;
    private readonly Operators _operators;

    public FoldedNetwork(Network network, Device device, Operators operators)
    {
        (_a, _operators) = (network.Architecture, operators);
        using var still = no_grad();
        using var scope = NewDisposeScope();
        _tensors = network.Module.State().ToDictionary(t => t.Name, t => t.Tensor.to(device), StringComparer.Ordinal);
        Encoders = [.. Enumerable.Range(0, _a.Levels).Select(level => Block($"encoders.{level}.basic_module", _a.EncoderBlock(level)))];
        Decoders = [.. Enumerable.Range(0, _a.Levels - 1).Select(Decoder)];
        Final = new(operators.Weight(_tensors["final_conv.weight"]), Own("final_conv.bias"));
        _tensors.Clear();
        IsFinite = All().All(tensor => tensor.isfinite().all().item<bool>());
        foreach (var tensor in All())
            tensor.DetachFromDisposeScope();
    }

    /// <summary>Whether its type holds every weight: batch norm that divides by little can make weights that float16 does not hold.</summary>
    public bool IsFinite { get; }

    /// <summary>By level, the finest first.</summary>
    public FoldedBlock[] Encoders { get; }

    /// <summary>By the level whose features they give.</summary>
    public FoldedDecoder[] Decoders { get; }

    public FoldedConv Final { get; }

    public void Dispose()
    {
        foreach (var tensor in All())
            tensor.Dispose();
    }

    private IEnumerable<Tensor> All()
    {
        var blocks = Encoders.Concat(Decoders.Select(d => d.Block));
        var convs = blocks.SelectMany(b => (FoldedConv?[])[b.First, b.Second, b.Projection]).Append(Final).OfType<FoldedConv>();
        return convs.SelectMany(c => (Tensor?[])[c.Weight, c.Bias, c.Norm?.Weight, c.Norm?.Bias])
            .Concat(Decoders.SelectMany(d => (Tensor?[])[d.OfCoarse?.Weight, d.Transposed])).OfType<Tensor>();
    }

    private FoldedDecoder Decoder(int level)
    {
        var prefix = $"decoders.{_a.Levels - 2 - level}";
        var block = Block($"{prefix}.basic_module", _a.DecoderBlock(level));
        if (_a.Upsample != Upsampling.Nearest)
            return new(block, null, Own($"{prefix}.upsampling.upsample.conv_transposed.weight"));
        if (_a.Order == LayerOrder.Gcr)
            return new(block, null, null);

        // The first convolution is the sum of two: over the skip, and over what comes from below.
        var (fine, whole) = (_a.Channels(level), Folded($"{prefix}.basic_module.SingleConv1").Weight);
        var ofSkip = block.First with { Weight = _operators.Weight(whole.narrow(1, 0, fine)) };
        return new(block with { First = ofSkip }, _operators.Upsampled(whole.narrow(1, fine, whole.shape[1] - fine), _a.PoolFactors()[level]), null);
    }

    private FoldedBlock Block(string prefix, BlockChannels channels)
    {
        if (!_a.Residual)
            return new(Single(prefix + ".SingleConv1"), Single(prefix + ".SingleConv2"), null);
        var projection = channels.In == channels.Out ? null : new FoldedConv(_operators.Weight(_tensors[prefix + ".conv1.weight"]), Own(prefix + ".conv1.bias"));
        return new(Single(prefix + ".conv2"), Single(prefix + ".conv3"), projection);
    }

    private FoldedConv Single(string prefix)
    {
        if (_a.Order == LayerOrder.Gcr)
        {
            var gamma = Own(prefix + ".groupnorm.weight");
            return new(_operators.Weight(_tensors[prefix + ".conv.weight"]), null, new(_a.GroupsFor((int)gamma.shape[0]), gamma, Own(prefix + ".groupnorm.bias")));
        }

        var (weight, bias) = Folded(prefix);
        return new(_operators.Weight(weight), bias.to(_operators.Type));
    }

    // A convolution's weight and bias with its batch norm in them, float32.
    private (Tensor Weight, Tensor Bias) Folded(string prefix)
    {
        Tensor Number(string name) => _tensors[$"{prefix}.batchnorm.{name}"].to(ScalarType.Float64);
        var scale = Number("weight") / (Number("running_var") + Epsilon).sqrt();
        var bias = Number("bias") - (Number("running_mean") * scale);
        var weight = _tensors[prefix + ".conv.weight"].to(ScalarType.Float64) * scale.reshape(-1, 1, 1, 1, 1);
        return (weight.to(ScalarType.Float32), bias.to(ScalarType.Float32));
    }

    private Tensor Own(string name) => _tensors[name].to(_operators.Type, copy: true);
}
