// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Grains.Scoring;

/// <summary>
/// Counts of (grey level of a class's output) x (is the voxel truly of the class): all that precision, recall and F1
/// at every threshold need. The count of grey level g is at <c>2 g + isClass</c>, so 512 counts. Counts of tiles add
/// up exactly, in any order.
/// </summary>
public static class GreyHistogram
{
    /// <summary>Counts of one class.</summary>
    public const int Length = 512;

    /// <summary>Adds the voxels of one class's output to its counts; voxels whose truth is 255 are left out.</summary>
    /// <param name="probabilities">The class's 8-bit output.</param>
    /// <param name="truth">True class ids, as many.</param>
    /// <param name="classId">The class.</param>
    /// <param name="counts"><see cref="Length"/> counts, added to.</param>
    public static void Add(ReadOnlySpan<byte> probabilities, ReadOnlySpan<byte> truth, byte classId, Span<long> counts)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(truth.Length, probabilities.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(counts.Length, Length);
        ArgumentOutOfRangeException.ThrowIfEqual(classId, ClassMap.Ignored);

        // Ignored voxels are counted past the end, which is cheaper than a branch; two tables, as neighbours are
        // mostly alike and would wait for each other's store.
        Span<int> offset = stackalloc int[256];
        offset.Clear();
        offset[classId] = 1;
        offset[ClassMap.Ignored] = Length;
        Span<uint> even = stackalloc uint[2 * Length];
        Span<uint> odd = stackalloc uint[2 * Length];
        even.Clear();
        odd.Clear();
        var i = 0;
        for (; i + 1 < truth.Length; i += 2)
        {
            even[(2 * probabilities[i]) + offset[truth[i]]]++;
            odd[(2 * probabilities[i + 1]) + offset[truth[i + 1]]]++;
        }

        if (i < truth.Length)
            even[(2 * probabilities[i]) + offset[truth[i]]]++;
        for (var k = 0; k < Length; k++)
            counts[k] += (long)even[k] + odd[k];
    }

    /// <summary>Adds the outputs of all classes.</summary>
    /// <param name="probabilities">8-bit outputs (C, n).</param>
    /// <param name="truth">n true class ids.</param>
    /// <param name="counts">C x <see cref="Length"/> counts, class by class, added to.</param>
    public static void AddAll(ReadOnlySpan<byte> probabilities, ReadOnlySpan<byte> truth, Span<long> counts)
    {
        var classes = counts.Length / Length;
        ArgumentOutOfRangeException.ThrowIfNotEqual(counts.Length, classes * Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(probabilities.Length, (long)classes * truth.Length);
        for (var c = 0; c < classes; c++)
            Add(probabilities.Slice(c * truth.Length, truth.Length), truth, (byte)c, counts.Slice(c * Length, Length));
    }
}
