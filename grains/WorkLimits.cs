// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains;

/// <summary>Times that ranges and devices go by.</summary>
public sealed record WorkLimits
{
    /// <summary>How long an item that its silo does not report stays its: longer than a few reports. Default 10 s.</summary>
    public TimeSpan UnheardAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time between two writes of a range that only say that items are done. Default 1 s.</summary>
    public TimeSpan BetweenWrites { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Delay before an item that failed once may be handed out again; it doubles with every further failure, up to 60 times
    /// this, times 0.5 to 1.5 at random so that items that failed together do not come back together. Default 1 s.
    /// </summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);
}
