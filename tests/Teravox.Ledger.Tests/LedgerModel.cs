// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;

namespace Teravox.Ledger.Tests;

/// <summary>
/// What a ledger should do, in plain objects and without regard to speed: the generated sequences compare every answer
/// and every row of a ledger with it. Retry delays are zero here.
/// </summary>
internal sealed class LedgerModel
{
    public List<Experiment> Experiments { get; } = [];

    /// <summary>Milliseconds since the sequence began.</summary>
    public long Now { get; set; }

    public Experiment Submit(NewExperiment spec)
    {
        if (spec.IdempotencyKey is { } key && Experiments.Find(one => one.Spec.IdempotencyKey == key) is { } first)
        {
            return first;
        }

        var experiment = new Experiment { Spec = spec, Number = Experiments.Count };
        experiment.Stages.AddRange(spec.Stages.Select((stage, ordinal) => new Stage
        {
            Experiment = experiment,
            Spec = stage,
            Ordinal = ordinal,
            State = stage.After.Count == 0 ? StageState.Ready : StageState.Waiting,
        }));
        Experiments.Add(experiment);
        return experiment;
    }

    public bool Expand(Stage stage, int count)
    {
        if (stage.State != StageState.Ready || stage.Experiment.State != ExperimentState.Running)
        {
            return false;
        }

        stage.State = StageState.Running;
        stage.Items.AddRange(Enumerable.Range(0, count).Select(index => new Item { Stage = stage, Index = index }));
        FinishWhenDone(stage);
        return true;
    }

    public bool FailStage(Stage stage, string error)
    {
        if (stage.State != StageState.Ready || stage.Experiment.State is not (ExperimentState.Running or ExperimentState.Paused))
        {
            return false;
        }

        stage.State = StageState.Failed;
        stage.Error = error;
        stage.Experiment.State = ExperimentState.Failed;
        return true;
    }

    public List<Item> Claim(ClaimRequest request)
    {
        var items = Experiments
            .Where(experiment => experiment.State == ExperimentState.Running)
            .OrderBy(experiment => experiment.Spec.Priority).ThenBy(experiment => experiment.Number)
            .SelectMany(experiment => experiment.Stages)
            .Where(stage => stage.State == StageState.Running && (request.HasGpu || stage.Spec.Needs?.Gpu != true))
            .SelectMany(stage => stage.Items)
            .Where(item => item.State == ItemState.Available)
            .Take(request.Slots)
            .ToList();
        foreach (var item in items)
        {
            item.State = ItemState.Leased;
            item.Attempt++;
            item.Epoch++;
            item.Holder = request.Holder;
            item.LeaseUntil = Now + (long)request.Ttl.TotalMilliseconds;
            item.Fraction = 0;
            item.Note = null;
            item.Stage.Blocked = null;
        }

        return items;
    }

    public static bool Waits(Stage stage) =>
        stage.Experiment.State == ExperimentState.Running && stage.State == StageState.Running && stage.Count(ItemState.Available) > 0;

    public static bool Block(Stage stage, string? why)
    {
        if (!Waits(stage) || stage.Blocked == why)
        {
            return false;
        }

        stage.Blocked = why;
        return true;
    }

    public LeaseState Heartbeat(Item item, long epoch, TimeSpan ttl, WorkProgress? progress)
    {
        if (!Holds(item, epoch))
        {
            return item.Stage.Experiment.State == ExperimentState.Cancelled ? LeaseState.Cancelled : LeaseState.Lost;
        }

        item.LeaseUntil = Now + (long)ttl.TotalMilliseconds;
        if (progress is not null)
        {
            item.Fraction = progress.Fraction;
            item.Note = progress.Note;
            if (progress.Checkpoint is { } checkpoint && checkpoint > item.Checkpoint)
            {
                item.Checkpoint = checkpoint;
                item.Deaths = 0;
            }
        }

        return LeaseState.Held;
    }

    public WriteOutcome Commit(Item item, long epoch, WorkResult result)
    {
        if (item.State == ItemState.Done && item.Epoch == epoch)
        {
            return WriteOutcome.Written;
        }

        if (!Holds(item, epoch))
        {
            return WriteOutcome.LeaseLost;
        }

        item.State = ItemState.Done;
        item.Result = result.Json;
        foreach (var (name, counts) in result.Sums!)
        {
            item.Stage.Sums[name] = item.Stage.Sums.TryGetValue(name, out var stored)
                ? [.. stored.Zip(counts, (a, b) => a + b)]
                : counts;
        }

        FinishWhenDone(item.Stage);
        return WriteOutcome.Written;
    }

    public WriteOutcome Fail(Item item, long epoch, string error, bool final)
    {
        if (!Holds(item, epoch))
        {
            return WriteOutcome.LeaseLost;
        }

        item.Failures++;
        if (final || item.Failures >= item.Stage.Spec.MaxFailures)
        {
            Park(item);
            item.Error = error;
        }
        else
        {
            item.State = ItemState.Available;
        }

        return WriteOutcome.Written;
    }

