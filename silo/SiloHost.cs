// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Grains.Ledger;

namespace Teravox.Silo;

/// <summary>
/// A process's share of the work: plans stages that are ready, claims items into free slots of its devices, and runs
/// each under its lease. No silo is special; any number of them may share a ledger, and one that dies loses its leases,
/// nothing else.
/// <para>
/// The loop, again and again until it is told to stop:
/// <list type="number">
/// <item>take the wait for news before looking, so that no news falls between the look and the wait;</item>
/// <item>expand ready stages into items;</item>
/// <item>reap leases that lapsed, a few times per ttl;</item>
/// <item>claim into free slots, never more, and start each item in a task of its own;</item>
/// <item>when it works for one experiment, see whether that has ended;</item>
/// <item>wait for news, a free slot, or the poll.</item>
/// </list>
/// It stops in two phases: it claims no more and lets running items end; after the grace period it cancels them and gives
/// their attempts back. Work that does not heed the cancel is waited for; to end it, end the process, which is safe.
/// </para>
/// </summary>
public sealed class SiloHost
{
    private const int PlanFailuresAllowed = 4;
    private readonly ILedger _ledger;
    private readonly Dictionary<string, IWorkGrain> _grains;
    private readonly IStagePlanner _planner;
    private readonly SiloOptions _options;
    private readonly Lock _lock = new();
    private readonly Dictionary<ItemRun, Task> _runs = [];
    private readonly Dictionary<long, (int Failures, long At)> _planFailures = [];
    private readonly HashSet<(long ExperimentId, string Stage)> _done = [];
    private TaskCompletionSource _slotFreed = New();
    private Exception? _fault;
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
        _planner = planner;
        _options = options;
    }

    /// <summary>
    /// Raised for everything that happens, on the thread where it happens, so handlers must be quick, bear concurrent
    /// calls and never throw.
    /// </summary>
    public event Action<SiloEvent>? Happened;

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
            _fault = null;
            await loop();
        }
        finally
        {
            Volatile.Write(ref _active, 0);
        }
    }

    private async Task LoopAsync(long? only, CancellationToken stop, CancellationToken stopNow)
    {
        var sinceReap = LeaseClock.Now;
        var started = false;
        try
        {
            while (!stop.IsCancellationRequested && Volatile.Read(ref _fault) is null)
            {
                // 1. Take the wait before looking.
                var news = _ledger.WaitForHintAsync(Jitter.Below(_options.Poll), stop);
                var slotFreed = Volatile.Read(ref _slotFreed).Task;
                try
                {
                    if (!started && _options.Alone)
                    {
                        await _ledger.ReapOthersAsync(_options.Name, CancellationToken.None);
                    }

                    started = true;

                    // 2. Expand.
                    await ExpandAsync(only, stop);

                    // 3. Reap.
                    if (Stopwatch.GetElapsedTime(sinceReap) > _options.HeartbeatEvery)
                    {
                        await _ledger.ReapAsync(CancellationToken.None);
                        sinceReap = LeaseClock.Now;
                    }

                    // 4. Claim.
                    foreach (var device in _options.Devices)
                    {
                        await ClaimAsync(device, only, stop);
                    }

                    // 5. See whether it has ended.
                    if (only is { } experimentId && await HasEndedAsync(experimentId))
                    {
                        break;
                    }
                }
                catch (LedgerUnavailableException e)
                {
                    Emit(new LedgerSilent(e.Message));
                }

                // 6. Wait.
                await Task.WhenAny(news, slotFreed);
            }
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _fault, e, null);
        }

        await DrainAsync(stopNow);
        if (_fault is { } fault)
        {
            ExceptionDispatchInfo.Throw(fault);
        }
    }

    private async Task ExpandAsync(long? only, CancellationToken stop)
    {
        foreach (var stage in await _ledger.ReadyStagesAsync(CancellationToken.None))
        {
            if (stop.IsCancellationRequested)
            {
                return;
            }

            if ((only is null || stage.ExperimentId == only) && _grains.ContainsKey(stage.Kind) && PlanIsDue(stage))
            {
                await ExpandAsync(stage, stop);
            }
        }
    }

    private async Task ExpandAsync(StageRow stage, CancellationToken stop)
    {
        int count;
        try
        {
            count = await _planner.CountItemsAsync(stage, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e) when (e is not LedgerUnavailableException)
        {
            await PlanFailedAsync(stage, e);
            return;
        }

        _planFailures.Remove(stage.Id);
        if (await _ledger.ExpandAsync(stage.Id, count, CancellationToken.None))
        {
            Emit(new StageExpanded(stage.ExperimentId, stage.Name, count));
            if (count == 0)
            {
                Emit(new StageDone(stage.ExperimentId, stage.Name, 0));
            }
        }
    }

    private bool PlanIsDue(StageRow stage) =>
        !_planFailures.TryGetValue(stage.Id, out var last) || Stopwatch.GetElapsedTime(last.At) > _options.Poll * last.Failures;

    /// <summary>Bad input fails the stage at once; anything else, a file server that hiccups say, after a few looks.</summary>
    private async Task PlanFailedAsync(StageRow stage, Exception e)
    {
        var failures = _planFailures.GetValueOrDefault(stage.Id).Failures + 1;
        _planFailures[stage.Id] = (failures, LeaseClock.Now);
        var final = e is InputException || failures >= PlanFailuresAllowed;
        var error = e is InputException ? e.Message : $"{e.GetType().Name}: {e.Message}";
        if (final)
        {
            await _ledger.FailStageAsync(stage.Id, error, CancellationToken.None);
            _planFailures.Remove(stage.Id);
        }

        Emit(new PlanFailed(stage.ExperimentId, stage.Name, error, final));
    }

    private async Task ClaimAsync(SiloDevice device, long? only, CancellationToken stop)
    {
        var free = device.Slots - Count(device);
        if (free < 1 || stop.IsCancellationRequested)
        {
            return;
        }

        var request = new ClaimRequest(
            _options.Name, free, _options.Ttl, device.HasGpu, device.MemoryBytes, _options.Tags, [.. _grains.Keys], only);
        var sent = LeaseClock.Now;

        // Not cancelled by a stop: rows that were leased already would be stranded until they lapse.
        foreach (var lease in await _ledger.ClaimAsync(request, CancellationToken.None))
        {
            if (stop.IsCancellationRequested)
            {
                await _ledger.ReleaseAsync(lease, CancellationToken.None);
                continue;
            }

            Start(new ItemRun(_ledger, _grains[lease.Kind], lease, device, _options, sent, Emit));
        }
    }

    private void Start(ItemRun run)
    {
        lock (_lock)
        {
            _runs[run] = Task.Run(async () =>
            {
                try
                {
                    using (run)
                    {
                        await run.RunAsync();
                    }
                }
                catch (Exception e)
                {
                    // The ledger is unusable or this code is wrong: the loop stops and throws it.
                    Interlocked.CompareExchange(ref _fault, e, null);
                }
                finally
                {
                    lock (_lock)
                    {
                        _runs.Remove(run);
                    }

                    Interlocked.Exchange(ref _slotFreed, New()).TrySetResult();
                }
            });
        }
    }

    private int Count(SiloDevice device)
    {
        lock (_lock)
        {
            return _runs.Keys.Count(run => ReferenceEquals(run.Device, device));
        }
    }

    private async Task<bool> HasEndedAsync(long experimentId)
    {
        var state = (await FindAsync(experimentId)).State;
        if (state == ExperimentState.Cancelled)
        {
            CancelAll(StopCause.Cancelled);
        }

        return state is ExperimentState.Succeeded or ExperimentState.Failed or ExperimentState.Cancelled;
    }

    private async Task DrainAsync(CancellationToken stopNow)
    {
        Task[] running;
        lock (_lock)
        {
            running = [.. _runs.Values];
        }

        var ended = Task.WhenAll(running);
        var grace = Volatile.Read(ref _fault) is null ? _options.GracePeriod : TimeSpan.Zero;
        try
        {
            await ended.WaitAsync(grace, stopNow);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            CancelAll(StopCause.Stopping);
            await ended;
        }
    }

    private void CancelAll(StopCause cause)
    {
        lock (_lock)
        {
            foreach (var run in _runs.Keys)
            {
                run.Cancel(cause);
            }
        }
    }

    private async Task<ExperimentRow> FindAsync(long experimentId) =>
        await _ledger.FindAsync(experimentId, CancellationToken.None)
        ?? throw new InputException($"The ledger has no experiment {experimentId}; list the experiments to see their numbers.");

    private void RefuseUnfit(StageRow stage)
    {
        if (stage.State == StageState.Done)
        {
            return;
        }

        if (!_grains.ContainsKey(stage.Kind))
        {
            throw new InputException(
                $"Stage '{stage.Name}' is of kind '{stage.Kind}', which this teravox can not run; use a newer one.");
        }

        var needs = stage.Needs;
        if (needs.Tag is { } tag && !_options.Tags.Contains(tag, StringComparer.Ordinal))
        {
            throw new InputException($"Stage '{stage.Name}' needs a silo with tag '{tag}', which this one does not have.");
        }

        bool Fits(SiloDevice device) =>
            (device.HasGpu || !needs.Gpu) && (device.MemoryBytes == 0 || device.MemoryBytes >= needs.MemoryBytes);
        if (!_options.Devices.Any(Fits))
        {
            var gpu = needs.Gpu ? "a CUDA device" : "a device";
            var memory = needs.MemoryBytes > 0 ? $" with {needs.MemoryBytes} bytes of memory" : "";
            throw new InputException($"Stage '{stage.Name}' needs {gpu}{memory}, which this machine does not have.");
        }
    }

    private void Emit(SiloEvent what)
    {
        if (what is StageDone done)
        {
            lock (_lock)
            {
                // Two items that commit side by side may both find their stage done.
                if (!_done.Add((done.ExperimentId, done.Stage)))
                {
                    return;
                }
            }
        }

        Happened?.Invoke(what);
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
