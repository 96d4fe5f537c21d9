// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks;

/// <summary>
/// ZSSR's network: eight 3 x 3 convolutions, 64 channels, ReLU between them, no bias, added to its input. Weights and gradients are given
/// as PyTorch has them, a layer after the other: (out, in, 3, 3).
/// </summary>
internal abstract class ZssrNet : IDisposable
{
    /// <summary>Reach: pixels to each side that can change an output pixel.</summary>
    public const int Layers = 8, Channels = 64, Reach = Layers;

    /// <summary>Tiles of <see cref="ForwardTiled"/> begin at multiples of this.</summary>
    public const int Grid = 4;

    private const ulong Purpose = 0x1e167;
    private const double Variance = .1;

    /// <summary>
    /// Pixels around a tile that are computed with it, so that the tile's pixels are those of the whole image to the last bit.
    /// </summary>
    public virtual int Margin => Reach;

    /// <summary>Weights of the layers. Setting them forgets Adam's moments.</summary>
    public abstract IReadOnlyList<float[]> Weights { get; set; }

    /// <summary>Gradients of the last <see cref="Learn"/>, for comparisons.</summary>
    public abstract IReadOnlyList<float[]> Gradients { get; }

    /// <summary>The fastest for a device ("cpu", "cuda:0").</summary>
    public static ZssrNet Best(string device, int threads)
    {
        if (device == "cpu" && WinogradNet.IsSupported)
            return new WinogradNet(threads);
        return new TorchNet(device, threads);
    }

    /// <summary>
    /// Small random weights of the published variance, 0.1 / (9 * input channels): an untrained network adds almost nothing to its input.
    /// </summary>
    public static IReadOnlyList<float[]> InitialWeights(ulong seed) => [.. Enumerable.Range(0, Layers).Select(layer =>
    {
        var (from, to) = ChannelsOf(layer);
        var weights = new float[to * from * 9];
        var sigma = (float)Math.Sqrt(Variance / (9 * from));
        var random = new RandomStream(seed, (ulong)layer, Purpose);
        for (var i = 0; i < weights.Length; i += 2)
        {
            var (first, second) = random.NormalPair((ulong)i / 2);
            weights[i] = sigma * first;
            weights[i + 1] = sigma * second;
        }

        return weights;
    })];

    /// <summary>Channels that go into a layer and come out.</summary>
    public static (int In, int Out) ChannelsOf(int layer) => (layer == 0 ? 1 : Channels, layer == Layers - 1 ? 1 : Channels);

    /// <summary>
    /// The mean absolute difference between the output and the target over the pixels where <paramref name="inside"/> is 1
    /// (<paramref name="count"/> of them, above 0), and its gradients, which are kept for <see cref="Update"/>. NaN where the loss or a
    /// gradient is not finite.
    /// </summary>
    public abstract double Learn(Plane input, Plane target, Plane inside, int count);

    /// <summary>One step of Adam (Kingma and Ba 2015, algorithm 1; as torch.optim.Adam) with the gradients of the last <see cref="Learn"/>.</summary>
    public abstract void Update(double rate);

    /// <summary>The output for the whole image at once.</summary>
    public abstract Plane Forward(Plane input);

    /// <summary>
    /// <see cref="Forward"/> in tiles of at most <paramref name="tile"/> pixels a side, a multiple of <see cref="Grid"/>, with what they
    /// need around each: the result is that of the whole image.
    /// </summary>
    public Plane ForwardTiled(Plane input, int tile, CancellationToken ct)
    {
        if (input.Y <= tile && input.X <= tile)
        {
            ct.ThrowIfCancellationRequested();
            return Forward(input);
        }

        var result = new Plane(input.Shape);
        for (var top = 0; top < input.Y; top += tile)
        {
            for (var left = 0; left < input.X; left += tile)
            {
                ct.ThrowIfCancellationRequested();
                var (rows, columns) = (Math.Min(tile, input.Y - top), Math.Min(tile, input.X - left));
                var (y, x) = (Math.Max(0, top - Margin), Math.Max(0, left - Margin));
                var part = new Plane(Math.Min(input.Y, top + rows + Margin) - y, Math.Min(input.X, left + columns + Margin) - x);
                for (var i = 0; i < part.Y; i++)
                    input.Row(y + i).Slice(x, part.X).CopyTo(part.Row(i));
                var output = Forward(part);
                for (var i = 0; i < rows; i++)
                    output.Row(top - y + i).Slice(left - x, columns).CopyTo(result.Row(top + i)[left..]);
            }
        }

        return result;
    }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}
