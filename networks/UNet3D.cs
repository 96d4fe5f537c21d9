// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Teravox.Networks;

/// <summary>
/// A 3D U-Net as pytorch-3dunet builds it (arXiv 1606.06650). Its tensors have the names and the order of pytorch-3dunet's state_dict.
/// Features have the shape (batch, channels, z, y, x). No activation follows the last convolution: it gives logits.
/// </summary>
internal sealed class UNet3D : Module<Tensor, Tensor>
{
    private readonly ModuleList<Encoder> encoders;
    private readonly ModuleList<Decoder> decoders;
    private readonly Conv3d final_conv;

    /// <summary>Weights are PyTorch's defaults, but of a generator of their own: a seed gives the same ones in every process.</summary>
    /// <exception cref="InputException">The architecture cannot be built.</exception>
    public UNet3D(UNetArchitecture a, int outChannels, ulong seed)
        : base(nameof(UNet3D))
    {
        a.Check(outChannels);

        // 1. Down: each level halves the grid and doubles the maps.
        encoders = new([.. Enumerable.Range(0, a.Levels).Select(level => new Encoder(a, level))]);

        // 2. Up: each level joins what comes from below with what the encoder of its own level has seen.
        decoders = new([.. Enumerable.Range(0, a.Levels - 1).Reverse().Select(level => new Decoder(a, level))]);

        // 3. Features to classes, voxel by voxel.
        final_conv = Conv3d(a.Channels(0), outChannels, kernel_size: 1);
        RegisterComponents();
        Initialise(seed);
    }

