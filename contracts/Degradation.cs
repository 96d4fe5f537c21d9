// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Contracts;

/// <summary>
/// How a volume was made of one with a higher resolution; kept in an OME-Zarr's attributes under <c>teravox.degraded</c>, so that
/// super-resolution undoes the right thing and comes out at the right shape.
/// </summary>
public sealed record Degradation
{
    /// <summary>What each section's sides were divided by.</summary>
    public required Scale Scale { get; init; }

    /// <summary>How.</summary>
    public required Reduction Kernel { get; init; }

    /// <summary>Standard deviation of the noise that was added, in grey levels.</summary>
    public double Noise { get; init; }

    /// <summary>The seed of the noise.</summary>
    public ulong Seed { get; init; }

    /// <summary>Rows and columns (y, x) of a section before.</summary>
    public required IReadOnlyList<int> Section { get; init; }
}
