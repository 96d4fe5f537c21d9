// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains.Scoring;

/// <summary>Voxels called and meant at one threshold.</summary>
/// <param name="TruePositives">Called and of the class.</param>
/// <param name="FalsePositives">Called, not of the class.</param>
/// <param name="FalseNegatives">Of the class, not called.</param>
public readonly record struct CallCounts(long TruePositives, long FalsePositives, long FalseNegatives)
{
    /// <summary>TP / (TP + FP); null when nothing is called.</summary>
    public double? Precision => Ratio(TruePositives, TruePositives + FalsePositives);

    /// <summary>TP / (TP + FN); null when there is nothing to find.</summary>
    public double? Recall => Ratio(TruePositives, TruePositives + FalseNegatives);

    /// <summary>TP / (TP + (FP + FN) / 2), the Dice coefficient; null when nothing is called and there is nothing to find.</summary>
    public double? F1 => Ratio(2 * TruePositives, (2 * TruePositives) + FalsePositives + FalseNegatives);

    /// <summary>Whether F1 is above, equal to or below the other's, in whole numbers; undefined counts as 0.</summary>
    public int CompareF1(CallCounts other)
    {
        // 2 TP / (2 TP + E) grows with TP / E, so two F1 compare as TP * E' with TP' * E.
        var mine = (Int128)TruePositives * (other.FalsePositives + other.FalseNegatives);
        var theirs = (Int128)other.TruePositives * (FalsePositives + FalseNegatives);
        if (TruePositives == 0 || other.TruePositives == 0)
            return TruePositives.CompareTo(0) - other.TruePositives.CompareTo(0);
        return mine.CompareTo(theirs);
    }

    private static double? Ratio(long part, long whole) => whole == 0 ? null : (double)part / whole;
}

/// <summary>From the counts of a <see cref="GreyHistogram"/>: calls at the 256 thresholds, a voxel being called when its grey is at or above.</summary>
public static class Thresholds
{
    /// <summary>The threshold where nothing can be learned about a class: an output of 0.5.</summary>
    public const int Default = 128;

    /// <summary>Counts at the thresholds 0..255.</summary>
    /// <param name="counts"><see cref="GreyHistogram.Length"/> counts.</param>
    public static CallCounts[] Calls(ReadOnlySpan<long> counts)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(counts.Length, GreyHistogram.Length);
        var positives = Positives(counts);
        var calls = new CallCounts[256];
        long truePositives = 0, falsePositives = 0;
        for (var t = 255; t >= 0; t--)
        {
            falsePositives += counts[2 * t];
            truePositives += counts[(2 * t) + 1];
            calls[t] = new CallCounts(truePositives, falsePositives, positives - truePositives);
        }

        return calls;
    }

    /// <summary>F1 at the thresholds 0..255, null where undefined.</summary>
    public static double?[] Curve(ReadOnlySpan<long> counts) => Array.ConvertAll(Calls(counts), static c => c.F1);

    /// <summary>
    /// The threshold 1..255 with the best F1; 0 is left out, as it would call every voxel whatever the network says. Where several are equally good it is the middle (rounded down) of the longest
    /// run of neighbours among them, the first such run: the choice farthest from the thresholds that are worse.
    /// <see cref="Default"/> when no voxel is of the class.
    /// </summary>
    public static int Best(ReadOnlySpan<long> counts)
    {
        if (Positives(counts) == 0)
            return Default;
        var calls = Calls(counts);
        var best = calls.Skip(1).Aggregate(static (a, b) => b.CompareF1(a) > 0 ? b : a);
        int first = 1, length = 0;
        for (var t = 1; t < 256;)
        {
            var from = t;
            while (t < 256 && calls[t].CompareF1(best) == 0)
                t++;
            if (t - from > length)
                (first, length) = (from, t - from);
            t = Math.Max(t, from + 1);
        }

        return first + ((length - 1) / 2);
    }

    /// <summary>Voxels of the class.</summary>
    public static long Positives(ReadOnlySpan<long> counts)
    {
        long sum = 0;
        for (var k = 1; k < counts.Length; k += 2)
            sum += counts[k];
        return sum;
    }

    /// <summary>Share of the counted voxels that are of the class, 0..1; null when none is counted.</summary>
    public static double? Share(ReadOnlySpan<long> counts)
    {
        long all = 0;
        foreach (var count in counts)
            all += count;
        return all == 0 ? null : (double)Positives(counts) / all;
    }

    /// <summary>F1 of calling every voxel when a share p is of the class: precision p, recall 1, so 2 p / (1 + p).</summary>
    public static double Floor(double share) => 2 * share / (1 + share);
}