    /// <summary>Logits (batch, classes, z, y, x) of standardised voxels (batch, 1, z, y, x); each axis a multiple of the grid.</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var skips = new Stack<Tensor>();
        var x = input;
        foreach (var encoder in encoders)
            skips.Push(x = encoder.forward(x));
        skips.Pop();
        foreach (var decoder in decoders)
            x = decoder.forward(skips.Pop(), x);
        return final_conv.Apply(x).MoveToOuterDisposeScope();
    }

    /// <summary>Its parameters and buffers, by name, in the order of PyTorch's state_dict: TorchSharp's own lists buffers last.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> State()
    {
        return Of(this, "");

        static IEnumerable<(string, Tensor)> Of(Module module, string prefix) =>
            module.named_parameters(false).Select(p => (prefix + p.name, (Tensor)p.parameter))
                .Concat(module.named_buffers(false).Select(b => (prefix + b.name, b.buffer)))
                .Concat(module.named_children().SelectMany(child => Of(child.module, $"{prefix}{child.name}.")));
    }

    // PyTorch's kaiming_uniform with a = sqrt(5). A bias shares the range of its weight. PyTorch counts dimension 1 as what goes in, for
    // transposed convolutions, too.
    private void Initialise(ulong seed)
    {
        using var generator = new Generator(seed);
        using var still = no_grad();
        double fanIn = 1;
        foreach (var (name, tensor) in named_parameters())
        {
            if (name.Contains("norm.", StringComparison.Ordinal))
            {
                // TorchSharp's group norm leaves them as it found the memory.
                tensor.fill_(name.EndsWith("weight", StringComparison.Ordinal) ? 1 : 0);
                continue;
            }

            if (tensor.dim() > 1)
                fanIn = tensor.numel() / tensor.shape[0];
            tensor.uniform_(-1 / Math.Sqrt(fanIn), 1 / Math.Sqrt(fanIn), generator);
        }
    }

    /// <summary>A convolution with its norm: convolution, batch norm, ReLU; or group norm, convolution, ReLU.</summary>
    private sealed class SingleConv : Module<Tensor, Tensor>
    {
        private readonly GroupNorm? groupnorm;
        private readonly Conv3d conv;
        private readonly BatchNorm3d? batchnorm;
        private readonly bool _relu;

        public SingleConv(UNetArchitecture a, int from, int to, bool relu = true)
            : base(nameof(SingleConv))
        {
            groupnorm = a.Order == LayerOrder.Gcr ? GroupNorm(a.GroupsFor(from), from) : null;
            conv = Conv3d(from, to, kernel_size: 3, padding: 1, bias: false);
            batchnorm = a.Order == LayerOrder.Cbr ? BatchNorm3d(to) : null;
            _relu = relu;
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            x = conv.Apply(groupnorm?.Apply(x) ?? x);
            x = batchnorm?.forward(x) ?? x;
            return _relu ? functional.relu(x, inplace: true) : x;
        }
    }

    /// <summary>Two convolutions.</summary>
    private sealed class DoubleConv : Module<Tensor, Tensor>
    {
        private readonly SingleConv SingleConv1, SingleConv2;

        public DoubleConv(UNetArchitecture a, BlockChannels c)
            : base(nameof(DoubleConv))
        {
            SingleConv1 = new(a, c.In, c.Middle);
            SingleConv2 = new(a, c.Middle, c.Out);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => SingleConv2.forward(SingleConv1.forward(x));
    }

    /// <summary>Two convolutions whose result is added to what goes in.</summary>
    private sealed class ResNetBlock : Module<Tensor, Tensor>
    {
        private readonly Conv3d? conv1;
        private readonly SingleConv conv2, conv3;

        public ResNetBlock(UNetArchitecture a, BlockChannels c)
            : base(nameof(ResNetBlock))
        {
            conv1 = c.In == c.Out ? null : Conv3d(c.In, c.Out, kernel_size: 1);
            conv2 = new(a, c.Out, c.Out);
            conv3 = new(a, c.Out, c.Out, relu: false);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            x = conv1?.Apply(x) ?? x;
            return functional.relu(conv3.forward(conv2.forward(x)) + x);
        }
    }

    private static Module<Tensor, Tensor> Block(UNetArchitecture a, BlockChannels c) => a.Residual ? new ResNetBlock(a, c) : new DoubleConv(a, c);

    /// <summary>Pooling, but at the finest level, and a block.</summary>
    private sealed class Encoder : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> basic_module;
        private readonly long[]? _pool;

        public Encoder(UNetArchitecture a, int level)
            : base(nameof(Encoder))
        {
            _pool = level == 0 ? null : a.PoolFactors()[level - 1].Sizes();
            basic_module = Block(a, a.EncoderBlock(level));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => basic_module.forward(_pool is null ? x : functional.max_pool3d(x, _pool));
    }

    /// <summary>Coarse features are brought to the skip's grid, joined with it (residual: added), and go through a block.</summary>
    private sealed class Decoder : Module<Tensor, Tensor, Tensor>
    {
        private readonly Upsampler? upsampling;
        private readonly Module<Tensor, Tensor> basic_module;
        private readonly bool _adds;

        public Decoder(UNetArchitecture a, int level)
            : base(nameof(Decoder))
        {
            upsampling = a.Upsample == Upsampling.Nearest ? null : new(a, level);
            basic_module = Block(a, a.DecoderBlock(level));
            _adds = a.Residual;
            RegisterComponents();
        }

        public override Tensor forward(Tensor skip, Tensor x)
        {
            var size = skip.shape[2..];
            x = upsampling?.forward(x, size) ?? functional.upsample_nearest3d(x, size);
            return basic_module.forward(_adds ? skip + x : cat([skip, x], 1));
        }
    }

    /// <summary>
    /// Transposed convolution to a given size. With kernel 3, pytorch-3dunet stretches its 2n - 1 outputs to 2n by nearest interpolation.
    /// The two modules give the name that pytorch-3dunet's nesting gives: upsampling.upsample.conv_transposed.
    /// </summary>
    private sealed class Upsampler : Module<Tensor, long[], Tensor>
    {
        private readonly Transposed upsample;

        public Upsampler(UNetArchitecture a, int level)
            : base(nameof(Upsampler))
        {
            upsample = new(a, level);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x, long[] size)
        {
            x = upsample.forward(x);
            return x.shape.AsSpan(2).SequenceEqual(size) ? x : functional.upsample_nearest3d(x, size);
        }

        private sealed class Transposed : Module<Tensor, Tensor>
        {
            private readonly ConvTranspose3d conv_transposed;

            public Transposed(UNetArchitecture a, int level)
                : base(nameof(Transposed))
            {
                var (kernel, stride) = (a.TransposedKernel(level), a.PoolFactors()[level]);
                var padding = a.Upsample == Upsampling.Transposed3 ? 1 : 0;
                conv_transposed = ConvTranspose3d(a.Channels(level + 1), a.Channels(level), kernel.Triple(), stride: stride.Triple(), padding: (padding, padding, padding), bias: false);
                RegisterComponents();
            }

            public override Tensor forward(Tensor x) => conv_transposed.Apply(x);
        }
    }
}

/// <summary>Shapes as TorchSharp takes them.</summary>
internal static class Shapes
{
    public static long[] Sizes(this Int3 size) => [size.Z, size.Y, size.X];

    public static (long Z, long Y, long X) Triple(this Int3 size) => (size.Z, size.Y, size.X);
}
