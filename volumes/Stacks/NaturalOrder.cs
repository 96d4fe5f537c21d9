// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes;

/// <summary>
/// Compares names as people count: digits as numbers ("slice2" before "slice10"), letters without regard to case first.
/// </summary>
public sealed class NaturalOrder : IComparer<string>
{
    /// <summary>The one instance.</summary>
    public static NaturalOrder Instance { get; } = new();

    /// <inheritdoc/>
    public int Compare(string? x, string? y)
    {
        if (x is null || y is null)
            return x is null ? (y is null ? 0 : -1) : 1;
        int i = 0, j = 0;
        while (i < x.Length && j < y.Length)
        {
            int order;
            if (char.IsAsciiDigit(x[i]) && char.IsAsciiDigit(y[j]))
            {
                order = CompareNumbers(Number(x, ref i), Number(y, ref j));
            }
            else
            {
                order = char.ToUpperInvariant(x[i]).CompareTo(char.ToUpperInvariant(y[j]));
                i++;
                j++;
            }

            if (order != 0)
                return order;
        }

        // Equal as people count ("01" and "1", "A" and "a"): the plain order decides, so that the order is always the same.
        var rest = (x.Length - i).CompareTo(y.Length - j);
        return rest != 0 ? rest : string.CompareOrdinal(x, y);
    }

    private static ReadOnlySpan<char> Number(string text, ref int at)
    {
        var start = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
            at++;
        return text.AsSpan(start, at - start).TrimStart('0');
    }

    /// <summary>Of any length, without leading zeros: the longer one is the larger.</summary>
    private static int CompareNumbers(ReadOnlySpan<char> a, ReadOnlySpan<char> b) =>
        a.Length != b.Length ? a.Length.CompareTo(b.Length) : a.SequenceCompareTo(b);
}
