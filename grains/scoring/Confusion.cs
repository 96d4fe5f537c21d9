// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Grains.Scoring;

/// <summary>Counts of (true class) x (called class): C x C, row by row, a row per true class. Counts of tiles add up exactly.</summary>
public static class Confusion
{
    /// <summary>Adds labelled voxels; those whose truth is 255 are left out.</summary>
    /// <param name="calls">Called class ids, below <paramref name="classes"/>.</param>
    /// <param name="truth">True class ids, as many.</param>
    /// <param name="classes">Number of classes C, 1..254.</param>
    /// <param name="counts">C x C counts, added to.</param>
    /// <exception cref="InputException">The truth holds an id that is neither a class nor 255.</exception>
    public static void Add(ReadOnlySpan<byte> calls, ReadOnlySpan<byte> truth, int classes, Span<long> counts)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(truth.Length, calls.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(counts.Length, classes * classes);
        for (var i = 0; i < truth.Length; i++)
        {
            int row = truth[i], column = calls[i];
            if (row == ClassMap.Ignored)
                continue;
            if (row >= classes)
                throw new InputException($"The labels hold class id {row}, but there are {classes} classes (0..{classes - 1}); import the labels with the class map the networks were trained with.");
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(column, classes);
            counts[(row * classes) + column]++;
        }
    }

    /// <summary>Calls each voxel by its largest output (<see cref="Labelling.Argmax"/>) and adds it.</summary>
    /// <param name="probabilities">8-bit outputs (C, n).</param>
    /// <param name="truth">n true class ids.</param>
    /// <param name="counts">C x C counts, added to.</param>
    /// <exception cref="InputException">The truth holds an id that is neither a class nor 255.</exception>
    public static void AddArgmax(ReadOnlySpan<byte> probabilities, ReadOnlySpan<byte> truth, Span<long> counts)
    {
        if (truth.IsEmpty)
            return;
        var calls = new byte[truth.Length];
        Labelling.Argmax(probabilities, calls);
        Add(calls, truth, probabilities.Length / truth.Length, counts);
    }

    /// <summary>The counts as rows.</summary>
    public static long[][] Rows(ReadOnlySpan<long> counts, int classes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(counts.Length, classes * classes);
        var rows = new long[classes][];
        for (var c = 0; c < classes; c++)
            rows[c] = counts.Slice(c * classes, classes).ToArray();
        return rows;
    }
}