    public WriteOutcome Release(Item item, long epoch)
    {
        if (!Holds(item, epoch))
        {
            return WriteOutcome.LeaseLost;
        }

        item.State = ItemState.Available;
        item.Attempt--;
        return WriteOutcome.Written;
    }

    public int Reap(Func<Item, bool> dies)
    {
        var dead = Items.Where(item => item.State == ItemState.Leased && dies(item)).ToList();
        foreach (var item in dead)
        {
            item.Deaths++;
            item.State = ItemState.Available;
            if (item.Deaths >= item.Stage.Spec.MaxDeaths)
            {
                Park(item);
                item.Error = null;
            }
        }

        return dead.Count;
    }

    public bool Move(Experiment experiment, ExperimentState from, ExperimentState to)
    {
        var moved = experiment.State == from;
        experiment.State = moved ? to : experiment.State;
        return moved;
    }

    public bool Cancel(Experiment experiment)
    {
        if (experiment.State is not (ExperimentState.Running or ExperimentState.Paused))
        {
            return false;
        }

        experiment.State = ExperimentState.Cancelled;
        foreach (var item in experiment.Stages.SelectMany(stage => stage.Items).Where(item => item.State == ItemState.Leased))
        {
            item.State = ItemState.Available;
        }

        return true;
    }

    public int Retry(Experiment experiment)
    {
        if (!Move(experiment, ExperimentState.Failed, ExperimentState.Running))
        {
            return 0;
        }

        var count = 0;
        foreach (var stage in experiment.Stages.Where(stage => stage.State == StageState.Failed))
        {
            count += stage.Error is null ? 0 : 1;
            stage.State = stage.Error is null ? StageState.Running : StageState.Ready;
            stage.Error = null;
            foreach (var item in stage.Items.Where(item => item.State == ItemState.Failed))
            {
                count++;
                item.State = ItemState.Available;
                item.Failures = item.Deaths = 0;
            }
        }

        return count;
    }

    private IEnumerable<Item> Items => Experiments.SelectMany(experiment => experiment.Stages).SelectMany(stage => stage.Items);

    private static bool Holds(Item item, long epoch) => item.State == ItemState.Leased && item.Epoch == epoch;

    private static void Park(Item item)
    {
        item.State = ItemState.Failed;
        item.Stage.State = StageState.Failed;
        var experiment = item.Stage.Experiment;
        if (experiment.State is ExperimentState.Running or ExperimentState.Paused)
        {
            experiment.State = ExperimentState.Failed;
        }
    }

    private static void FinishWhenDone(Stage stage)
    {
        if (stage.Items.Exists(item => item.State != ItemState.Done))
        {
            return;
        }

        stage.State = StageState.Done;
        var experiment = stage.Experiment;
        bool IsDone(string name) => experiment.Stages.Single(one => one.Spec.Name == name).State == StageState.Done;
        foreach (var next in experiment.Stages.Where(next => next.State == StageState.Waiting && next.Spec.After.All(IsDone)))
        {
            next.State = StageState.Ready;
        }

        if (experiment.Stages.TrueForAll(one => one.State == StageState.Done)
            && experiment.State is ExperimentState.Running or ExperimentState.Paused)
        {
            experiment.State = ExperimentState.Succeeded;
        }
    }

    internal enum ItemState
    {
        Available,
        Leased,
        Done,
        Failed,
    }

    internal sealed class Experiment
    {
        public required NewExperiment Spec { get; init; }

        public required int Number { get; init; }

        /// <summary>The ledger's id.</summary>
        public long Id { get; set; }

        public ExperimentState State { get; set; }

        public List<Stage> Stages { get; } = [];
    }

    internal sealed class Stage
    {
        public required Experiment Experiment { get; init; }

        public required NewStage Spec { get; init; }

        public required int Ordinal { get; init; }

        public required StageState State { get; set; }

        /// <summary>Why no silo can run it.</summary>
        public string? Blocked { get; set; }

        /// <summary>The ledger's id.</summary>
        public long Id { get; set; }

        public string? Error { get; set; }

        public List<Item> Items { get; } = [];

        public Dictionary<string, long[]> Sums { get; } = [];

        public int Count(ItemState state) => Items.Count(item => item.State == state);
    }

    internal sealed class Item
    {
        public required Stage Stage { get; init; }

        public required int Index { get; init; }

        public ItemState State { get; set; }

        public int Attempt { get; set; }

        public long Epoch { get; set; }

        public int Failures { get; set; }

        public int Deaths { get; set; }

        public string? Holder { get; set; }

        public long LeaseUntil { get; set; }

        public double Fraction { get; set; }

        public string? Note { get; set; }

        public long Checkpoint { get; set; }

        public string? Result { get; set; }

        /// <summary>The error of the failure that parked it; null when a death did, whose words are the ledger's own.</summary>
        public string? Error { get; set; }
    }
}
