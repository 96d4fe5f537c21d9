// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Teravox.Networks;

/// <summary>
/// A 3x3x3 convolution of features that are upsampled by nearest neighbour, computed from the coarse grid: no upsampled tensor is made,
/// and with factor 2 a voxel and channel takes 8 multiplications where the plain way takes 27.
/// </summary>
internal abstract class UpsampledConv(Tensor weight)
{
    public Tensor Weight => weight;

    /// <summary>
    /// The first convolution of a decoder, clipped at 0: that over the skip, plus this one over what comes from below. Both together are
    /// the convolution over their concatenation.
    /// </summary>
    /// <param name="operators">Of the device.</param>
    /// <param name="skip">What the skip's convolution reads.</param>
    /// <param name="ofSkip">With the bias of both.</param>
    /// <param name="padding">Of the skip.</param>
    /// <param name="coarse">What comes from below; it has all of the level that <paramref name="fine"/> needs.</param>
    /// <param name="fine">What is computed, in voxels of the finer level.</param>
    public abstract Tensor Join(Operators operators, Tensor skip, FoldedConv ofSkip, Int3 padding, Feature coarse, Region fine);
}

/// <summary>
/// As a convolution on the coarse grid. A fine voxel sees, along an axis, a window of two coarse voxels, with weights that depend
/// only on its place in its coarse voxel: its parity. One convolution with a filter for every parity gives all of them; spread out, they are the
/// fine grid.
/// </summary>
internal sealed class ParityConv : UpsampledConv
{
    private readonly Axis[] _axes;
    private readonly int _channels;

    // The weight is (parities * out, in, z, y, x), the parity (z, y, x) slowest.
    private ParityConv(Tensor weight, Axis[] axes, int channels)
        : base(weight) => (_axes, _channels) = (axes, channels);

    /// <param name="operators">Of the device.</param>
    /// <param name="weight">The 3x3x3 convolution's, (out, in, z, y, x).</param>
    /// <param name="factors">Of the upsampling.</param>
    public static ParityConv Make(Operators operators, Tensor weight, Int3 factors)
    {
        Axis[] axes = [new(factors.Z), new(factors.Y), new(factors.X)];
        var (to, from) = (weight.shape[0], weight.shape[1]);
        var plain = weight.to(ScalarType.Float64);

        // Summed in double and rounded once.
        var sums = zeros([axes[0].Parities, axes[1].Parities, axes[2].Parities, to, from, axes[0].Kernel, axes[1].Kernel, axes[2].Kernel], ScalarType.Float64);
        foreach (var z in axes[0].Taps())
        {
            foreach (var y in axes[1].Taps())
            {
                foreach (var x in axes[2].Taps())
                    sums[z.Parity, y.Parity, x.Parity].select(4, x.Window).select(3, y.Window).select(2, z.Window).add_(plain.select(4, x.Tap).select(3, y.Tap).select(2, z.Tap));
            }
        }

        return new(operators.Weight(sums.flatten(0, 3).to(ScalarType.Float32)), axes, (int)to);
    }

    public override Tensor Join(Operators operators, Tensor skip, FoldedConv ofSkip, Int3 padding, Feature coarse, Region fine)
    {
        using var scope = NewDisposeScope();
        var x = operators.Convolve(skip, ofSkip, padding, relu: false);
        var results = operators.Convolve(coarse.WithZeros(Reads(fine)), new(Weight, null), Int3.Zero, relu: false);
        Spread(results, x, fine);
        return x.relu_().MoveToOuterDisposeScope();
    }

    // The coarse voxels that the convolution of a fine region reads. Some have no weight: they may lie beyond what was computed.
    private Region Reads(Region fine) => fine.Map((interval, axis) => _axes[axis].Reads(interval));

    // Adds the convolution's results, (z, y, x, parities * channels) of the places of a fine region, to that region's values (z, y, x, channels).
    private void Spread(Tensor results, Tensor values, Region fine)
    {
        var parity = 0;
        for (var z = 0; z < _axes[0].Parities; z++)
        {
            for (var y = 0; y < _axes[1].Parities; y++)
            {
                for (var x = 0; x < _axes[2].Parities; x++, parity++)
                {
                    int[] own = [z, y, x];
                    using var scope = NewDisposeScope();
                    var (from, to) = (results.narrow(3, parity * _channels, _channels), values);
                    for (var axis = 0; axis < 3; axis++)
                    {
                        var (first, place, count) = _axes[axis].Of(own[axis], fine[axis]);
                        from = from.narrow(axis, place, count);
                        to = to.slice(axis, first, fine[axis].Size, _axes[axis].Parities);
                    }

                    if (to.numel() > 0)
                        to.add_(from);
                }
            }
        }
    }

