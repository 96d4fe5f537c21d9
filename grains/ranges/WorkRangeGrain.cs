// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using Orleans.Concurrency;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;
using Teravox.Grains.Telemetry;

namespace Teravox.Grains.Ranges;

/// <summary>
/// A range of items. The life of an item in it:
/// <list type="number">
/// <item>It waits; a device takes it: the write that says so comes before the item is returned.</item>
/// <item>Its silo reports every second that it has it. A report that names an older attempt is superseded: whoever sends it stops.</item>
/// <item>Done: one write sets its bit and adds its sums.</item>
/// <item>Or it failed, its silo died, or nobody was heard of it: it waits again, or is parked past its stage's limits.</item>
/// </list>
/// Reports of done items share writes, a few a second at most.
/// </summary>
[Reentrant]
[KeepAlive]
[GrainType("range")]
public sealed class WorkRangeGrain(
    [PersistentState("range", StoredGrain<RangeRecord>.StorageName)] IPersistentState<RangeRecord> storage,
    ICatalog catalog,
    IClusterMembers members,
    WorkLimits limits) : StoredGrain<RangeRecord>(storage), IWorkRangeGrain
{
    private readonly Dictionary<int, HandedOut> _out = [];
    private readonly Dictionary<int, ItemHistory> _history = [];
    private readonly Dictionary<int, string> _results = [];
    private readonly Dictionary<string, long[]> _sums = [];
    private readonly SortedSet<int> _waiting = [];
    private readonly Dictionary<int, long> _notBefore = [];
    private readonly Dictionary<int, (long Heard, WorkProgress? Progress)> _heard = [];
    private readonly Dictionary<string, byte[]> _packed = [];
    private readonly List<NewEvent> _untold = [];
    private StagePlan? _stage;
    private Activity? _span;
    private int _range;
    private bool[] _done = [];
    private int _doneCount;
    private int _doneElsewhere;
    private RepeatedWork? _telling;
    private long _told;
    private bool _tellsLater;

    private int First => _range * StagePlan.RangeSize;

    private bool IsComplete => _stage is not null && _doneCount == _done.Length;

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var key = this.GetPrimaryKeyString();
        _range = int.Parse(key.AsSpan(key.LastIndexOf('/') + 1), CultureInfo.InvariantCulture);
        _telling = new RepeatedWork(TellAsync, () => IsGone, _ => { });
        this.RegisterGrainTimer(LookAsync, new GrainTimerCreationOptions(limits.UnheardAfter / 4, limits.UnheardAfter / 4) { Interleave = true });
        if (Loaded.Stage is null)
            return Task.CompletedTask;
        Begin(Loaded.Stage);
        for (var i = 0; i < _done.Length; i++)
            _done[i] = (Loaded.Done[i / 8] & (1 << (i % 8))) != 0;
        _doneCount = _done.Count(d => d);
        Copy(Loaded.Out, _out);
        Copy(Loaded.History, _history);
        Copy(Loaded.Results, _results);
        foreach (var (name, bytes) in Loaded.Sums)
            _sums[name] = SumCodec.Unpack(bytes);
        _waiting.RemoveWhere(i => _done[i - First] || _out.ContainsKey(i) || _history.GetValueOrDefault(i) is { IsParked: true });
        foreach (var index in _out.Keys)
            _heard[index] = (Stopwatch.GetTimestamp(), null);

        // Whoever it told before may have forgotten.
        _telling.Want();
        return Task.CompletedTask;

        static void Copy<T>(Dictionary<int, T> from, Dictionary<int, T> into)
        {
            foreach (var (index, value) in from)
                into[index] = value;
        }
    }

    /// <inheritdoc/>
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        WorkTraces.End(_span);
        return base.OnDeactivateAsync(reason, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<HandOut> TakeAsync(StagePlan stage, TakeRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        Begin(stage);
        var changed = await PutBackOfTheDeadAsync();

        // 1. Choose. An item that its silo died of twice gets a device of its own, and a silo gets one such item at a time: others
        // must not die with it again.
        var now = Stopwatch.GetTimestamp();
        var hasSuspect = _out.Any(o => o.Value.Silo == request.Silo && _history[o.Key].Deaths >= 2);
        var chosen = new List<int>();
        foreach (var index in _waiting)
        {
            if (_notBefore.GetValueOrDefault(index) > now)
                continue;
            var suspect = _history.GetValueOrDefault(index) is { Deaths: >= 2 };
            if (suspect && (hasSuspect || !request.IsIdle || chosen.Count > 0))
                continue;
            chosen.Add(index);
            if (suspect || chosen.Count == request.Most)
                break;
        }

        // 2. What is handed out is in the state before it is handed out, and what the dead had is not any more.
        if (chosen.Count > 0)
            _span ??= WorkTraces.Range(_stage!, _range);
        var alone = request.Alone || (chosen.Count == 1 && _history.GetValueOrDefault(chosen[0]) is { Deaths: >= 2 });
        var items = chosen.Select(index => HandOut(index, request.Silo, alone)).ToArray();
        if (items.Length > 0 || changed)
        {
            await StoreAsync();
            TellSoon();
        }

        return new HandOut(items, Status());
    }

    /// <inheritdoc/>
    public async Task<ReportAnswer[]> ReportAsync(string silo, ItemReport[] reports)
    {
        ArgumentNullException.ThrowIfNull(reports);

        // 1. Lines for the log come first, each under a mark of its own: a repeat enters them once, and none is lost.
        var lines = reports.Where(r => IsHeldBy(silo, r) && r.Outcome?.Lines is not null).SelectMany(r => r.Outcome!.Lines!.Select((line, n) =>
            new NewEvent(string.Create(CultureInfo.InvariantCulture, $"{_stage!.Name}/{r.Index}/{n}"), "log", _stage.Name, line))).ToList();
        if (lines.Count > 0)
            await catalog.RecordAsync(_stage!.Experiment, null, lines, CancellationToken.None);

        // 2. What they say, in memory.
        var changed = false;
        var answers = new ReportAnswer[reports.Length];
        for (var i = 0; i < reports.Length; i++)
            answers[i] = Apply(silo, reports[i], ref changed);

        // 3. What changed is stored before anybody is told.
        if (changed)
            await StoreAsync(IsComplete ? TimeSpan.Zero : limits.BetweenWrites);
        TellSoon();
        return answers;
    }

    /// <inheritdoc/>
    public async Task<RangeStatus> CheckAsync(StagePlan stage)
    {
        Begin(stage);
        if (await PutBackOfTheDeadAsync())
            await StoreAsync();
        _telling!.Want();
        return Status();
    }

    /// <inheritdoc/>
    public async Task<int> RetryAsync()
    {
        var parked = _history.Where(h => h.Value.IsParked).Select(h => h.Key).ToList();
        foreach (var index in parked)
        {
            _history[index] = new ItemHistory(_history[index].Attempts);
            _waiting.Add(index);
        }

        if (parked.Count > 0)
            await StoreAsync();
        _telling!.Want();
        return parked.Count;
    }

    /// <inheritdoc/>
    public Task<Dictionary<int, string>> ResultsAsync() => Task.FromResult(new Dictionary<int, string>(_results));

    /// <inheritdoc/>
    public Task<Dictionary<string, byte[]>> SumsAsync() => Task.FromResult(Packed());

    /// <inheritdoc/>
    protected override RangeRecord Snapshot()
    {
        var bits = new byte[(_done.Length + 7) / 8];
        for (var i = 0; i < _done.Length; i++)
            bits[i / 8] |= (byte)(_done[i] ? 1 << (i % 8) : 0);
        return new RangeRecord { Stage = _stage, Range = _range, Done = bits, Sums = Packed(), Results = new(_results), Out = new(_out), History = new(_history) };
    }

    private Dictionary<string, byte[]> Packed()
    {
        foreach (var (name, counts) in _sums)
        {
            if (!_packed.ContainsKey(name))
                _packed[name] = SumCodec.Pack(counts);
        }

        return new(_packed);
    }

    private void Begin(StagePlan stage)
    {
        if (_stage is not null)
            return;
        _stage = stage;
        _done = new bool[stage.ItemsOf(_range)];
        _waiting.UnionWith(Enumerable.Range(First, _done.Length));
    }

    private WorkItem HandOut(int index, string silo, bool alone)
    {
        var history = _history.GetValueOrDefault(index) ?? new ItemHistory();
        history = history with { Attempts = history.Attempts + 1 };
        _history[index] = history;
        _out[index] = new HandedOut(silo, history.Attempts);
        _heard[index] = (Stopwatch.GetTimestamp(), null);
        _waiting.Remove(index);
        _notBefore.Remove(index);
        return new WorkItem(_stage!, index, history.Attempts, alone, _span?.Id ?? _stage!.TraceParent);
    }

    private bool IsHeldBy(string silo, ItemReport report) => _out.GetValueOrDefault(report.Index) is { } held && held.Silo == silo && held.Attempt == report.Attempt;

    private ReportAnswer Apply(string silo, ItemReport report, ref bool changed)
    {
        var inRange = _stage is not null && report.Index >= First && report.Index < First + _done.Length;
        if (!inRange || !IsHeldBy(silo, report))
        {
            // Done before: the answer to the first report was lost, or another was quicker. Either way its bit is set.
            // The write of the first report may not have ended, so the repeat waits for one, too.
            var isDone = inRange && report.Kind == ReportKind.Done && _done[report.Index - First];
            changed |= isDone;
            return Answer(isDone ? ReportVerdict.Taken : ReportVerdict.Superseded);
        }

        switch (report.Kind)
        {
            case ReportKind.Held:
                changed |= Hear(report);
                return Answer(ReportVerdict.Taken);
            case ReportKind.Done:
                changed = true;
                return Finish(report);
            case ReportKind.Failed:
                changed = true;
                return Fail(report.Index, report.Outcome!.Error ?? "it failed without a reason", report.Outcome.Final)
                    ? Answer(ReportVerdict.Taken) with { IsParked = true }
                    : Answer(ReportVerdict.Taken);
            default:
                changed = true;
                PutBack(report.Index, TimeSpan.Zero);
                return Answer(ReportVerdict.Taken);
        }
    }

    private ReportAnswer Answer(ReportVerdict verdict) => new(verdict, _doneElsewhere + _doneCount);

    /// <summary>True when the report must be stored: the item got on, and its deaths are forgotten.</summary>
    private bool Hear(ItemReport report)
    {
        _heard[report.Index] = (Stopwatch.GetTimestamp(), report.Progress ?? _heard.GetValueOrDefault(report.Index).Progress);
        var history = _history[report.Index];
        if (report.Progress?.Checkpoint is not { } checkpoint || checkpoint <= history.Checkpoint)
            return false;
        _history[report.Index] = history with { Checkpoint = checkpoint, Deaths = 0 };
        return history.Deaths > 0;
    }

    private ReportAnswer Finish(ItemReport report)
    {
        try
        {
            AddSums(report.Outcome?.Sums ?? []);
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException)
        {
            // It would not fit the next time either.
            Fail(report.Index, e.Message, final: true);
            return new ReportAnswer(ReportVerdict.Refused, _doneElsewhere + _doneCount, e.Message, IsParked: true);
        }

        _done[report.Index - First] = true;
        _doneCount++;
        if (report.Outcome?.Json is { } result)
            _results[report.Index] = result;
        Forget(report.Index);
        _history.Remove(report.Index);
        return Answer(ReportVerdict.Taken);
    }

    /// <summary>All of them, or none.</summary>
    private void AddSums(Dictionary<string, byte[]> sums)
    {
        // 1. What may fail. The memory is borrowed: an item's counts are small, but there are thousands of items a second.
        var unpacked = new List<(string Name, long[] Counts, int Length)>(sums.Count);
        try
        {
            foreach (var (name, bytes) in sums)
            {
                var length = SumCodec.LengthOf(bytes);
                unpacked.Add((name, ArrayPool<long>.Shared.Rent(length), length));
                var counts = unpacked[^1].Counts.AsSpan(0, length);
                SumCodec.Unpack(bytes, counts);
                if (_sums.TryGetValue(name, out var sum))
                    SumCodec.Check(name, sum, counts);
            }

            // 2. What can not.
            foreach (var (name, counts, length) in unpacked)
            {
                if (_sums.TryGetValue(name, out var sum))
                    SumCodec.Add(name, sum, counts.AsSpan(0, length));
                else
                    _sums[name] = counts[..length];
                _packed.Remove(name);
            }
        }
        finally
        {
            foreach (var (_, counts, _) in unpacked)
                ArrayPool<long>.Shared.Return(counts);
        }
    }

    /// <summary>True when it is parked.</summary>
    private bool Fail(int index, string error, bool final)
    {
        var history = _history[index];
        history = history with { Failures = history.Failures + 1, Error = error };
        Log("error", index, history.Attempts, error);
        _history[index] = history with { IsParked = final || history.Failures >= _stage!.MaxFailures };
        PutBack(index, limits.RetryDelay * Math.Min(60, Math.Pow(2, history.Failures - 1)) * (0.5 + Random.Shared.NextDouble()));
        return _history[index].IsParked;
    }

    /// <summary>Takes back what dead silos had; true when there was any.</summary>
    private async Task<bool> PutBackOfTheDeadAsync()
    {
        var dead = await members.DeadAmongAsync([.. _out.Values.Select(o => o.Silo).Distinct()]);
        var lost = _out.Where(o => dead.Contains(o.Value.Silo)).ToList();
        foreach (var (index, held) in lost)
        {
            var history = _history[index];
            history = history with { Deaths = history.Deaths + 1, Error = $"silo {held.Silo} died while it ran this" };
            Log("death", index, held.Attempt, history.Error);
            _history[index] = history with { IsParked = history.Deaths >= _stage!.MaxDeaths };
            PutBack(index, TimeSpan.Zero);
        }

        return lost.Count > 0;
    }

    private void Log(string kind, int index, int attempt, string text) => _untold.Add(new NewEvent(
        string.Create(CultureInfo.InvariantCulture, $"{_stage!.Name}/{index}/{kind}{attempt}"), kind, _stage.Name, string.Create(CultureInfo.InvariantCulture, $"item {index}: {text}")));

    private void PutBack(int index, TimeSpan delay)
    {
        Forget(index);
        if (_history[index].IsParked)
            return;
        _waiting.Add(index);
        if (delay > TimeSpan.Zero)
            _notBefore[index] = Stopwatch.GetTimestamp() + (long)(delay.TotalSeconds * Stopwatch.Frequency);
        GrainFactory.GetGrain<ISchedulerGrain>(ISchedulerGrain.Key)
            .RangeHasItemsAsync(_stage!.Experiment, _stage.Name, _range, (long)delay.TotalMilliseconds).Ignore();
    }

    private void Forget(int index)
    {
        _out.Remove(index);
        _heard.Remove(index);
    }

    private RangeStatus Status()
    {
        var now = Stopwatch.GetTimestamp();
        var later = _waiting.Select(i => _notBefore.GetValueOrDefault(i)).Where(due => due > now).ToList();
        var next = later.Count == 0 ? -1 : (long)Math.Ceiling(Stopwatch.GetElapsedTime(now, later.Min()).TotalMilliseconds);
        return new RangeStatus(_waiting.Count - later.Count, next, IsComplete);
    }

    /// <summary>Now and then: what a dead silo had, or nobody was heard of, goes back. The answer that handed it out may have been lost.</summary>
    private async Task LookAsync(CancellationToken ct)
    {
        if (IsGone || _stage is null)
            return;
        var changed = await PutBackOfTheDeadAsync();
        foreach (var index in _heard.Where(h => Stopwatch.GetElapsedTime(h.Value.Heard) > limits.UnheardAfter).Select(h => h.Key).ToList())
        {
            PutBack(index, TimeSpan.Zero);
            changed = true;
        }

        if (changed)
            await StoreAsync();
        if (changed || _out.Count > 0)
            _telling!.Want();
    }

    private void TellSoon()
    {
        // An experiment is told at most a few times a second, and at once of an end. The last news is not left out.
        if (IsComplete || _history.Values.Any(h => h.IsParked) || Stopwatch.GetElapsedTime(_told) > limits.BetweenWrites)
            _telling!.Want();
        else if (!_tellsLater)
            _ = TellLaterAsync();
    }

    private async Task TellLaterAsync()
    {
        _tellsLater = true;
        await Task.Delay(limits.BetweenWrites);
        _tellsLater = false;
        _telling!.Want();
    }

    private async Task TellAsync()
    {
        if (_stage is null)
            return;

        // Only what is stored is told: an experiment does not take back what a range forgets.
        await OthersStoredAsync();
        _told = Stopwatch.GetTimestamp();
        if (_untold.ToList() is { Count: > 0 } lines)
        {
            await catalog.RecordAsync(_stage.Experiment, null, lines, CancellationToken.None);
            _untold.RemoveRange(0, lines.Count);
        }

        var running = _out.Select(o => Running(o.Key, o.Value)).OrderBy(r => r.Index).Take(100).ToArray();
        var parked = _history.Where(h => h.Value.IsParked).Select(h => new FailedItem(_stage.Name, h.Key, h.Value.Failures, h.Value.Deaths, h.Value.Error ?? "")).ToArray();
        var complete = IsComplete;
        var report = new RangeReport(_stage.Name, _range, _doneCount, _out.Count, running, parked, complete ? Packed() : null);
        var experiment = GrainFactory.GetGrain<IExperimentGrain>(_stage.Experiment.ToString(CultureInfo.InvariantCulture));
        _doneElsewhere = (await experiment.RangeChangedAsync(report)).DoneElsewhere;
        if (complete)
        {
            WorkTraces.End(_span);
            _span = null;
            DeactivateOnIdle();
        }
    }

    private RunningItem Running(int index, HandedOut held)
    {
        var progress = _heard.GetValueOrDefault(index).Progress;
        return new RunningItem(_stage!.Name, index, held.Silo, held.Attempt, progress?.Fraction ?? 0, progress?.Note);
    }
}
