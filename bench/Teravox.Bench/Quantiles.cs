// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Bench;

/// <summary>Exact quantiles of measured times.</summary>
internal static class Quantiles
{
    /// <summary>The smallest value that a share of all values does not exceed; 0 when there are none.</summary>
    /// <param name="values">Any order.</param>
    /// <param name="share">0..1.</param>
    public static double Of(IEnumerable<double> values, double share)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? 0 : sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)];
    }
}
