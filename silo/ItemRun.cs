// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Grains.Ledger;

namespace Teravox.Silo;

/// <summary>
/// One item from its claim to its last write. The work runs on a thread of its own, since it computes for long; this
/// object keeps its lease alive, cancels it when the lease can not be trusted any more, and settles its outcome.
/// </summary>
internal sealed class ItemRun : IDisposable
{
    private readonly ILedger _ledger;
    private readonly IWorkGrain _grain;
    private readonly SiloOptions _options;
    private readonly Action<SiloEvent> _emit;
    private readonly LeaseClock _clock;
    private readonly ProgressBox _progress = new();

    // Not disposed: a cancel may come from the clock's timer at any time, and a source without a timer holds nothing.
    private readonly CancellationTokenSource _work = new();
    private int _cause;

    public ItemRun(
        ILedger ledger,
        IWorkGrain grain,
        WorkLease lease,
        SiloDevice device,
        SiloOptions options,
        long claimSent,
        Action<SiloEvent> emit)
    {
        _ledger = ledger;
        _grain = grain;
        _options = options;
        _emit = emit;
        Lease = lease;
        Device = device;
        _clock = new LeaseClock(options.Ttl - options.LeaseMargin, claimSent, () => Cancel(StopCause.LeaseExpired));
    }

    public WorkLease Lease { get; }

    public SiloDevice Device { get; }

    private StopCause Cause => (StopCause)Volatile.Read(ref _cause);

    /// <summary>Asks the work to stop. The first cause stands.</summary>
    public void Cancel(StopCause cause)
    {
        if (Interlocked.CompareExchange(ref _cause, (int)cause, (int)StopCause.None) == (int)StopCause.None)
        {
            _ = _work.CancelAsync();
        }
    }

    /// <summary>Runs the item; returns when nothing of it runs any more.</summary>
    /// <exception cref="InputException">The ledger can not be used.</exception>
    public async Task RunAsync()
    {
        _emit(new ItemStarted(Lease.ExperimentId, Lease.StageName, Lease.Index, Lease.Attempt, Device.Name));
        var turn = new WorkTurn(Lease, Device.Name, Device.Threads, Report);
        var work = Task.Factory.StartNew(
            () => _grain.RunAsync(turn, _work.Token),
            CancellationToken.None,
            TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
            TaskScheduler.Default).Unwrap();
        try
        {
            await HeartbeatUntilEndAsync(work);
        }
        catch
        {
            Cancel(StopCause.Stopping);
            await ((Task)work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        await SettleAsync(work);
    }

    public void Dispose() => _clock.Dispose();

    private void Report(WorkProgress progress)
    {
        _progress.Put(progress);
        _emit(new ItemProgressed(Lease.ExperimentId, Lease.StageName, Lease.Index, progress.Fraction, progress.Note));
    }

    private async Task HeartbeatUntilEndAsync(Task work)
    {
        var pause = _options.HeartbeatEvery;
        while (!work.IsCompleted)
        {
            await Task.WhenAny(work, _progress.Checkpointed, Task.Delay(pause));
            if (work.IsCompleted)
            {
                return;
            }

            if (Cause is StopCause.Cancelled or StopCause.LeaseLost or StopCause.LeaseExpired)
            {
                // Nothing of it will be written: only its end is waited for.
                await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return;
            }

            pause = await HeartbeatAsync() ? _options.HeartbeatEvery : _options.HeartbeatEvery / 5;
        }
    }

    private async Task<bool> HeartbeatAsync()
    {
        var sent = LeaseClock.Now;
        var progress = _progress.Take();
        try
        {
            switch (await _ledger.HeartbeatAsync(Lease, progress, CancellationToken.None))
            {
                case LeaseState.Held:
                    _clock.Extend(sent);
                    break;
                case LeaseState.Cancelled:
                    Cancel(StopCause.Cancelled);
                    break;
                default:
                    Cancel(StopCause.LeaseLost);
                    break;
            }

            return true;
        }
        catch (LedgerUnavailableException e)
        {
            _progress.GiveBack(progress);
            _emit(new LedgerSilent(e.Message));
            return false;
        }
    }

    private async Task SettleAsync(Task<WorkResult> work)
    {
        var cause = Cause;
        if (cause is StopCause.Cancelled or StopCause.LeaseLost or StopCause.LeaseExpired)
        {
            _ = work.Exception;
            _emit(new ItemStopped(Lease.ExperimentId, Lease.StageName, Lease.Index, cause));
            return;
        }

        try
        {
            // A result that came although the silo stops is kept.
            await CommitAsync(await work);
        }
        catch (OperationCanceledException) when (cause == StopCause.Stopping && !work.IsCompletedSuccessfully)
        {
            await WriteAsync(() => _ledger.ReleaseAsync(Lease, CancellationToken.None));
            _emit(new ItemStopped(Lease.ExperimentId, Lease.StageName, Lease.Index, cause));
        }
        catch (InputException e) when (work.IsFaulted)
        {
            await FailAsync(e.Message, final: true);
        }
        catch (Exception e) when (!work.IsCompletedSuccessfully)
        {
            await FailAsync($"{e.GetType().Name}: {e.Message}", final: false);
        }
    }

    private async Task CommitAsync(WorkResult result)
    {
        WriteOutcome? outcome;
        try
        {
            outcome = await WriteAsync(() => _ledger.CommitAsync(Lease, result, CancellationToken.None));
        }
        catch (InvalidOperationException e)
        {
            // The grain's result does not fit its stage; it would not the next time either.
            await FailAsync(e.Message, final: true);
            return;
        }

        if (outcome != WriteOutcome.Written)
        {
            var cause = outcome is null ? StopCause.LeaseExpired : StopCause.LeaseLost;
            _emit(new ItemStopped(Lease.ExperimentId, Lease.StageName, Lease.Index, cause));
            return;
        }

        await EmitCommittedAsync();
    }

    private async Task EmitCommittedAsync()
    {
        try
        {
            var stages = await _ledger.StagesAsync(Lease.ExperimentId, CancellationToken.None);
            var stage = stages.Single(stage => stage.Id == Lease.StageId);
            _emit(new ItemCommitted(Lease.ExperimentId, stage.Name, Lease.Index, stage.Done, stage.Items));
            if (stage.State == StageState.Done)
            {
                _emit(new StageDone(Lease.ExperimentId, stage.Name, stage.Items));
            }
        }
        catch (LedgerUnavailableException e)
        {
            _emit(new LedgerSilent(e.Message));
        }
    }

    private async Task FailAsync(string error, bool final)
    {
        await WriteAsync(() => _ledger.FailAsync(Lease, error, final, CancellationToken.None));
        _emit(new ItemFailed(Lease.ExperimentId, Lease.StageName, Lease.Index, error, final));
    }

    /// <summary>
    /// Repeats the item's last write while the ledger is silent and the lease is sure. Null when it never answered: the
    /// write may have taken effect; if not, the lease lapses and the item runs again.
    /// </summary>
    private async Task<WriteOutcome?> WriteAsync(Func<Task<WriteOutcome>> write)
    {
        var pause = TimeSpan.FromMilliseconds(50);
        while (true)
        {
            try
            {
                return await write();
            }
            catch (LedgerUnavailableException e)
            {
                _emit(new LedgerSilent(e.Message));
                if (_clock.Left <= TimeSpan.Zero)
                {
                    return null;
                }
            }

            await Task.Delay(Jitter.Around(pause));
            pause = pause < TimeSpan.FromSeconds(1) ? pause * 2 : pause;
        }
    }
}
