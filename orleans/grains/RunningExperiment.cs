// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Orleans.Concurrency;
using Orleans.Storage;
using Teravox.Contracts.Api;
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Orleans.Silos;
using Teravox.Silo;
using Teravox.Silo.Http;
using Teravox.Silo.Http.Experiments;

namespace Teravox.Orleans.Grains;

/// <summary>
/// Keeps an experiment going: plans its ready stages, and hands their items to the silos' devices, a new one for each that has
/// ended. The truth is in the ledger, so a new activation after a silo's death goes on from there; it is called by the other
/// silos when they learn of the death, and by a reminder in any case.
/// </summary>
[Reentrant]
[KeepAlive]
internal sealed class RunningExperiment : Grain, IExperimentGrain, IRemindable, IDisposable
{
    // As many items as are looked up at a time.
    private const int Window = 256;
    private const string Reminder = "experiment";
    private static readonly TimeSpan ReminderEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(250);
    private readonly ApiServices _api;
    private readonly Desk _desk;
    private readonly StageExpander _expander;
    private readonly IClusterMembershipService _cluster;
    private readonly IPersistentState<ExperimentMemory> _memory;
    private readonly Placements _placements;
    private readonly CancellationTokenSource _gone = new();
    private Queue<WaitingItem> _waiting = [];
    private IGrainTimer? _timer;
    private long _id;
    private bool _look = true;
    private bool _feeding;
    private bool _again;
    private long _due;

    public RunningExperiment(
        ApiServices api,
        Desk desk,
        IStagePlanner planner,
        SiloDirectory directory,
        IClusterMembershipService cluster,
        [PersistentState("experiment", OrleansSettings.Storage)] IPersistentState<ExperimentMemory> memory)
    {
        _api = api;
        _desk = desk;
        _expander = new StageExpander(api.Ledger, planner, desk.Kinds, 4 * Soon, desk.Runs.Emit);
        _cluster = cluster;
        _memory = memory;
        _placements = new Placements(directory, desk.Overlaps);
    }

