// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace Teravox.Contracts.Work;

/// <summary>What stays the same of a stage once its items are counted: what ranges, the scheduler and devices go by.</summary>
/// <param name="Experiment">Number of the experiment.</param>
/// <param name="Name">Name of the stage.</param>
/// <param name="Ordinal">Its place among the experiment's stages, from 0.</param>
/// <param name="Kind">Which grain runs its items.</param>
/// <param name="Arguments">JSON for the grain, or null.</param>
/// <param name="Needs">What its items need of a silo.</param>
/// <param name="Items">Number of items, 1 or more.</param>
/// <param name="MaxFailures">Failures after which an item is parked.</param>
/// <param name="MaxDeaths">Deaths after which an item is parked.</param>
/// <param name="TraceParent">The span of the stage as a W3C traceparent; null when it is not traced.</param>
[GenerateSerializer]
[Immutable]
public sealed record StagePlan(
    long Experiment, string Name, int Ordinal, string Kind, string? Arguments, WorkNeeds Needs, int Items, int MaxFailures, int MaxDeaths, string? TraceParent = null)
{
    /// <summary>Most items of a range: few enough for one small state, enough that a write serves many.</summary>
    public const int RangeSize = 512;

    /// <summary>Number of ranges.</summary>
    public int Ranges => RangesOf(Items);

    /// <summary>Number of ranges of so many items.</summary>
    public static int RangesOf(int items) => (int)(((long)items + RangeSize - 1) / RangeSize);

    /// <summary>Number of items of a range.</summary>
    public int ItemsOf(int range) => Math.Min(RangeSize, Items - (range * RangeSize));

    /// <summary>Key of a range's grain: "12/infer-multiclass/3".</summary>
    public string RangeKey(int range) => RangeKey(Experiment, Name, range);

    /// <summary>Key of a range's grain.</summary>
    public static string RangeKey(long experiment, string stage, int range) => string.Create(CultureInfo.InvariantCulture, $"{experiment}/{stage}/{range}");
}

/// <summary>An item for a device.</summary>
/// <param name="Stage">Its stage.</param>
/// <param name="Index">Its number in the stage, from 0.</param>
/// <param name="Attempt">1, and one more each time that it is handed out: the fence of its reports.</param>
/// <param name="Alone">True: nothing else may run on its device.</param>
/// <param name="TraceParent">The span of its range as a W3C traceparent; null when it is not traced.</param>
[GenerateSerializer]
[Immutable]
public sealed record WorkItem(StagePlan Stage, int Index, int Attempt, bool Alone, string? TraceParent = null)
{
    /// <summary>Key of its grain: "12/infer-multiclass/3071".</summary>
    public string Key => string.Create(CultureInfo.InvariantCulture, $"{Stage.Experiment}/{Stage.Name}/{Index}");

    /// <summary>Key of its range's grain.</summary>
    public string RangeKey => Stage.RangeKey(Index / StagePlan.RangeSize);
}

/// <summary>How far an item is.</summary>
/// <param name="Fraction">0..1.</param>
/// <param name="Note">For people: "iteration 300 of 2000, loss 0.21", or null.</param>
/// <param name="Checkpoint">
/// A number that grows with what is durable outside the state (iterations in a checkpoint), or null. When it grows, the
/// item's deaths are forgotten: an item that gets on is not poison. 0 says that nothing is durable yet.
/// </param>
[GenerateSerializer]
[Immutable]
public sealed record WorkProgress(double Fraction, string? Note = null, long? Checkpoint = null);

/// <summary>What an item leaves in the state.</summary>
/// <param name="Json">Its own result, or null.</param>
/// <param name="Sums">Counts to add to the stage's sums; arrays of one name have one length throughout the stage.</param>
/// <param name="Events">Lines for the experiment's log, or null.</param>
public sealed record WorkResult(string? Json = null, IReadOnlyDictionary<string, long[]>? Sums = null, IReadOnlyList<string>? Events = null);

/// <summary>How an item's run ended.</summary>
public enum RunEnd
{
    /// <summary>It goes on: ask again.</summary>
    NotYet,

    /// <summary>It is done.</summary>
    Done,

    /// <summary>It threw.</summary>
    Failed,

    /// <summary>It was asked to stop, and left nothing.</summary>
    Stopped,

    /// <summary>The database did not answer what it asked: no fault of the item.</summary>
    Unanswered,
}

/// <summary>What an item's grain answers.</summary>
/// <param name="End">How its run ended.</param>
/// <param name="Json">Its own result, or null.</param>
/// <param name="Sums">Counts by name, packed by <see cref="SumCodec"/>.</param>
/// <param name="Lines">Lines for the experiment's log.</param>
/// <param name="Error">One sentence, when it threw or the database was silent.</param>
/// <param name="Final">Whether a repeat is in vain.</param>
/// <param name="Trace">Where an exception that nobody expected came from; null when the input is at fault.</param>
[GenerateSerializer]
[Immutable]
public sealed record RunOutcome(
    RunEnd End,
    string? Json = null,
    Dictionary<string, byte[]>? Sums = null,
    string[]? Lines = null,
    string? Error = null,
    bool Final = false,
    string? Trace = null);

/// <summary>What a device reports of an item.</summary>
public enum ReportKind
{
    /// <summary>It is there still: it runs, or waits for its turn on the device.</summary>
    Held,

    /// <summary>It is done.</summary>
    Done,

    /// <summary>It threw.</summary>
    Failed,

    /// <summary>The device gives it back.</summary>
    Released,
}

/// <summary>A device's report of an item.</summary>
/// <param name="Index">Its number in the stage.</param>
/// <param name="Attempt">The attempt that it was handed out with.</param>
/// <param name="Kind">What there is to report.</param>
/// <param name="Progress">How far it is, when that is news.</param>
/// <param name="Outcome">Of an item that is done or threw.</param>
[GenerateSerializer]
[Immutable]
public sealed record ItemReport(int Index, int Attempt, ReportKind Kind, WorkProgress? Progress = null, RunOutcome? Outcome = null);

/// <summary>What becomes of a report.</summary>
public enum ReportVerdict
{
    /// <summary>It is taken: go on, or what it says is stored.</summary>
    Taken,

    /// <summary>The item is another's, or has ended: stop and write nothing.</summary>
    Superseded,

    /// <summary>The result does not fit its stage, and the item is parked.</summary>
    Refused,
}

/// <summary>A range's answer to a report.</summary>
/// <param name="Verdict">What becomes of it.</param>
/// <param name="StageDone">Items of the stage that are done, as far as the range knows.</param>
/// <param name="Error">Why it was refused.</param>
/// <param name="IsParked">Whether a failed item is parked.</param>
[GenerateSerializer]
[Immutable]
public sealed record ReportAnswer(ReportVerdict Verdict, int StageDone, string? Error = null, bool IsParked = false);
