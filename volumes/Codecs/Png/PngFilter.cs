// SPDX-License-Identifier: Apache-2.0
using System.Numerics;

namespace Teravox.Volumes;

/// <summary>PNG's filters: each row says what was taken from its bytes, which is added again here.</summary>
internal static class PngFilter
{
    public const byte None = 0, Sub = 1, Up = 2, Average = 3, Paeth = 4;

    /// <summary>Undoes a row's filter; false when there is no such filter.</summary>
    /// <param name="filter">The row's first byte.</param>
    /// <param name="row">The bytes after it.</param>
    /// <param name="above">The row above as it came out, zeros above the first one.</param>
    /// <param name="unit">Bytes of a pixel, at least 1.</param>
    public static bool TryUndo(byte filter, Span<byte> row, ReadOnlySpan<byte> above, int unit)
    {
        switch (filter)
        {
            case None:
                break;
            case Sub:
                for (var i = unit; i < row.Length; i++)
                    row[i] += row[i - unit];
                break;
            case Up:
                Add(row, above);
                break;
            case Average:
                UndoAverage(row, above, unit);
                break;
            case Paeth:
                UndoPaeth(row, above, unit);
                break;
            default:
                return false;
        }

        return true;
    }

    /// <summary>Filters a row by the one above it.</summary>
    public static void DoUp(ReadOnlySpan<byte> row, ReadOnlySpan<byte> above, Span<byte> filtered)
    {
        var i = 0;
        for (; i <= row.Length - Vector<byte>.Count; i += Vector<byte>.Count)
            (new Vector<byte>(row[i..]) - new Vector<byte>(above[i..])).CopyTo(filtered[i..]);
        for (; i < row.Length; i++)
            filtered[i] = (byte)(row[i] - above[i]);
    }

    private static void Add(Span<byte> row, ReadOnlySpan<byte> above)
    {
        var i = 0;
        for (; i <= row.Length - Vector<byte>.Count; i += Vector<byte>.Count)
            (new Vector<byte>(row[i..]) + new Vector<byte>(above[i..])).CopyTo(row[i..]);
        for (; i < row.Length; i++)
            row[i] += above[i];
    }

    private static void UndoAverage(Span<byte> row, ReadOnlySpan<byte> above, int unit)
    {
        above = above[..row.Length];
        for (var i = 0; i < row.Length; i++)
            row[i] += (byte)(((i < unit ? 0 : row[i - unit]) + above[i]) >> 1);
    }

    /// <summary>Adds whichever of left, above and above left is nearest to left + above - above left.</summary>
    private static void UndoPaeth(Span<byte> row, ReadOnlySpan<byte> above, int unit)
    {
        above = above[..row.Length];
        for (var i = 0; i < Math.Min(unit, row.Length); i++)
            row[i] += above[i];
        for (var i = unit; i < row.Length; i++)
        {
            int a = row[i - unit], b = above[i], c = above[i - unit];
            var (toA, toB) = (Math.Abs(b - c), Math.Abs(a - c));
            var toC = Math.Abs(a + b - c - c);
            row[i] += (byte)(toA <= toB && toA <= toC ? a : toB <= toC ? b : c);
        }
    }
}