    private ILedger Ledger => _api.Ledger;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _id = long.Parse(this.GetPrimaryKeyString(), CultureInfo.InvariantCulture);
        _memory.State.Activations++;
        _memory.State.Silo = _desk.Entry.Name;
        await _memory.WriteStateAsync(cancellationToken);
        _placements.Update(_cluster.CurrentSnapshot);
        _ = FollowClusterAsync();
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _gone.CancelAsync();
        _timer?.Dispose();
    }

    public void Dispose() => _gone.Dispose();

    public Task WakeAsync()
    {
        _look = true;
        _ = FeedAsync();
        return Task.CompletedTask;
    }

    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        // An item whose grain is lost would hold its room for ever; asked again, one that is not says so and goes on.
        foreach (var (ticket, silo) in _placements.All.ToList())
            await BeginAsync(ticket, silo);
        await WakeAsync();
    }

    public Task EndedAsync(ItemTicket ticket, ItemOutcome outcome, SiloAddress where)
    {
        _placements.Remove(ticket.Place);
        if (outcome == ItemOutcome.Closed)
            _placements.Close(where);
        _look |= outcome != ItemOutcome.Committed;
        if (outcome is ItemOutcome.Gone or ItemOutcome.NotNow)
            After(Soon);
        else
            _ = FeedAsync();
        return Task.CompletedTask;
    }

    public async Task<ExperimentProgress?> ProgressAsync() =>
        await Ledger.FindAsync(_id, CancellationToken.None) is { } row ? await ExperimentViews.ProgressAsync(_api, row, CancellationToken.None) : null;

    public Task<ExperimentPlace> WhereAsync() => Task.FromResult(new ExperimentPlace(_memory.State.Silo, _memory.State.Activations));

    /// <summary>Hands out what there is to do. Calls that come meanwhile make it look once more.</summary>
    private async Task FeedAsync()
    {
        _again = true;
        if (_feeding)
            return;
        _feeding = true;
        try
        {
            while (_again && !_gone.IsCancellationRequested)
            {
                _again = false;
                if ((!_look && _waiting.Count > 0) || await LookAsync())
                    HandOut();
            }
        }
        catch (Exception) when (_gone.IsCancellationRequested)
        {
            // This activation is over, and Orleans refuses it everything.
        }
        catch (InconsistentStateException)
        {
            // The grain is active elsewhere too, and wrote there: one of the two must go, and this one knows.
            DeactivateOnIdle();
        }
        catch (LedgerUnavailableException e)
        {
            _desk.Runs.Emit(new LedgerSilent(e.Message));
            _look = true;
            After(Soon);
        }
        catch (Exception e) when (Calls.MayPass(e))
        {
            _look = true;
            After(Soon);
        }
        catch (Exception e)
        {
            // The ledger is unusable or this code is wrong: the silo stops.
            _desk.Fail(e);
        }
        finally
        {
            _feeding = false;
        }
    }

    /// <summary>Plans stages that are ready and finds the items that wait. False when the experiment does not run.</summary>
    private async Task<bool> LookAsync()
    {
        _look = false;
        var row = await Ledger.FindAsync(_id, CancellationToken.None);
        if (row is not { State: ExperimentState.Running })
        {
            _waiting.Clear();
            if (row is not { State: ExperimentState.Paused })
                await EndAsync();
            return false;
        }

        if (!_memory.State.Reminds)
        {
            await this.RegisterOrUpdateReminder(Reminder, ReminderEvery, ReminderEvery);
            _memory.State.Reminds = true;
            await _memory.WriteStateAsync();
        }

        await _expander.ExpandAsync(_id, _gone.Token);
        var items = await Ledger.WaitingItemsAsync(_id, Window + _placements.Count, CancellationToken.None);
        _waiting = new(items.Where(item => item.PutOff == TimeSpan.Zero && !_placements.Contains(item.Place)));

        // What is put off, or could not be planned this time, comes up again by itself.
        var later = items.Where(item => item.PutOff > TimeSpan.Zero).Select(item => item.PutOff).DefaultIfEmpty(TimeSpan.MaxValue).Min();
        if (later < TimeSpan.MaxValue)
            After(later + TimeSpan.FromMilliseconds(10));
        if ((await Ledger.ReadyStagesAsync(CancellationToken.None)).Any(stage => stage.ExperimentId == _id && _desk.Kinds.Contains(stage.Kind)))
            After(4 * Soon);
        return true;
    }

    private void HandOut()
    {
        var full = new HashSet<(string Kind, WorkNeeds Needs)>();
        var left = new Queue<WaitingItem>();
        var fits = true;
        while (_waiting.TryDequeue(out var item))
        {
            if (!full.Contains((item.Kind, item.Needs)) && _placements.Choose(item) is { } silo)
            {
                var ticket = new ItemTicket(_id, item.Place.StageId, item.StageName, item.Kind, item.Place.Index, item.Priority, item.Needs);
                _placements.Add(ticket, silo);
                _ = BeginAsync(ticket, silo);
                continue;
            }

            if (full.Add((item.Kind, item.Needs)))
                fits &= _placements.AnyFits(item);
            left.Enqueue(item);
        }

        _waiting = left;

        // A silo that has just joined is known a moment later than its metadata.
        if (!fits)
            After(4 * Soon);
    }

    private async Task BeginAsync(ItemTicket ticket, SiloAddress silo)
    {
        try
        {
            DevicePlacementFilter.Ask(ticket, silo);
            IItemGrain grain = ItemGrains.Of(GrainFactory, ticket, _desk.Overlaps(ticket.Kind));
            _placements.Move(ticket, await grain.BeginAsync(ticket));
        }
        catch (Exception e) when (Calls.MayPass(e))
        {
            _placements.Remove(ticket.Place);
            _look = true;
            if (!_gone.IsCancellationRequested)
                After(Soon);
        }
    }

    private async Task EndAsync()
    {
        if (await this.GetReminder(Reminder) is { } reminder)
            await this.UnregisterReminder(reminder);
        _memory.State.Reminds = false;
        await _memory.WriteStateAsync();

        // Whoever still runs items of it finds out by the next heartbeat.
        if (_placements.Count == 0)
            DeactivateOnIdle();
    }

    private async Task FollowClusterAsync()
    {
        try
        {
            await foreach (var snapshot in _cluster.MembershipUpdates.WithCancellation(_gone.Token))
            {
                _look |= _placements.Update(snapshot);
                _ = FeedAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // Deactivated.
        }
    }

    /// <summary>Feeds once more after a time, if not before. One timer serves all: the earliest wins.</summary>
    private void After(TimeSpan time)
    {
        var due = Environment.TickCount64 + (long)time.TotalMilliseconds;
        if (_timer is not null && _due <= due)
            return;
        _timer?.Dispose();
        _due = due;
        _timer = this.RegisterGrainTimer(
            _ =>
            {
                _timer?.Dispose();
                _timer = null;
                _look = true;
                return FeedAsync();
            },
            new GrainTimerCreationOptions(time, Timeout.InfiniteTimeSpan) { Interleave = true });
    }
}

/// <summary>What an experiment's grain remembers from activation to activation.</summary>
internal sealed class ExperimentMemory
{
    /// <summary>How often it was activated.</summary>
    public int Activations { get; set; }

    /// <summary>Name of the silo where it was activated last.</summary>
    public string Silo { get; set; } = "";

    /// <summary>Whether its reminder is registered.</summary>
    public bool Reminds { get; set; }
}
