// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;

namespace Teravox.Grains;

/// <summary>The state of an experiment as it is stored.</summary>
public sealed record ExperimentRecord
{
    /// <summary>Its state.</summary>
    public ExperimentState State { get; init; }

    /// <summary>Lower is run first.</summary>
    public int Priority { get; init; }

    /// <summary>Its stages in the order that they were submitted in; none when nothing was stored.</summary>
    public IReadOnlyList<StageRecord> Stages { get; init; } = [];

    /// <summary>Number of the next event.</summary>
    public long NextEvent { get; init; }

    /// <summary>Events that may not be in the catalog yet.</summary>
    public IReadOnlyList<UntoldEvent> Events { get; init; } = [];

    /// <summary>Its first span as a W3C traceparent; null when it is not traced.</summary>
    public string? TraceParent { get; init; }
}

/// <summary>A line for the log that may not be in the catalog yet.</summary>
/// <param name="Number">Its number in the experiment.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Stage">The stage that it is of, or null.</param>
/// <param name="Text">For people.</param>
public sealed record UntoldEvent(long Number, string Kind, string? Stage, string Text)
{
    /// <summary>As the catalog takes it.</summary>
    public NewEvent ToNew() => new(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"#{Number}"), Kind, Stage, Text);
}

/// <summary>The state of a stage.</summary>
public sealed record StageRecord
{
    /// <summary>The stage as it was submitted.</summary>
    public required NewStage Stage { get; init; }

    /// <summary>Its place among the stages, from 0.</summary>
    public int Ordinal { get; init; }

    /// <summary>How far it is.</summary>
    public StageState State { get; init; }

    /// <summary>Number of items; 0 before it is known.</summary>
    public int Items { get; init; }

    /// <summary>A bit for each range that is done, the lowest bit of the first byte first.</summary>
    public byte[] RangesDone { get; init; } = [];

    /// <summary>Sums of the ranges that are done, packed.</summary>
    public Dictionary<string, byte[]> Sums { get; init; } = [];

    /// <summary>Parked items by range.</summary>
    public Dictionary<int, FailedItem[]> Parked { get; init; } = [];

    /// <summary>Why the stage itself failed, or null.</summary>
    public string? Error { get; init; }

    /// <summary>Why no silo can run it, or null.</summary>
    public string? Blocked { get; init; }

    /// <summary>When its items were counted, UTC, by the clock of the silo that did it.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>When it was done or failed, likewise.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>Its span as a W3C traceparent; null when it is not traced.</summary>
    public string? TraceParent { get; init; }

    /// <summary>Number of ranges that are done.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public int DoneRanges => RangesDone.Sum(b => System.Numerics.BitOperations.PopCount(b));

    /// <summary>Whether a range is done.</summary>
    public bool IsRangeDone(int range) => (RangesDone[range / 8] & (1 << (range % 8))) != 0;
}
