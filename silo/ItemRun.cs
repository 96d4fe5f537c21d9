// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains;
using Teravox.Grains.Ledger;

namespace Teravox.Silo;

/// <summary>
/// One item from its claim to its last write. The work runs on a thread of its own, since it computes for long; this
/// object keeps its lease alive, cancels it when the lease can not be trusted any more, and settles its outcome.
/// </summary>
internal sealed class ItemRun : IDisposable
{
    private readonly SiloWork _silo;
    private readonly IWorkGrain _grain;
    private readonly LeaseClock _clock;
    private readonly ProgressBox _progress = new();
    private WorkProgress _newest = new(0);
    private int _left;

    // Not disposed: a cancel may come from the clock's timer at any time, and a source without a timer holds nothing.
    private readonly CancellationTokenSource _work = new();
    private int _cause;

    /// <summary>Of a lease that was asked for at <paramref name="claimSent"/>, at a place on the device that the caller has taken for it.</summary>
    public ItemRun(SiloWork silo, IWorkGrain grain, WorkLease lease, DeviceSlots slots, long claimSent)
    {
        _silo = silo;
        _grain = grain;
        Lease = lease;
        Slots = slots;
        _clock = new LeaseClock(silo.Options.Ttl - silo.Options.LeaseMargin, claimSent, () => Cancel(StopCause.LeaseExpired));
    }

    public WorkLease Lease { get; }

    public DeviceSlots Slots { get; }

    /// <summary>How far it is, for people; null when it has left its device.</summary>
    public SiloItem? Item
    {
        get
        {
            var newest = Volatile.Read(ref _newest);
            return Volatile.Read(ref _left) == 1
                ? null
                : new SiloItem(Lease.ExperimentId, Lease.StageName, Lease.Index, Slots.Device.Name, newest.Fraction, newest.Note);
        }
    }

    /// <summary>Whether its commit took effect, as far as this silo knows.</summary>
    public bool IsCommitted { get; private set; }

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
        var device = Slots.Device;
        _silo.Emit(new ItemStarted(Lease.ExperimentId, Lease.StageName, Lease.Index, Lease.Attempt, device.Name));
        var turn = new WorkTurn(Lease, device.Name, device.Threads, Report) { Gate = Slots.Gate };
        var work = WorkThread.RunAsync(Lease.StageName, () => _grain.RunAsync(turn, _work.Token));
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

    /// <summary>Its place on the device is free again: nothing of it computes or will be written any more.</summary>
    public void Leave()
    {
        if (Interlocked.Exchange(ref _left, 1) == 0)
        {
            Slots.Free(_grain.Overlaps);
            _silo.Freed();
        }
    }

    public void Dispose() => _clock.Dispose();

    private void Report(WorkProgress progress)
    {
        Volatile.Write(ref _newest, progress);
        _progress.Put(progress);
        _silo.Emit(new ItemProgressed(Lease.ExperimentId, Lease.StageName, Lease.Index, progress.Fraction, progress.Note));
    }

    private async Task HeartbeatUntilEndAsync(Task work)
    {
        var pause = Jitter.Below(_silo.Options.HeartbeatEvery);
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

            pause = Jitter.Below(await HeartbeatAsync() ? _silo.Options.HeartbeatEvery : _silo.Options.HeartbeatEvery / 5);
        }
    }

    private async Task<bool> HeartbeatAsync()
    {
        var sent = LeaseClock.Now;
        var progress = _progress.Take();
        try
        {
            switch (await _silo.Ledger.HeartbeatAsync(Lease, progress, CancellationToken.None))
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
            _silo.Emit(new LedgerSilent(e.Message));
            return false;
        }
    }

    private async Task SettleAsync(Task<WorkResult> work)
    {
        // A process that was stopped with the work at its end comes here before its timer does.
        if (_clock.Left <= TimeSpan.Zero)
        {
            Cancel(StopCause.LeaseExpired);
        }

        var cause = Cause;
        if (cause is StopCause.Cancelled or StopCause.LeaseLost or StopCause.LeaseExpired)
        {
            _ = work.Exception;
            _silo.Emit(new ItemStopped(Lease.ExperimentId, Lease.StageName, Lease.Index, cause));
            return;
        }

        try
        {
            // A result that came although the silo stops is kept.
            await CommitAsync(await work);
        }
        catch (OperationCanceledException) when (cause == StopCause.Stopping && !work.IsCompletedSuccessfully)
        {
            await WriteAsync(() => _silo.Ledger.ReleaseAsync(Lease, CancellationToken.None));
            _silo.Emit(new ItemStopped(Lease.ExperimentId, Lease.StageName, Lease.Index, cause));
        }
        catch (LedgerUnavailableException e) when (work.IsFaulted)
        {
            // The work asked the ledger for something: that it did not answer is no fault of the item's.
            _silo.Emit(new LedgerSilent(e.Message));
            await WriteAsync(() => _silo.Ledger.ReleaseAsync(Lease, CancellationToken.None));
            _silo.Emit(new ItemStopped(Lease.ExperimentId, Lease.StageName, Lease.Index, StopCause.LedgerSilent));
        }
        catch (InputException e) when (work.IsFaulted)
        {
            await FailAsync(e.Message, final: true, trace: null);
        }
        catch (Exception e) when (!work.IsCompletedSuccessfully)
        {
            await FailAsync($"{e.GetType().Name}: {e.Message}", final: false, e.ToString());
        }
    }

    private async Task CommitAsync(WorkResult result)
    {
        FaultPoints.Hit("item.before-commit");
        WriteOutcome? outcome;
        try
        {
            outcome = await WriteAsync(() => _silo.CommitAsync(Lease, result));
        }
        catch (InvalidOperationException e)
        {
            // The grain's result does not fit its stage; it would not the next time either.
            await FailAsync(e.Message, final: true, trace: null);
            return;
        }

        if (outcome != WriteOutcome.Written)
        {
            var cause = outcome is null ? StopCause.LeaseExpired : StopCause.LeaseLost;
            _silo.Emit(new ItemStopped(Lease.ExperimentId, Lease.StageName, Lease.Index, cause));
            return;
        }

        // The device need not wait until the stage was looked at.
        IsCommitted = true;
        Leave();
        _silo.Committed();
        await EmitCommittedAsync();
    }

    private async Task EmitCommittedAsync()
    {
        try
        {
            var stages = await _silo.StagesAsync(Lease.ExperimentId);
            var stage = stages.Single(stage => stage.Id == Lease.StageId);
            _silo.Emit(new ItemCommitted(Lease.ExperimentId, stage.Name, Lease.Index, stage.Done, stage.Items));
            if (stage.State == StageState.Done)
            {
                _silo.Emit(new StageDone(Lease.ExperimentId, stage.Name, stage.Items));
            }
        }
        catch (LedgerUnavailableException e)
        {
            _silo.Emit(new LedgerSilent(e.Message));
        }
    }

    private async Task FailAsync(string error, bool final, string? trace)
    {
        if (await WriteAsync(() => _silo.Ledger.FailAsync(Lease, error, final, CancellationToken.None)) == WriteOutcome.LeaseLost)
        {
            _silo.Emit(new ItemStopped(Lease.ExperimentId, Lease.StageName, Lease.Index, StopCause.LeaseLost));
            return;
        }

        _silo.Emit(new ItemFailed(Lease.ExperimentId, Lease.StageName, Lease.Index, error, final, trace));
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
                _silo.Emit(new LedgerSilent(e.Message));
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
