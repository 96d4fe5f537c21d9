// SPDX-License-Identifier: Apache-2.0
using System.Numerics;

namespace Teravox.Grains.Scoring;

/// <summary>Class ids from the outputs of all classes.</summary>
public static class Labelling
{
    /// <summary>The class with the largest output; of equal ones the lowest id.</summary>
    /// <param name="probabilities">8-bit outputs (C, n), C at least 1.</param>
    /// <param name="labels">n class ids, written.</param>
    public static void Argmax(ReadOnlySpan<byte> probabilities, Span<byte> labels)
    {
        if (labels.IsEmpty)
            return;
        Span<byte> none = stackalloc byte[probabilities.Length / labels.Length];
        none.Clear();
        Assign(probabilities, none, labels);
    }

    /// <summary>
    /// The class with the largest output among those at or above their threshold, of equal ones the lowest id; the
    /// background (0) where no class reaches its threshold.
    /// </summary>
    /// <param name="probabilities">8-bit outputs (C, n), C 1..255.</param>
    /// <param name="thresholds">C thresholds.</param>
    /// <param name="labels">n class ids, written.</param>
    public static void Assign(ReadOnlySpan<byte> probabilities, ReadOnlySpan<byte> thresholds, Span<byte> labels)
    {
        var n = labels.Length;
        ArgumentOutOfRangeException.ThrowIfNotEqual(probabilities.Length, (long)thresholds.Length * n);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(thresholds.Length, 255);
        var width = Vector<byte>.Count;
        var i = 0;
        for (; i + width <= n; i += width)
        {
            var label = Vector<byte>.Zero;
            var best = Vector<byte>.Zero;
            var any = Vector<byte>.Zero;
            for (var c = 0; c < thresholds.Length; c++)
            {
                var grey = new Vector<byte>(probabilities.Slice((c * n) + i, width));
                var better = Vector.BitwiseOr(Vector.GreaterThan(grey, best), Vector.OnesComplement(any));
                var take = Vector.BitwiseAnd(better, Vector.GreaterThanOrEqual(grey, new Vector<byte>(thresholds[c])));
                label = Vector.ConditionalSelect(take, new Vector<byte>((byte)c), label);
                best = Vector.ConditionalSelect(take, grey, best);
                any = Vector.BitwiseOr(any, take);
            }

            label.CopyTo(labels[i..]);
        }

        for (; i < n; i++)
        {
            var best = -1;
            labels[i] = 0;
            for (var c = 0; c < thresholds.Length; c++)
            {
                int grey = probabilities[(c * n) + i];
                if (grey >= thresholds[c] && grey > best)
                    (best, labels[i]) = (grey, (byte)c);
            }
        }
    }
}
