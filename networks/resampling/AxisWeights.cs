// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks;

/// <summary>
/// What one axis is multiplied by: output o is the sum over k &lt; <paramref name="Taps"/> of Weights[o * Taps + k] * input[First[o] + k].
/// What the border's mirror adds is folded in, so all inputs read are inside. Weights are found in double precision.
/// </summary>
/// <param name="In">Pixels that go in.</param>
/// <param name="Out">Pixels that come out.</param>
/// <param name="Taps">Inputs of one output, at least 1.</param>
/// <param name="First">The first input of every output.</param>
/// <param name="Weights">Output by output.</param>
internal sealed record AxisWeights(int In, int Out, int Taps, int[] First, float[] Weights)
{
    /// <summary>A weight that only rounding has made differ from 0.</summary>
    private const double Negligible = 1e-12;

    private const double GaussianTruncate = 4;

    /// <summary>True when every pixel stays what it is.</summary>
    public bool IsIdentity => In == Out && Taps == 1;

    /// <summary>
    /// Weight of a pixel at distance t: Keys, "Cubic convolution interpolation for digital image processing" (1981), eq. 4 with
    /// a = -1/2. 0 from 2 on.
    /// </summary>
    public static double Keys(double t)
    {
        t = Math.Abs(t);
        if (t < 1)
            return (((1.5 * t) - 2.5) * t * t) + 1;
        return t < 2 ? (((((-.5 * t) + 2.5) * t) - 4) * t) + 2 : 0;
    }

    /// <summary>Keys' kernel, <paramref name="width"/> times as wide as published; mirrored at the edges.</summary>
    /// <param name="sizeIn">Pixels that go in.</param>
    /// <param name="sizeOut">Pixels that come out.</param>
    /// <param name="factor">Input pixels for one output pixel.</param>
    /// <param name="width">Above 1 against aliasing.</param>
    public static AxisWeights Cubic(int sizeIn, int sizeOut, double factor, double width) =>
        Tabulate(sizeIn, sizeOut, factor, Mirror.AtEdge, (position, add) =>
        {
            var last = (int)Math.Floor(position + (2 * width));
            for (var i = (int)Math.Ceiling(position - (2 * width)); i <= last; i++)
                add(i, Keys((i - position) / width));
        });

    /// <summary>
    /// scipy.ndimage's gaussian_filter1d and zoom(order=1, grid_mode=True) in one, both of mode "mirror": what scikit-image 0.19's
    /// rescale(anti_aliasing=True) does along an axis. Sigma is (factor - 1) / 2, cut at 4 sigma.
    /// </summary>
    public static AxisWeights Gaussian(int sizeIn, int sizeOut, double factor)
    {
        var sigma = Math.Max(0, (factor - 1) / 2);
        var radius = (int)((GaussianTruncate * sigma) + .5);
        var gauss = new double[(2 * radius) + 1];
        for (var i = -radius; i <= radius; i++)
            gauss[i + radius] = radius == 0 ? 1 : Math.Exp(-.5 * i * i / (sigma * sigma));
        return Tabulate(sizeIn, sizeOut, factor, Mirror.AtCentre, (position, add) =>
        {
            var cell = Math.Floor(position);
            for (var side = 0; side < 2; side++)
            {
                var weight = side == 0 ? 1 - (position - cell) : position - cell;

                // The interpolation reads mirrored pixels of the filtered image, and these are filtered where they come from.
                var at = Mirror.AtCentre((int)cell + side, sizeIn);
                for (var i = -radius; i <= radius; i++)
                    add(at + i, weight * gauss[i + radius]);
            }
        });
    }

    // weigh(position, add) says what the output at that place of the input is made of; its sum is normalised. A pixel is a cell of width 1
    // whose sample lies at its centre.
    private static AxisWeights Tabulate(int sizeIn, int sizeOut, double factor, Func<int, int, int> mirror, Action<double, Action<int, double>> weigh)
    {
        var rows = new SortedDictionary<int, double>[sizeOut];
        var taps = 0;
        for (var o = 0; o < sizeOut; o++)
        {
            var all = new SortedDictionary<int, double>();
            double sum = 0;
            weigh(((o + .5) * factor) - .5, (index, weight) =>
            {
                var at = mirror(index, sizeIn);
                all[at] = all.GetValueOrDefault(at) + weight;
                sum += weight;
            });
            rows[o] = new(all.Where(w => Math.Abs(w.Value / sum) >= Negligible).ToDictionary(w => w.Key, w => w.Value / sum));
            taps = Math.Max(taps, rows[o].Keys.Last() - rows[o].Keys.First() + 1);
        }

        var axis = new AxisWeights(sizeIn, sizeOut, taps, new int[sizeOut], new float[sizeOut * taps]);
        for (var o = 0; o < sizeOut; o++)
        {
            axis.First[o] = Math.Min(rows[o].Keys.First(), sizeIn - taps);
            foreach (var (index, weight) in rows[o])
                axis.Weights[(o * taps) + index - axis.First[o]] = (float)weight;
        }

        return axis;
    }
}
