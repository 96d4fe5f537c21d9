// SPDX-License-Identifier: Apache-2.0
using System.Numerics;
using System.Runtime.InteropServices;

namespace Teravox.Networks;

/// <summary>Sums of image rows, as many pixels at once as the processor's vectors hold. The order of a pixel's sums never depends on them.</summary>
internal static class Rows
{
    /// <summary>to[i] += weight * from[i].</summary>
    public static void AddScaled(Span<float> to, ReadOnlySpan<float> from, float weight)
    {
        var wideTo = MemoryMarshal.Cast<float, Vector<float>>(to);
        var wideFrom = MemoryMarshal.Cast<float, Vector<float>>(from)[..wideTo.Length];
        for (var i = 0; i < wideTo.Length; i++)
            wideTo[i] += weight * wideFrom[i];
        for (var i = wideTo.Length * Vector<float>.Count; i < to.Length; i++)
            to[i] += weight * from[i];
    }
}
