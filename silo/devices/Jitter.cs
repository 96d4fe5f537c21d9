// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Silo.Devices;

/// <summary>Randomness that keeps silos from doing the same thing at the same moment.</summary>
internal static class Jitter
{
    /// <summary>Times 0.5 to 1.5.</summary>
    public static TimeSpan Around(TimeSpan time) => time * (0.5 + Random.Shared.NextDouble());

    /// <summary>Times 0.8 to 1.</summary>
    public static TimeSpan Below(TimeSpan time) => time * (1 - (0.2 * Random.Shared.NextDouble()));
}
