// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains.Ledger;

/// <summary>States of an experiment.</summary>
public enum ExperimentState
{
    /// <summary>Its items may be claimed.</summary>
    Running,

    /// <summary>No new claims.</summary>
    Paused,

    /// <summary>Every stage is done.</summary>
    Succeeded,

    /// <summary>An item is parked as failed: no new claims, what runs may end. A retry makes it run again.</summary>
    Failed,

    /// <summary>Ended by the user: nothing of it changes any more.</summary>
    Cancelled,
}

/// <summary>States of a stage.</summary>
public enum StageState
{
    /// <summary>A predecessor is not done.</summary>
    Waiting,

    /// <summary>May be expanded into items.</summary>
    Ready,

    /// <summary>Has items that are not done.</summary>
    Running,

    /// <summary>All items are committed.</summary>
    Done,

    /// <summary>An item is parked.</summary>
    Failed,
}

/// <summary>What a stage's items need of a silo.</summary>
/// <param name="Gpu">True: only a silo with a CUDA device.</param>
/// <param name="MemoryBytes">Device memory one item needs, bytes; 0 = not known.</param>
/// <param name="Tag">A tag "k=v" the silo must carry, or null.</param>
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
/// <param name="Stages">The DAG.</param>
/// <param name="IdempotencyKey">The same key makes one experiment, or null.</param>
/// <param name="Priority">Lower is claimed first.</param>
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

/// <summary>Which experiments.</summary>
/// <param name="Before">Only those with a smaller number.</param>
/// <param name="Limit">At most so many, 1 or more.</param>
/// <param name="State">Only those in this state.</param>
/// <param name="Campaign">Only those of this campaign.</param>
/// <param name="Owner">Only those of this key.</param>
public sealed record ExperimentQuery(
    long? Before = null, int Limit = 50, ExperimentState? State = null, string? Campaign = null, string? Owner = null);

/// <summary>An experiment as the ledger has it. Times are UTC, database clock.</summary>
public sealed record ExperimentRow(
    long Id,
    string Name,
    string SpecJson,
    ExperimentState State,
    int Priority,
    string? IdempotencyKey,
    DateTimeOffset Created,
    DateTimeOffset? Ended)
{
    /// <summary>Name of the API key that submitted it, or null.</summary>
    public string? Owner { get; init; }

    /// <summary>Name of the campaign it belongs to, or null.</summary>
    public string? Campaign { get; init; }

    /// <summary>Its place in the campaign's grid: a JSON object, or null.</summary>
    public string? ParametersJson { get; init; }
}

/// <summary>A stage with counts of its items.</summary>
public sealed record StageRow(
    long Id,
    long ExperimentId,
    int Ordinal,
    string Name,
    string Kind,
    string? Arguments,
    StageState State,
    int Items,
    int Done,
    int Failed,
    int Leased,
    DateTimeOffset? Started,
    DateTimeOffset? Ended)
{
    /// <summary>What its items need of a silo.</summary>
    public WorkNeeds Needs { get; init; } = new();

    /// <summary>Why no silo can run it, or null.</summary>
    public string? Blocked { get; init; }

    /// <summary>Names of the stages that must be done before it, in their order; filled in by <see cref="ILedger.StagesAsync"/> alone.</summary>
    public IReadOnlyList<string> After { get; init; } = [];
}

/// <summary>What a silo asks for.</summary>
/// <param name="Holder">The silo's name, new for every process.</param>
/// <param name="Slots">Free slots, 1 or more.</param>
/// <param name="Ttl">How long the leases last without a heartbeat.</param>
/// <param name="HasGpu">Whether the free slots are on a CUDA device.</param>
/// <param name="MemoryBytes">Memory of the device, bytes; 0 = not known, takes any.</param>
/// <param name="Tags">The silo's tags "k=v".</param>
/// <param name="Kinds">The kinds it has grains for; null takes any.</param>
/// <param name="ExperimentId">Only items of this experiment; null takes any.</param>
public sealed record ClaimRequest(
    string Holder,
    int Slots,
    TimeSpan Ttl,
    bool HasGpu = false,
    long MemoryBytes = 0,
    IReadOnlyList<string>? Tags = null,
    IReadOnlyList<string>? Kinds = null,
    long? ExperimentId = null)
{
    /// <summary>Only this item; null takes any.</summary>
    public ItemPlace? Item { get; init; }
}

