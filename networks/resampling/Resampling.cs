// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>
/// A plan that makes images of one shape larger or smaller: the weights of both axes. Immutable, so any number of threads may apply it at
/// once; always in the same order of sums, so the same image gives the same bytes.
/// <para>
/// Geometry: pixel o of the output lies at (o + 1/2) f - 1/2 of the input, where f is the input's size divided by the output's. Both
/// images cover the same extent: flips commute with every plan, and what one reduces the other brings back to its place, also where sizes
/// do not divide.
/// </para>
/// </summary>
internal sealed class Resampling
{
    /// <summary>Bounds the size of the weights; far above what microscopy asks for.</summary>
    private const double MostFactor = 64;

    private readonly AxisWeights _y, _x;
    private readonly BlurKernel? _blur;

    private Resampling(AxisWeights y, AxisWeights x, BlurKernel? blur = null) => (_y, _x, _blur) = (y, x, blur);

    /// <summary>Shape (y, x) of the images that go in.</summary>
    public (int Y, int X) From => (_y.In, _x.In);

    /// <summary>Shape (y, x) of those that come out.</summary>
    public (int Y, int X) To => (_y.Out, _x.Out);

    /// <summary>Cubic convolution by Keys (1981), a = -1/2, mirrored at the edges.</summary>
    /// <exception cref="ArgumentException">An axis shrinks, is empty, or grows more than 64 times.</exception>
    public static Resampling Enlarge((int Y, int X) from, (int Y, int X) to)
    {
        Check("enlarging", to, from);
        return new(Axis(from.Y, to.Y), Axis(from.X, to.X));

        static AxisWeights Axis(int n, int m) => AxisWeights.Cubic(n, m, 1 / ((double)m / n), width: 1);
    }

    /// <summary>
    /// See <see cref="Resampler.Reduce"/> for the kinds. An image blurred by a kernel is read by Keys' cubic of unit width where the
    /// output's centres lie between pixels, as with an even factor: linear interpolation would blur a second time (at f = 2 it leaves .92
    /// per axis of what oscillates at the output's Nyquist frequency, the cubic .99), and the given kernel is to be all the blur there is.
    /// </summary>
    /// <exception cref="ArgumentException">An axis grows, is empty, or shrinks more than 64 times.</exception>
    /// <exception cref="InputException">The kernel cannot be used.</exception>
    public static Resampling Reduce(Reduction reduction, (int Y, int X) from, (int Y, int X) to)
    {
        Check("reducing", from, to);
        var blur = reduction.Kind == ReductionKind.Kernel ? new BlurKernel(reduction.Kernel!) : null;
        return new(Axis(from.Y, to.Y), Axis(from.X, to.X), blur);

        AxisWeights Axis(int n, int m)
        {
            var factor = (double)n / m;
            return reduction.Kind switch
            {
                ReductionKind.Gaussian => AxisWeights.Gaussian(n, m, factor),
                ReductionKind.Kernel => AxisWeights.Cubic(n, m, factor, width: 1),
                _ => AxisWeights.Cubic(n, m, factor, width: factor),
            };
        }
    }

    /// <summary>The image made larger or smaller. Nothing is clipped: a cubic overshoots at edges.</summary>
    public Plane Apply(Plane image)
    {
        if (_blur is not null)
            image = _blur.Apply(image);

        // The smaller image stands between the two passes.
        if ((long)_y.Out * _x.In <= (long)_y.In * _x.Out)
            return AlongX(AlongY(image));
        return AlongY(AlongX(image));
    }

    private static void Check(string what, (int Y, int X) large, (int Y, int X) small)
    {
        foreach (var (l, s) in ((int, int)[])[(large.Y, small.Y), (large.X, small.X)])
        {
            if (s < 1 || l < s || l > MostFactor * s)
                throw new ArgumentException($"{what} between {large.Y}x{large.X} and {small.Y}x{small.X} pixels: each size must be 1 or more, and the first 1 to {MostFactor} times the second");
        }
    }

    // Weighted sums of whole rows.
    private Plane AlongY(Plane image)
    {
        if (_y.IsIdentity)
            return image;
        var result = new Plane(_y.Out, image.X);
        for (var o = 0; o < _y.Out; o++)
        {
            for (var k = 0; k < _y.Taps; k++)
                Rows.AddScaled(result.Row(o), image.Row(_y.First[o] + k), _y.Weights[(o * _y.Taps) + k]);
        }

        return result;
    }

    private Plane AlongX(Plane image)
    {
        if (_x.IsIdentity)
            return image;
        var result = new Plane(image.Y, _x.Out);
        for (var y = 0; y < image.Y; y++)
        {
            var from = image.Row(y);
            var to = result.Row(y);
            for (var o = 0; o < to.Length; o++)
            {
                var weights = _x.Weights.AsSpan(o * _x.Taps, _x.Taps);
                var read = from.Slice(_x.First[o], weights.Length);
                float sum = 0;
                for (var k = 0; k < weights.Length; k++)
                    sum += weights[k] * read[k];
                to[o] = sum;
            }
        }

        return result;
    }
}
