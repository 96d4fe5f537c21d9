// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Contracts.Work;

// Records that travel in grain calls are serialised by Orleans. The id of a field is its place in the primary constructor:
// a new field comes last, and none is taken away.

/// <summary>States of an experiment.</summary>
public enum ExperimentState
{
    /// <summary>Its items may be handed out.</summary>
    Running,

    /// <summary>Nothing more is handed out.</summary>
    Paused,

    /// <summary>Every stage is done.</summary>
    Succeeded,

    /// <summary>An item is parked as failed: nothing more is handed out, what runs may end. A retry makes it run again.</summary>
    Failed,

    /// <summary>Ended by the user: it does not go on.</summary>
    Cancelled,
}

/// <summary>States of a stage.</summary>
public enum StageState
{
    /// <summary>A predecessor is not done.</summary>
    Waiting,

    /// <summary>Its predecessors are done; its items are not yet counted.</summary>
    Ready,

    /// <summary>It has items that are not done.</summary>
    Running,

    /// <summary>All items are done.</summary>
    Done,

    /// <summary>An item is parked, or the stage could not be planned.</summary>
    Failed,
}

/// <summary>What a stage's items need of a silo.</summary>
/// <param name="Gpu">True: only a silo with a CUDA device.</param>
/// <param name="MemoryBytes">Device memory one item needs, bytes; 0 = not known.</param>
/// <param name="Tag">A tag "k=v" the silo must carry, or null.</param>
[GenerateSerializer]
[Immutable]
public sealed record WorkNeeds(bool Gpu = false, long MemoryBytes = 0, string? Tag = null);

/// <summary>A stage to be.</summary>
/// <param name="Name">Unique in the experiment: "import", "train", "infer-binary".</param>
/// <param name="Kind">Which grain runs its items.</param>
/// <param name="After">Names of the stages that must be done before.</param>
/// <param name="Arguments">JSON for the grain, or null.</param>
/// <param name="Needs">What its items need.</param>
/// <param name="MaxFailures">Failures after which an item is parked, 1 or more.</param>
/// <param name="MaxDeaths">Deaths after which an item is parked, 1 or more.</param>
public sealed record NewStage(
    string Name,
    string Kind,
    IReadOnlyList<string> After,
    string? Arguments = null,
    WorkNeeds? Needs = null,
    int MaxFailures = 3,
    int MaxDeaths = 5);

/// <summary>An experiment to be.</summary>
/// <param name="Name">Name for people.</param>
/// <param name="SpecJson">The whole spec.</param>
/// <param name="Stages">The graph of stages.</param>
/// <param name="IdempotencyKey">The same key makes one experiment, or null.</param>
/// <param name="Priority">Lower is run first.</param>
/// <param name="Owner">Name of the API key that submitted it, or null.</param>
/// <param name="Campaign">Name of the campaign it belongs to, or null.</param>
/// <param name="ParametersJson">Its place in the campaign's grid: a JSON object, or null.</param>
public sealed record NewExperiment(
    string Name,
    string SpecJson,
    IReadOnlyList<NewStage> Stages,
    string? IdempotencyKey = null,
    int Priority = 100,
    string? Owner = null,
    string? Campaign = null,
    string? ParametersJson = null);

/// <summary>A stage as its experiment has it, with counts of its items. Times are UTC.</summary>
/// <param name="Name">Unique in the experiment.</param>
/// <param name="Kind">Which grain runs its items.</param>
/// <param name="Arguments">JSON for the grain, or null.</param>
/// <param name="State">How far it is.</param>
/// <param name="Items">Number of items; 0 before it is known.</param>
/// <param name="Done">Items done.</param>
/// <param name="Failed">Items parked.</param>
/// <param name="HandedOut">Items that silos have.</param>
/// <param name="Started">When its items were counted.</param>
/// <param name="Ended">When it was done or failed.</param>
/// <param name="Needs">What its items need.</param>
/// <param name="Blocked">Why no silo can run it, or null.</param>
/// <param name="After">Names of the stages that must be done before it.</param>
[GenerateSerializer]
[Immutable]
public sealed record StageRow(
    string Name,
    string Kind,
    string? Arguments,
    StageState State,
    int Items,
    int Done,
    int Failed,
    int HandedOut,
    DateTimeOffset? Started,
    DateTimeOffset? Ended,
    WorkNeeds Needs,
    string? Blocked,
    string[] After);

/// <summary>A parked item; index -1 is a stage that could not be planned.</summary>
/// <param name="StageName">Its stage.</param>
/// <param name="Index">Its number in the stage, from 0.</param>
/// <param name="Failures">How often it threw.</param>
/// <param name="Deaths">How often its silo died.</param>
/// <param name="Error">One sentence.</param>
[GenerateSerializer]
[Immutable]
public sealed record FailedItem(string StageName, int Index, int Failures, int Deaths, string Error);

/// <summary>An item that a silo has.</summary>
/// <param name="StageName">Its stage.</param>
/// <param name="Index">Its number in the stage, from 0.</param>
/// <param name="Silo">Name of the silo.</param>
/// <param name="Attempt">1, and one more each time that it is handed out.</param>
/// <param name="Fraction">How much of it is done, 0..1.</param>
/// <param name="Note">How it goes, for people.</param>
[GenerateSerializer]
[Immutable]
public sealed record RunningItem(string StageName, int Index, string Silo, int Attempt, double Fraction, string? Note);

/// <summary>How far an experiment is.</summary>
/// <param name="State">Its state.</param>
/// <param name="Stages">Its stages in order.</param>
/// <param name="Running">Items that silos have.</param>
/// <param name="Failures">Parked items, at most 100.</param>
[GenerateSerializer]
[Immutable]
public sealed record ExperimentStatus(ExperimentState State, StageRow[] Stages, RunningItem[] Running, FailedItem[] Failures);

/// <summary>What the items of a stage left.</summary>
/// <param name="Counts">Sums by name: see <see cref="SumCodec"/>.</param>
/// <param name="IsFinal">True when the stage is done: they do not change any more.</param>
[GenerateSerializer]
[Immutable]
public sealed record StageSums(Dictionary<string, byte[]> Counts, bool IsFinal);
