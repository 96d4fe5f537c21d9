// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using Orleans.Concurrency;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;
using Teravox.Grains.Telemetry;

namespace Teravox.Grains;

/// <summary>
/// An experiment while it runs. Each change goes the same way:
/// <list type="number">
/// <item>it is made in memory, with the lines for the log that it brings;</item>
/// <item>it is stored, in one write;</item>
/// <item>the catalog and the scheduler are told, as often as it takes: both know what they have already.</item>
/// </list>
/// </summary>
[Reentrant]
[KeepAlive]
[GrainType("experiment")]
public sealed partial class ExperimentGrain(
    [PersistentState("experiment", StoredGrain<ExperimentRecord>.StorageName)] IPersistentState<ExperimentRecord> storage,
    ICatalog catalog,
    IStagePlanner planner,
    WorkEvents events,
    WorkLimits limits) : StoredGrain<ExperimentRecord>(storage), IExperimentGrain, IRemindable
{
    private const int MostFailures = 100, PlanFailuresAllowed = 4;
    private const string ReminderName = "running";
    private static readonly TimeSpan ReminderEvery = TimeSpan.FromMinutes(1);
    private readonly Dictionary<string, LiveStage> _live = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _planFailures = new(StringComparer.Ordinal);
    private readonly List<(StageRecord Stage, Exception Error)> _toPlanAgain = [];
    private readonly Dictionary<string, Activity> _spans = new(StringComparer.Ordinal);
    private ExperimentRecord _record = new();
    private Activity? _span;
    private TaskCompletionSource _ended = NewSignal();
    private RepeatedWork? _telling;
    private RepeatedWork? _planning;
    private bool _known;
    private bool _reminds;
    private long _firstUntold;
    private long _id;

    /// <summary>What ranges told of a stage, by range; gone with the activation, and told again within seconds.</summary>
    private sealed class LiveStage
    {
        public Dictionary<int, RangeReport> Ranges { get; } = [];

        public Dictionary<string, long[]> Sums { get; } = new(StringComparer.Ordinal);
    }

    private bool IsOver => _record.State is ExperimentState.Succeeded or ExperimentState.Failed or ExperimentState.Cancelled;

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _id = long.Parse(this.GetPrimaryKeyString(), CultureInfo.InvariantCulture);
        _telling = new RepeatedWork(TellAsync, () => IsGone, Report);
        _planning = new RepeatedWork(PlanAgainAsync, () => IsGone, Report);
        if (WasStored && Loaded.Stages.Count > 0)
        {
            (_record, _known) = (Loaded, true);
        }
        else if (await catalog.FindAsync(_id, cancellationToken) is { } row)
        {
            // Never begun: the catalog has all that there is to know.
            _known = true;
            _record = new ExperimentRecord
            {
                State = row.State,
                Priority = row.Priority,
                Stages = [.. row.Stages.Select((stage, i) => new StageRecord { Stage = stage, Ordinal = i, State = stage.After.Count == 0 ? StageState.Ready : StageState.Waiting })],
            };
        }

        foreach (var stage in _record.Stages)
            Live(stage);
        if (IsOver)
            _ended.TrySetResult();
    }

    /// <inheritdoc/>
    public async Task StartAsync()
    {
        if (!_known)
            return;
        if (_record.State is ExperimentState.Running && !_reminds)
        {
            await this.RegisterOrUpdateReminder(ReminderName, ReminderEvery, ReminderEvery);
            _reminds = true;
        }

        if (!IsOver && _span is null)
        {
            _span = WorkTraces.Experiment(_id, _record.TraceParent);
            _record = _record with { TraceParent = _record.TraceParent ?? _span?.Id };
        }

        if (await PlanReadyStagesAsync() || Stored is null)
            await StoreAsync();
        _telling!.Want();
    }

    /// <inheritdoc/>
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        // The next activation goes on with spans of its own.
        foreach (var stage in _spans.Keys.ToList())
            EndSpan(stage, null);
        WorkTraces.End(_span);
        return base.OnDeactivateAsync(reason, cancellationToken);
    }

    /// <inheritdoc/>
    public Task ReceiveReminder(string reminderName, TickStatus status) => StartAsync();

    /// <inheritdoc/>
    public Task<bool> PauseAsync() => ChangeAsync(ExperimentState.Running, ExperimentState.Paused, "paused");

    /// <inheritdoc/>
    public Task<bool> ResumeAsync() => ChangeAsync(ExperimentState.Paused, ExperimentState.Running, "resumed");

    /// <inheritdoc/>
    public async Task<bool> CancelAsync()
    {
        if (!_known || IsOver)
            return false;
        End(ExperimentState.Cancelled, "cancelled", "cancelled");
        await StoreAndTellAsync();
        return true;
    }

    /// <inheritdoc/>
    public async Task<int> RetryAsync()
    {
        if (!_known || _record.State != ExperimentState.Failed)
            return 0;

        // Ranges first: they may be asked twice, and nothing is handed out before this state says that it runs again.
        var retried = 0;
        foreach (var stage in _record.Stages)
        {
            foreach (var (range, parked) in stage.Parked)
            {
                await GrainFactory.GetGrain<IWorkRangeGrain>(StagePlan.RangeKey(_id, stage.Stage.Name, range)).RetryAsync();
                retried += parked.Length;
            }

            retried += stage.Error is null ? 0 : 1;
        }

        if (_record.State != ExperimentState.Failed)
            return 0;
        Log("retried", null, $"{retried} failed items retried");
        foreach (var stage in _record.Stages.Where(s => s.State == StageState.Failed))
        {
            Set(stage with { State = stage.Error is null ? StageState.Running : StageState.Ready, Parked = [], Error = null, Ended = null });
            foreach (var (range, report) in Live(stage).Ranges.ToList())
                Live(stage).Ranges[range] = report with { Parked = [] };
        }

        _planFailures.Clear();
        _record = _record with { State = ExperimentState.Running };
        _ended = NewSignal();
        await StartAsync();
        await StoreAndTellAsync();
        return retried;
    }

    /// <inheritdoc/>
    public Task<ExperimentStatus?> DescribeAsync()
    {
        if (!_known)
            return Task.FromResult<ExperimentStatus?>(null);
        var running = _record.Stages.SelectMany(s => Live(s).Ranges.Values.SelectMany(r => r.Running)).ToArray();
        var failures = _record.Stages.SelectMany(s => s.Parked.Values.SelectMany(p => p)
            .Concat(s.Error is { } error ? [new FailedItem(s.Stage.Name, -1, 1, 0, error)] : [])).Take(MostFailures).ToArray();
        return Task.FromResult<ExperimentStatus?>(new(_record.State, [.. _record.Stages.Select(Row)], running, failures));
    }

    /// <inheritdoc/>
    public async Task<ExperimentState?> WaitForEndAsync(TimeSpan atMost)
    {
        if (!_known)
            return null;
        await Task.WhenAny(_ended.Task, Task.Delay(atMost));
        return IsOver && !_ended.Task.IsCompleted ? ExperimentState.Running : _record.State;
    }

    /// <inheritdoc/>
    public async Task<StageSums?> SumsAsync(string stage)
    {
        if (Find(stage) is not { } record)
            return null;
        if (record.State == StageState.Done)
            return new StageSums(record.Sums, true);
        var sums = record.Sums.ToDictionary(s => s.Key, s => SumCodec.Unpack(s.Value));
        foreach (var range in Live(record).Ranges.Where(r => r.Value.Sums is null && r.Value.Done > 0).Select(r => r.Key).ToList())
            Merge(sums, await GrainFactory.GetGrain<IWorkRangeGrain>(StagePlan.RangeKey(_id, stage, range)).SumsAsync());
        return new StageSums(sums.ToDictionary(s => s.Key, s => SumCodec.Pack(s.Value)), false);
    }

    /// <inheritdoc/>
    public async Task<Dictionary<int, string>> ResultsAsync(string stage)
    {
        var all = new Dictionary<int, string>();
        if (Find(stage) is not { Items: > 0 } record)
            return all;
        for (var range = 0; range < StagePlan.RangesOf(record.Items); range++)
        {
            foreach (var (index, result) in await GrainFactory.GetGrain<IWorkRangeGrain>(StagePlan.RangeKey(_id, stage, range)).ResultsAsync())
                all[index] = result;
        }

        return all;
    }

    /// <inheritdoc/>
    public async Task<RangeAnswer> RangeChangedAsync(RangeReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        if (Find(report.Stage) is not { Items: > 0 } stage || stage.IsRangeDone(report.Range))
        {
            // The range forgets itself with this answer: what it told must be stored.
            await OthersStoredAsync();
            return new RangeAnswer(Find(report.Stage) is { } known ? DoneOf(known) - (known.Items == 0 ? 0 : Plan(known).ItemsOf(report.Range)) : 0);
        }

        Live(stage).Ranges[report.Range] = report;
        if (report.Sums is not null)
        {
            FinishRange(stage, report);
            var isDone = Find(report.Stage)!.State != StageState.Running;
            if (isDone)
                await PlanReadyStagesAsync();
            await StoreAsync(isDone ? TimeSpan.Zero : limits.BetweenWrites);
            if (isDone)
                _telling!.Want();
        }
        else if (report.Parked.Length > 0 && !Same(stage.Parked.GetValueOrDefault(report.Range), report.Parked))
        {
            Park(stage, report);
            await StoreAsync();
            _telling!.Want();
        }

        return new RangeAnswer(DoneOf(Find(report.Stage)!) - report.Done);
    }

    /// <inheritdoc/>
    public async Task BlockAsync(string stage, string? why)
    {
        if (Find(stage) is not { State: StageState.Running } record || record.Blocked == why)
            return;
        Set(record with { Blocked = why });
        Log(why is null ? "unblocked" : "blocked", stage, why ?? "a silo can run it again");
        events.Emit(new StageBlocked(_id, stage, why));
        await StoreAsync();
        _telling!.Want();
    }

    /// <inheritdoc/>
    protected override ExperimentRecord Snapshot() => _record;

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static bool Same(FailedItem[]? known, FailedItem[] told) => known is not null && known.SequenceEqual(told);

    private StageRecord? Find(string stage) => _record.Stages.FirstOrDefault(s => s.Stage.Name == stage);

    private LiveStage Live(StageRecord stage)
    {
        if (_live.TryGetValue(stage.Stage.Name, out var live))
            return live;
        live = _live[stage.Stage.Name] = new LiveStage();
        foreach (var (name, bytes) in stage.Sums)
            live.Sums[name] = SumCodec.Unpack(bytes);
        return live;
    }

    private StagePlan Plan(StageRecord stage)
    {
        var (s, ordinal) = (stage.Stage, stage.Ordinal);
        return new StagePlan(_id, s.Name, ordinal, s.Kind, s.Arguments, s.Needs ?? new WorkNeeds(), stage.Items, s.MaxFailures, s.MaxDeaths, stage.TraceParent);
    }

    private StageRow Row(StageRecord stage)
    {
        var ranges = Live(stage).Ranges.Values;
        return new StageRow(
            stage.Stage.Name,
            stage.Stage.Kind,
            stage.Stage.Arguments,
            stage.State,
            stage.Items,
            DoneOf(stage),
            stage.Parked.Values.Sum(p => p.Length),
            stage.State is StageState.Running or StageState.Failed ? ranges.Sum(r => r.HandedOut) : 0,
            stage.Started,
            stage.Ended,
            stage.Stage.Needs ?? new WorkNeeds(),
            stage.Blocked,
            [.. stage.Stage.After]);
    }

    private int DoneOf(StageRecord stage)
    {
        if (stage.State == StageState.Done)
            return stage.Items;
        if (stage.Items == 0)
            return 0;
        var plan = Plan(stage);
        var done = 0;
        for (var range = 0; range < plan.Ranges; range++)
            done += stage.IsRangeDone(range) ? plan.ItemsOf(range) : 0;
        return done + Live(stage).Ranges.Where(r => !stage.IsRangeDone(r.Key)).Sum(r => r.Value.Done);
    }

    private void Set(StageRecord stage)
    {
        var stages = _record.Stages.ToArray();
        stages[stage.Ordinal] = stage;
        _record = _record with { Stages = stages };
    }

    private void Log(string kind, string? stage, string text) => _record = _record with
    {
        NextEvent = _record.NextEvent + 1,
        Events = [.. _record.Events, new UntoldEvent(_record.NextEvent, kind, stage, text)],
    };

    private async Task<bool> ChangeAsync(ExperimentState from, ExperimentState to, string kind)
    {
        if (!_known || _record.State != from)
            return false;
        _record = _record with { State = to };
        Log(kind, null, kind);
        await StoreAndTellAsync();
        return true;
    }

    /// <summary>Whoever changes an experiment is answered when the catalog and the scheduler know.</summary>
    private async Task StoreAndTellAsync()
    {
        await StoreAsync();
        await TellAsync();
    }

    /// <summary>Catalog and scheduler learn what is stored, and nothing else; may be done any number of times.</summary>
    private async Task TellAsync()
    {
        if (Stored is not { } stored)
            return;
        await catalog.RecordAsync(_id, stored.State, [.. stored.Events.Where(e => e.Number >= _firstUntold).Select(e => e.ToNew())], CancellationToken.None);

        // What the catalog has is left out of the next write.
        _firstUntold = Math.Max(_firstUntold, stored.NextEvent);
        _record = _record with { Events = [.. _record.Events.Where(e => e.Number >= _firstUntold)] };
        await OfferAsync();
        if (stored.State is not (ExperimentState.Succeeded or ExperimentState.Failed or ExperimentState.Cancelled) || stored.State != _record.State)
            return;

        // Whoever waited for the end finds it in the catalog.
        _ended.TrySetResult();
        if (await this.GetReminder(ReminderName) is { } reminder)
            await this.UnregisterReminder(reminder);
        _reminds = false;
    }

    private Task OfferAsync()
    {
        var stored = Stored!;
        var stages = stored.State == ExperimentState.Running
            ? stored.Stages.Where(s => s.State == StageState.Running).Select(s => new StageOffer(Plan(s), s.RangesDone)).ToArray()
            : [];
        return GrainFactory.GetGrain<ISchedulerGrain>(ISchedulerGrain.Key).OfferAsync(new ExperimentOffer(_id, stored.State, stored.Priority, stages));
    }

    private void Report(Exception e) => events.Emit(new NoAnswer($"experiment {_id}: {e.GetType().Name}: {e.Message}"));
}
