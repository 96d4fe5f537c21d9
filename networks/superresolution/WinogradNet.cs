// SPDX-License-Identifier: Apache-2.0
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Teravox.Networks;

/// <summary>
/// ZSSR's network on the CPU, in plain C#: the convolutions of 64 to 64 channels are Winograd's, ReLU and its derivative happen on the
/// way, memory is kept from step to step. Libtorch's operators take more than twice as long: they multiply four times as much, since
/// oneDNN has Winograd's way for processors with AVX-512 only and libtorch never asks for it. The rounding of Winograd's way, 1e-6 or so
/// of a grey range, would matter to tiles that must agree, hence <see cref="Margin"/>; training does not feel it.
/// <para>All numbers lie in one array, a layer after the other, each as [tap][in][out].</para>
/// </summary>
internal sealed unsafe class WinogradNet(int threads) : ZssrNet
{
    private const int Middle = Layers - 2, MiddleWeights = 9 * Winograd.MatrixSize, All = (2 * EdgeLayers.Weights) + (Middle * MiddleWeights);
    private const int ElementsSize = Winograd.Elements * Winograd.MatrixSize, BlockSize = Winograd.Elements * Winograd.BlockStride;

    private readonly Workers _workers = new(threads);
    private readonly FlatAdam _adam = new(All);
    private readonly AlignedFloats _weights = new(All), _gradient = new(All);

    // Elements of every middle layer's taps, forth and back; then, for each worker, a block, its product, and sums of gradients.
    private readonly AlignedFloats _forth = new((long)Middle * ElementsSize), _back = new((long)Middle * ElementsSize);
    private readonly AlignedFloats _blocks = new((long)threads * BlockSize), _products = new((long)threads * BlockSize), _sums = new((long)threads * ElementsSize);
    private Features[] _features = [];

    /// <summary>Where the processor has what this is written for; elsewhere libtorch is faster.</summary>
    public static bool IsSupported => Vector256.IsHardwareAccelerated && Fma.IsSupported;

    // A Winograd tile rounds by all that it reads: six layers of whole tiles, and one pixel of the first and last layer.
    public override int Margin => Winograd.Tile * (Middle + 1);

    public override IReadOnlyList<float[]> Weights
    {
        get => Export(_weights.Span);
        set
        {
            Import(value, _weights.Span);
            _adam.Forget();
            Transform();
        }
    }

    public override IReadOnlyList<float[]> Gradients => Export(_gradient.Span);

    private static Span<float> First(AlignedFloats all) => all.Span[..EdgeLayers.Weights];

    private static Span<float> Last(AlignedFloats all) => all.Span[^EdgeLayers.Weights..];

    public override double Learn(Plane input, Plane target, Plane inside, int count)
    {
        // What comes out of layers 0 to 6 after ReLU, then the gradients of two neighbouring layers in turn.
        var features = FeaturesFor(input, Middle + 3);
        var bordered = EdgeLayers.Bordered(input);
        EdgeLayers.Spread(_workers, bordered, First(_weights).ToArray(), null, features[0]);
        for (var i = 0; i < Middle; i++)
            Convolve(features[i], _forth.Data + (i * ElementsSize), features[i + 1], null);
        var output = new Plane(input.Shape);
        EdgeLayers.Gather(_workers, features[Middle], Last(_weights).ToArray(), output);

        var pull = new Plane(input.Shape);
        var loss = LossOf(output, input, target, inside, count, pull);
        if (!double.IsFinite(loss))
            return double.NaN;

        var pullBordered = EdgeLayers.Bordered(pull);
        EdgeLayers.Reversed(EdgeLayers.Correlate(_workers, features[Middle], pullBordered)).CopyTo(Last(_gradient));
        var (now, next) = (features[Middle + 1], features[Middle + 2]);
        EdgeLayers.Spread(_workers, pullBordered, EdgeLayers.Reversed(Last(_weights)), features[Middle], now);
        for (var i = Middle - 1; i >= 0; i--)
        {
            GradientOf(features[i], now, MiddleOf(_gradient, i));
            Convolve(now, _back.Data + (i * ElementsSize), next, features[i]);
            (now, next) = (next, now);
        }

        EdgeLayers.Correlate(_workers, now, bordered).CopyTo(First(_gradient));
        return AllFinite(_gradient.Span) ? loss : double.NaN;
    }

    public override void Update(double rate)
    {
        _adam.Step(_gradient.Span, rate, _weights.Span);
        Transform();
    }

    public override Plane Forward(Plane input)
    {
        var features = FeaturesFor(input, 2);
        var (from, to) = (features[0], features[1]);
        EdgeLayers.Spread(_workers, EdgeLayers.Bordered(input), First(_weights).ToArray(), null, from);
        for (var i = 0; i < Middle; i++)
        {
            Convolve(from, _forth.Data + (i * ElementsSize), to, null);
            (from, to) = (to, from);
        }

        var output = new Plane(input.Shape);
        EdgeLayers.Gather(_workers, from, Last(_weights).ToArray(), output);
        Rows.AddScaled(output.Pixels, input.Pixels, 1);
        return output;
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        foreach (var numbers in (AlignedFloats[])[_weights, _gradient, _forth, _back, _blocks, _products, _sums])
            numbers.Dispose();
        foreach (var features in _features)
            features.Dispose();
    }