    /// <summary>One axis. The window of the coarse place j is j - 1 .. j, or j - 1 .. j + 1 where nothing is upsampled.</summary>
    private readonly record struct Axis(int Factor)
    {
        public int Parities => Factor;

        public int Kernel => Factor == 1 ? 3 : 2;

        /// <summary>Tap of the 3-tap kernel that adds to a window's place in the filter of a parity.</summary>
        public IEnumerable<(int Parity, int Tap, int Window)> Taps()
        {
            for (var parity = 0; parity < Factor; parity++)
            {
                for (var tap = 0; tap < 3; tap++)
                    yield return (parity, tap, Factor == 1 ? tap : ((parity + tap - 1 + Factor) / Factor) - (parity == Factor - 1 ? 1 : 0));
            }
        }

        public Interval Reads(Interval fine) => new(Place(fine.From) - 1, Place(fine.To - 1) + (Factor == 1 ? 2 : 1));

        /// <summary>The fine voxels of a parity: the first one, its place among the results, and how many there are.</summary>
        public (int First, int Place, int Count) Of(int parity, Interval fine)
        {
            var first = fine.From + ((parity - (fine.From % Factor) + Factor) % Factor);
            var count = first >= fine.To ? 0 : ((fine.To - 1 - first) / Factor) + 1;
            return (first - fine.From, count == 0 ? 0 : Place(first) - Place(fine.From), count);
        }

        // The last parity looks past its own coarse voxel, the others at it and the one before.
        private int Place(int fine) => Factor == 1 ? fine : (fine / Factor) + (fine % Factor == Factor - 1 ? 1 : 0);
    }
}

/// <summary>
/// As a transposed convolution: its stride is the factor f, its kernel f + 2. Along an axis, coarse voxel j reaches the fine voxels
/// f j - 1 .. f j + f, and tap k of the kernel is the sum of those of the three taps t = -1, 0, 1 that lead from fine voxel f j - 1 + k back into coarse
/// voxel j: 0 &lt;= k - 1 + t &lt; f.
/// </summary>
internal sealed class TransposedConv : UpsampledConv
{
    private readonly Int3 _factors;

    // The weight is (in, out, z, y, x).
    private TransposedConv(Tensor weight, Int3 factors)
        : base(weight) => _factors = factors;

    /// <inheritdoc cref="ParityConv.Make"/>
    public static TransposedConv Make(Operators operators, Tensor weight, Int3 factors)
    {
        using var scope = NewDisposeScope();

        // Summed in double and rounded once.
        var sums = einsum("oizyx,az,by,cx->ioabc", weight.to(ScalarType.Float64), Taps(factors.Z, weight.device), Taps(factors.Y, weight.device), Taps(factors.X, weight.device));
        return new(operators.Weight(sums.to(ScalarType.Float32)).MoveToOuterDisposeScope(), factors);
    }

    public override Tensor Join(Operators operators, Tensor skip, FoldedConv ofSkip, Int3 padding, Feature coarse, Region fine)
    {
        using var scope = NewDisposeScope();
        var reads = fine.Map((interval, axis) => interval.OfConvolution().OfUpsampling(_factors[axis], Upsampling.Nearest));

        // What it gives beyond the region, at both ends of an axis; it can leave out as much at one end as at the other.
        int Low(int axis) => fine[axis].From - (reads[axis].From * _factors[axis]) + 1;
        int High(int axis) => (reads[axis].To * _factors[axis]) + 1 - fine[axis].To;
        var left = new Int3(Math.Min(Low(0), High(0)), Math.Min(Low(1), High(1)), Math.Min(Low(2), High(2)));
        var part = coarse.WithZeros(reads).contiguous();
        var upsampled = Feature.OfTorch(functional.conv_transpose3d(Feature.ToTorch(part), Weight, strides: _factors.Sizes(), padding: left.Sizes()));
        for (var axis = 0; axis < 3; axis++)
            upsampled = upsampled.narrow(axis, Low(axis) - left[axis], fine[axis].Size);
        return operators.ConvolveAndAdd(skip, ofSkip, padding, upsampled).MoveToOuterDisposeScope();
    }

    // (kernel, 3): which taps of the 3-tap kernel a tap of this one sums.
    private static Tensor Taps(int factor, Device device)
    {
        var taps = new double[factor + 2, 3];
        for (var k = 0; k < factor + 2; k++)
        {
            for (var t = -1; t <= 1; t++)
                taps[k, t + 1] = k - 1 + t >= 0 && k - 1 + t < factor ? 1 : 0;
        }

        return tensor(taps, device: device);
    }
}
