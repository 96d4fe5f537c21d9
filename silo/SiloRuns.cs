// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using Teravox.Contracts.Api;
using Teravox.Grains;
using Teravox.Grains.Ledger;

namespace Teravox.Silo;

/// <summary>The items that a silo runs, each in a task of its own, from their leases to their last writes.</summary>
internal sealed class SiloRuns
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ItemRun, Task> _runs = [];
    private readonly Action<SiloEvent> _emit;
    private readonly HashSet<(long ExperimentId, string Stage)> _done = [];
    private Exception? _fault;

    /// <summary>None yet.</summary>
    /// <param name="ledger">The ledger.</param>
    /// <param name="options">The silo's settings.</param>
    /// <param name="emit">Told what happens.</param>
    /// <param name="freed">Called when a place on a device is free.</param>
    public SiloRuns(ILedger ledger, SiloOptions options, Action<SiloEvent> emit, Action freed)
    {
        _emit = emit;
        Work = new SiloWork(ledger, options, Emit, freed);
    }

    public SiloWork Work { get; }

    /// <summary>Why no more can be run: the ledger is unusable, or this code is wrong. Null as a rule.</summary>
    public Exception? Fault => Volatile.Read(ref _fault);

    /// <summary>How the work goes at this moment.</summary>
    public SiloStatus Status(bool draining)
    {
        lock (_lock)
        {
            return new SiloStatus
            {
                Draining = draining,
                ItemsDone = Work.Done,
                ItemsPerSecond = Work.PerSecond,
                MemoryBytes = Environment.WorkingSet,
                Running = [.. _runs.Keys.Select(run => run.Item).OfType<SiloItem>()],
            };
        }
    }

    /// <summary>The first fault stands.</summary>
    public void Fail(Exception fault) => Interlocked.CompareExchange(ref _fault, fault, null);

    /// <summary>Forgets the fault, for another start.</summary>
    public void Renew() => _fault = null;

    /// <summary>Tells what happened, the end of a stage once.</summary>
    public void Emit(SiloEvent what)
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

        _emit(what);
    }

    /// <summary>Runs an item at a place on the device that the caller has taken for it. The task never fails; true when it committed.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "Disposed where it ends.")]
    public Task<bool> Start(IWorkGrain grain, WorkLease lease, DeviceSlots device, long claimSent)
    {
        var run = new ItemRun(Work, grain, lease, device, claimSent);
        lock (_lock)
        {
            var task = Task.Run(() => RunAsync(run), CancellationToken.None);
            _runs[run] = task;
            return task;
        }
    }

    public void CancelAll(StopCause cause)
    {
        lock (_lock)
        {
            foreach (var run in _runs.Keys)
            {
                run.Cancel(cause);
            }
        }
    }

    /// <summary>Waits for the end of all that runs; cancels it after the grace period, or at once when there is a fault.</summary>
    public async Task DrainAsync(CancellationToken stopNow)
    {
        Task[] running;
        lock (_lock)
        {
            running = [.. _runs.Values];
        }

        var ended = Task.WhenAll(running);
        var grace = Fault is null ? Work.Options.GracePeriod : TimeSpan.Zero;
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

    private async Task<bool> RunAsync(ItemRun run)
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
            // The ledger is unusable or this code is wrong: the silo stops and throws it.
            Fail(e);
        }
        finally
        {
            lock (_lock)
            {
                _runs.Remove(run);
            }

            run.Leave();
        }

        return run.IsCommitted;
    }
}
