// SPDX-License-Identifier: Apache-2.0
using System.Numerics;
using System.Runtime.InteropServices;

namespace Teravox.Networks;

/// <summary>Adam over so many numbers, a multiple of the processor's vectors: Kingma and Ba 2015 (arXiv 1412.6980), algorithm 1, as torch.optim.Adam.</summary>
internal sealed class FlatAdam(int count)
{
    public const double Beta1 = .9, Beta2 = .999, Epsilon = 1e-8;

    private readonly float[] _mean = new float[count], _square = new float[count];
    private int _updates;

    /// <summary>Begins anew.</summary>
    public void Forget()
    {
        Array.Clear(_mean);
        Array.Clear(_square);
        _updates = 0;
    }

    public void Step(ReadOnlySpan<float> gradient, double rate, Span<float> weights)
    {
        _updates++;
        var step = (float)(rate / (1 - Math.Pow(Beta1, _updates)));
        var rootCorrection = new Vector<float>((float)Math.Sqrt(1 - Math.Pow(Beta2, _updates)));
        var epsilon = new Vector<float>((float)Epsilon);
        var g = MemoryMarshal.Cast<float, Vector<float>>(gradient);
        var w = MemoryMarshal.Cast<float, Vector<float>>(weights);
        var mean = MemoryMarshal.Cast<float, Vector<float>>(_mean.AsSpan());
        var square = MemoryMarshal.Cast<float, Vector<float>>(_square.AsSpan());
        for (var i = 0; i < w.Length; i++)
        {
            mean[i] = ((float)Beta1 * mean[i]) + ((float)(1 - Beta1) * g[i]);
            square[i] = ((float)Beta2 * square[i]) + ((float)(1 - Beta2) * g[i] * g[i]);
            w[i] -= step * mean[i] / ((Vector.SquareRoot(square[i]) / rootCorrection) + epsilon);
        }
    }
}