    // Of |output + input - target| over the pixels inside: the mean, and its gradient into `pull`.
    private static double LossOf(Plane output, Plane input, Plane target, Plane inside, int count, Plane pull)
    {
        var share = (float)(1 / (double)count);
        double loss = 0;
        for (var k = 0; k < pull.Pixels.Length; k++)
        {
            var d = inside.Pixels[k] != 0 ? output.Pixels[k] + input.Pixels[k] - target.Pixels[k] : 0;
            loss += Math.Abs(d);
            pull.Pixels[k] = d > 0 ? share : d < 0 ? -share : 0;
        }

        return loss / count;
    }

    // A sum of finite numbers of these sizes is finite; infinity and NaN carry through it.
    private static bool AllFinite(ReadOnlySpan<float> numbers)
    {
        var sum = Vector<float>.Zero;
        foreach (var part in MemoryMarshal.Cast<float, Vector<float>>(numbers))
            sum += part;
        return float.IsFinite(Vector.Sum(sum));
    }

    private static float* MiddleOf(AlignedFloats all, int index) => all.Data + EdgeLayers.Weights + (index * MiddleWeights);

    // Makes the elements of the middle layers' taps anew.
    private void Transform() => _workers.Run(Middle, (_, i) =>
    {
        var taps = MiddleOf(_weights, i);
        Winograd.OfTaps(taps, _forth.Data + (i * ElementsSize));

        // The convolution's transpose has its taps in reverse order, and what goes in comes out.
        using var turned = new AlignedFloats(MiddleWeights);
        for (var t = 0; t < 9; t++)
        {
            for (var a = 0; a < Channels; a++)
            {
                for (var b = 0; b < Channels; b++)
                    turned.Data[((8 - t) * Winograd.MatrixSize) + (b * Channels) + a] = taps[(t * Winograd.MatrixSize) + (a * Channels) + b];
            }
        }

        Winograd.OfTaps(turned.Data, _back.Data + (i * ElementsSize));
    });

    // Features of the image's shape, at least so many.
    private Features[] FeaturesFor(Plane image, int count)
    {
        if (_features.Length < count || (_features[0].Y, _features[0].X) != image.Shape)
        {
            foreach (var features in _features)
                features.Dispose();
            _features = [];
            _features = [.. Enumerable.Range(0, count).Select(_ => new Features(image.Y, image.X))];
        }

        return _features;
    }

    private static (int First, int Count) TilesOf(Features features, int block)
    {
        var first = block * Winograd.Block;
        return (first, Math.Min(Winograd.Block, Winograd.TilesOf(features) - first));
    }

    private static int BlocksOf(Features features) => (Winograd.TilesOf(features) + Winograd.Block - 1) / Winograd.Block;

    // One layer of 64 to 64 channels, and its ReLU or, with kept features, that of the layer before it on the way back.
    private void Convolve(Features from, float* taps, Features to, Features? kept) => _workers.Run(BlocksOf(from), (worker, block) =>
    {
        var (first, count) = TilesOf(from, block);
        float* rows = _blocks.Data + (worker * (long)BlockSize), product = _products.Data + (worker * (long)BlockSize);
        Winograd.OfPatches(from, first, count, rows);
        Winograd.Multiply(rows, taps, product, count);
        Winograd.ToTiles(product, first, count, to, kept);
    });

    // Every worker sums over its share of the blocks, and the shares are added in order: the same threads give the same bytes.
    private void GradientOf(Features from, Features pull, float* gradient)
    {
        var blocks = BlocksOf(from);
        _workers.Each(worker =>
        {
            float* rows = _blocks.Data + (worker * (long)BlockSize), pulls = _products.Data + (worker * (long)BlockSize);
            var sums = _sums.Span.Slice(worker * ElementsSize, ElementsSize);
            sums.Clear();
            for (var block = blocks * worker / _workers.Count; block < blocks * (worker + 1) / _workers.Count; block++)
            {
                var (first, count) = TilesOf(from, block);
                Winograd.OfPatches(from, first, count, rows);
                Winograd.OfPulls(pull, first, count, pulls);
                Winograd.Accumulate(rows, pulls, count, _sums.Data + (worker * (long)ElementsSize));
            }
        });
        for (var worker = 1; worker < _workers.Count; worker++)
            Rows.AddScaled(_sums.Span[..ElementsSize], _sums.Span.Slice(worker * ElementsSize, ElementsSize), 1);
        Winograd.ToTaps(_sums.Data, gradient);
    }

    // From [tap][in][out] to PyTorch's (out, in, tap).
    private static IReadOnlyList<float[]> Export(ReadOnlySpan<float> all)
    {
        var result = new float[Layers][];
        for (var layer = 0; layer < Layers; layer++)
        {
            var (from, to) = ChannelsOf(layer);
            var own = all[..(9 * from * to)];
            all = all[own.Length..];
            result[layer] = new float[own.Length];
            for (var k = 0; k < own.Length; k++)
                result[layer][(k % to * from * 9) + (k / to % from * 9) + (k / to / from)] = own[k];
        }

        return result;
    }

    private static void Import(IReadOnlyList<float[]> layers, Span<float> all)
    {
        for (var layer = 0; layer < Layers; layer++)
        {
            var (from, to) = ChannelsOf(layer);
            var own = all[..(9 * from * to)];
            all = all[own.Length..];
            for (var k = 0; k < own.Length; k++)
                own[k] = layers[layer][(k % to * from * 9) + (k / to % from * 9) + (k / to / from)];
        }
    }
}