/// <summary>An item's place.</summary>
/// <param name="StageId">Its stage.</param>
/// <param name="Index">Its number in the stage, from 0.</param>
public readonly record struct ItemPlace(long StageId, int Index);

/// <summary>An item that nobody has claimed.</summary>
/// <param name="Place">Where it is.</param>
/// <param name="StageName">Name of its stage.</param>
/// <param name="Kind">Which grain runs it.</param>
/// <param name="Needs">What it needs of a silo.</param>
/// <param name="Priority">Its experiment's: lower is run first.</param>
/// <param name="PutOff">How long it is put off after a failure; zero when it can be claimed now.</param>
public sealed record WaitingItem(ItemPlace Place, string StageName, string Kind, WorkNeeds Needs, int Priority, TimeSpan PutOff);

/// <summary>An item under lease. (ItemId, Epoch) is the fence of every write.</summary>
public sealed record WorkLease(
    long ItemId,
    long Epoch,
    long ExperimentId,
    long StageId,
    string StageName,
    string Kind,
    int Index,
    int Attempt,
    string Holder,
    TimeSpan Ttl,
    string? Arguments);

/// <summary>How far an item is.</summary>
/// <param name="Fraction">0..1.</param>
/// <param name="Note">For people: "iteration 300 of 2000, loss 0.21", or null.</param>
/// <param name="Checkpoint">
/// A number that grows with what is durable outside the ledger (iterations in a checkpoint), or null. When it grows, the
/// item's deaths are forgotten: an item that gets on is not poison. 0 says that nothing is durable yet.
/// </param>
public sealed record WorkProgress(double Fraction, string? Note = null, long? Checkpoint = null);

/// <summary>What an item leaves in the ledger.</summary>
/// <param name="Json">Its own result, or null.</param>
/// <param name="Sums">Counts to add to the stage's sums; arrays of one name have one length throughout the stage.</param>
/// <param name="Events">Lines for the experiment's log, or null.</param>
public sealed record WorkResult(string? Json = null, IReadOnlyDictionary<string, long[]>? Sums = null, IReadOnlyList<string>? Events = null);

/// <summary>An item's end, one of many.</summary>
public sealed record WorkCommit(WorkLease Lease, WorkResult Result);

/// <summary>Whether a fenced write took effect.</summary>
public enum WriteOutcome
{
    /// <summary>It did.</summary>
    Written,

    /// <summary>The lease is another's by now; nothing was changed.</summary>
    LeaseLost,
}

/// <summary>What a heartbeat learns.</summary>
public enum LeaseState
{
    /// <summary>Go on.</summary>
    Held,

    /// <summary>Another has it, or it ended: stop and write nothing.</summary>
    Lost,

    /// <summary>The experiment was cancelled: stop; nothing needs to be written.</summary>
    Cancelled,
}

/// <summary>A parked item; item 0 with index -1 is a stage that could not be planned.</summary>
public sealed record FailedItem(long ItemId, string StageName, int Index, int Failures, int Deaths, string Error);

/// <summary>An item under lease with its progress.</summary>
public sealed record RunningItem(long ItemId, string StageName, int Index, string Holder, int Attempt, double Fraction, string? Note);

/// <summary>A line of an experiment's log.</summary>
public sealed record EventRow(long Id, long ExperimentId, DateTimeOffset At, string Kind, string? Stage, string Text);

/// <summary>How much there is of what.</summary>
/// <param name="Experiments">Number of experiments by state; states without one are left out.</param>
/// <param name="Items">Number of items by the kind of their stage, in the order of the kinds.</param>
public sealed record LedgerCounts(IReadOnlyDictionary<ExperimentState, long> Experiments, IReadOnlyList<KindCount> Items);

/// <summary>Items of one kind. Waiting are those that may still be claimed, of experiments that run or are paused.</summary>
public sealed record KindCount(string Kind, long Waiting, long Leased, long Done, long Failed);
