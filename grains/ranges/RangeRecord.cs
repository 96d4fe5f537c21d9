// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Work;

namespace Teravox.Grains.Ranges;

/// <summary>The state of a range as it is stored. Whatever a write changes, it changes in one go.</summary>
public sealed record RangeRecord
{
    /// <summary>The stage; null when nothing was stored.</summary>
    public StagePlan? Stage { get; init; }

    /// <summary>Number of the range in its stage.</summary>
    public int Range { get; init; }

    /// <summary>A bit for each item that is done, the lowest bit of the first byte first.</summary>
    public byte[] Done { get; init; } = [];

    /// <summary>Sums of the items that are done, packed.</summary>
    public Dictionary<string, byte[]> Sums { get; init; } = [];

    /// <summary>Results of done items by index in the stage.</summary>
    public Dictionary<int, string> Results { get; init; } = [];

    /// <summary>Items that were handed out and are not done, by index.</summary>
    public Dictionary<int, HandedOut> Out { get; init; } = [];

    /// <summary>Items that were handed out before and are not done, by index.</summary>
    public Dictionary<int, ItemHistory> History { get; init; } = [];
}

/// <summary>Who has an item.</summary>
/// <param name="Silo">Name of the silo.</param>
/// <param name="Attempt">The attempt that it has it for.</param>
public sealed record HandedOut(string Silo, int Attempt);

/// <summary>What became of an item so far.</summary>
/// <param name="Attempts">How often it was handed out.</param>
/// <param name="Failures">How often it threw.</param>
/// <param name="Deaths">How often its silo died, since its checkpoint grew last.</param>
/// <param name="Checkpoint">The largest checkpoint that it reported.</param>
/// <param name="Error">The last error.</param>
/// <param name="IsParked">Whether it is not handed out any more.</param>
public sealed record ItemHistory(int Attempts = 0, int Failures = 0, int Deaths = 0, long Checkpoint = 0, string? Error = null, bool IsParked = false);
