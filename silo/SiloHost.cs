// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains;
using Teravox.Grains.Ledger;

namespace Teravox.Silo;

/// <summary>
/// A process's share of the work: plans stages that are ready, claims items that its devices have room for, and runs each
/// under its lease. No silo is special; any number of them may share a ledger, and one that dies loses its leases, nothing
/// else.
/// <para>
/// The loop, again and again until it is told to stop:
/// <list type="number">
/// <item>take the wait for news before looking, so that no news falls between the look and the wait;</item>
/// <item>reap leases that lapsed, a few times per ttl;</item>
/// <item>expand ready stages into items, now and then, and whenever claims do not fill the devices;</item>
/// <item>claim what each device has room for, never more, and start each item in a task of its own;</item>
/// <item>when it works for one experiment, see whether that has ended;</item>
/// <item>wait for news, room on a device, or the poll.</item>
/// </list>
/// It stops in two phases: it claims no more and lets running items end; after the grace period it cancels them and gives
/// their attempts back. Work that does not heed the cancel is waited for; to end it, end the process, which is safe.
/// </para>
/// </summary>
public sealed class SiloHost : ISilo
{
    private readonly ILedger _ledger;
    private readonly Dictionary<string, IWorkGrain> _grains;
    private readonly SiloOptions _options;
    private readonly SiloRuns _runs;
    private readonly StageExpander _expander;
    private readonly Claimer _claimer;
    private readonly DeviceSlots[] _devices;
    private TaskCompletionSource _freed = New();
    private volatile bool _draining;
    private int _active;

    /// <summary>A silo that is not yet running.</summary>
    /// <exception cref="ArgumentException">Two grains of one kind, or no device, or a device without slots or threads.</exception>
    public SiloHost(ILedger ledger, IReadOnlyList<IWorkGrain> grains, IStagePlanner planner, SiloOptions options)
    {
        ArgumentNullException.ThrowIfNull(ledger);
        ArgumentNullException.ThrowIfNull(planner);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Devices.Count == 0 || options.Devices.Any(device => device.Slots < 1 || device.Threads < 1))
        {
            throw new ArgumentException("A silo needs a device, and every device a slot and a thread.", nameof(options));
        }

        _ledger = ledger;
        _grains = grains.ToDictionary(grain => grain.Kind, StringComparer.Ordinal);
        _options = options;
        _devices = [.. options.Devices.Select(device => new DeviceSlots(device))];
        _runs = new SiloRuns(ledger, options, what => Happened?.Invoke(what), () => Interlocked.Exchange(ref _freed, New()).TrySetResult());
        _expander = new StageExpander(ledger, planner, _grains.Keys, options.Poll, _runs.Emit);
        _claimer = new Claimer(ledger, _grains, options);
    }

    /// <summary>
    /// Raised for everything that happens, on the thread where it happens, so handlers must be quick, bear concurrent
    /// calls and never throw.
    /// </summary>
    public event Action<SiloEvent>? Happened;

    /// <summary>What it says of itself when it signs on.</summary>
    /// <param name="url">Where its HTTP face listens, or null.</param>
    public SiloEntry Entry(string? url) => _options.Entry(url, [.. _grains.Keys]);

    /// <summary>How its work goes at this moment.</summary>
    public SiloStatus Status => _runs.Status(_draining);

    void ISilo.Emit(SiloEvent what) => _runs.Emit(what);

    Task ISilo.RunAsync(Action ready, CancellationToken stop, CancellationToken stopNow)
    {
        ready();
        return RunAsync(stop, stopNow);
    }

    /// <summary>Works for every experiment of the ledger until <paramref name="stop"/>.</summary>
    /// <param name="stop">Begins the two-phase stop.</param>
    /// <param name="stopNow">Ends the grace period.</param>
    /// <exception cref="InputException">The ledger can not be used any more.</exception>
    /// <exception cref="InvalidOperationException">This silo runs already.</exception>
    public Task RunAsync(CancellationToken stop, CancellationToken stopNow = default) =>
        ActAsync(() => LoopAsync(null, stop, stopNow));

    /// <summary>Works for one experiment until it ended, or until <paramref name="stop"/>.</summary>
    /// <param name="experimentId">The experiment.</param>
    /// <param name="stop">Begins the two-phase stop.</param>
    /// <param name="stopNow">Ends the grace period.</param>
    /// <returns>
    /// Its state; <see cref="ExperimentState.Running"/> or <see cref="ExperimentState.Paused"/> when it was stopped before
    /// the end.
    /// </returns>
    /// <exception cref="InputException">
    /// The ledger can not be used any more, has no such experiment, or a stage needs what this silo does not have.
    /// </exception>
    /// <exception cref="InvalidOperationException">This silo runs already.</exception>
    public async Task<ExperimentState> RunToEndAsync(
        long experimentId, CancellationToken stop, CancellationToken stopNow = default)
    {
        await FindAsync(experimentId);
        foreach (var stage in await _ledger.StagesAsync(experimentId, CancellationToken.None))
        {
            RefuseUnfit(stage);
        }

        await ActAsync(() => LoopAsync(experimentId, stop, stopNow));
        return (await FindAsync(experimentId)).State;
    }

    private async Task ActAsync(Func<Task> loop)
    {
        if (Interlocked.Exchange(ref _active, 1) == 1)
        {
            throw new InvalidOperationException($"Silo {_options.Name} runs already.");
        }

        try
        {
            _runs.Renew();
            await loop();
        }
        finally
        {
            Volatile.Write(ref _active, 0);
        }
    }

    private async Task LoopAsync(long? only, CancellationToken stop, CancellationToken stopNow)
    {
        var round = new Round { Reaped = LeaseClock.Now };
        var news = Task.CompletedTask;
        _draining = false;
        try
        {
            while (!stop.IsCancellationRequested && _runs.Fault is null)
            {
                // Waits taken in an earlier round serve as well: nothing came since.
                news = news.IsCompleted ? _ledger.WaitForHintAsync(Jitter.Below(_options.Poll), stop) : news;
                var freed = Volatile.Read(ref _freed).Task;
                try
                {
                    if (await WorkAsync(round, only, stop))
                    {
                        break;
                    }
                }
                catch (LedgerUnavailableException e)
                {
                    _runs.Emit(new LedgerSilent(e.Message));
                }

                await Task.WhenAny(news, freed);
            }
        }
        catch (Exception e)
        {
            _runs.Fail(e);
        }

        _draining = true;
        await _runs.DrainAsync(stopNow);
        if (_runs.Fault is { } fault)
        {
            ExceptionDispatchInfo.Throw(fault);
        }
    }

    /// <summary>What the loop remembers from round to round.</summary>
    private sealed class Round
    {
        public bool Started { get; set; }

        public long Reaped { get; set; }

        public long Expanded { get; set; }
    }

    /// <summary>One round; true when the one experiment has ended.</summary>
    private async Task<bool> WorkAsync(Round round, long? only, CancellationToken stop)
    {
        if (!round.Started && _options.Alone)
        {
            await _ledger.ReapOthersAsync(_options.Name, CancellationToken.None);
        }

        round.Started = true;
        if (Stopwatch.GetElapsedTime(round.Reaped) > Jitter.Below(_options.HeartbeatEvery))
        {
            await _ledger.ReapAsync(CancellationToken.None);
            round.Reaped = LeaseClock.Now;
        }

        var expand = Stopwatch.GetElapsedTime(round.Expanded) > _options.Poll;
        if (expand)
        {
            await ExpandAsync(round, only, stop);
        }

        if (await ClaimAsync(only, stop) && !expand && await ExpandAsync(round, only, stop))
        {
            await ClaimAsync(only, stop);
        }

        return only is { } experimentId && await HasEndedAsync(experimentId);
    }

    private async Task<bool> ExpandAsync(Round round, long? only, CancellationToken stop)
    {
        var more = await _expander.ExpandAsync(only, stop);
        round.Expanded = LeaseClock.Now;
        return more;
    }

    /// <summary>Claims for all devices. True when there was not enough to fill them.</summary>
    private async Task<bool> ClaimAsync(long? only, CancellationToken stop)
    {
        var hungry = false;
        foreach (var device in _devices)
        {
            hungry |= await _claimer.ClaimAsync(device, only, (lease, sent) => StartAsync(device, lease, sent, stop), stop);
        }

        return hungry;
    }

    private async Task StartAsync(DeviceSlots device, WorkLease lease, long sent, CancellationToken stop)
    {
        if (stop.IsCancellationRequested)
        {
            await _ledger.ReleaseAsync(lease, CancellationToken.None);
            return;
        }

        var grain = _grains[lease.Kind];
        device.Take(grain.Overlaps);
        _ = _runs.Start(grain, lease, device, sent);
    }

    private async Task<bool> HasEndedAsync(long experimentId)
    {
        var state = (await FindAsync(experimentId)).State;
        if (state == ExperimentState.Cancelled)
        {
            _runs.CancelAll(StopCause.Cancelled);
        }

        return state is ExperimentState.Succeeded or ExperimentState.Failed or ExperimentState.Cancelled;
    }

    private async Task<ExperimentRow> FindAsync(long experimentId) =>
        await _ledger.FindAsync(experimentId, CancellationToken.None)
        ?? throw new InputException($"The ledger has no experiment {experimentId}; list the experiments to see their numbers.");

    private void RefuseUnfit(StageRow stage)
    {
        if (stage.State == StageState.Done || Fitting.Fits(stage.Kind, stage.Needs, Entry(null)))
        {
            return;
        }

        throw new InputException(_grains.ContainsKey(stage.Kind)
            ? $"Stage '{stage.Name}' needs {Fitting.Describe(stage.Needs)}, which is not here."
            : $"Stage '{stage.Name}' is of kind '{stage.Kind}', which this teravox can not run; use a newer one.");
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
