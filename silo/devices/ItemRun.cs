// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Telemetry;

namespace Teravox.Silo.Devices;

/// <summary>What the items of a silo share.</summary>
/// <param name="Grains">The cluster.</param>
/// <param name="Running">Where item grains find their devices.</param>
/// <param name="Reports">Where reports go.</param>
/// <param name="Events">Told what happens.</param>
/// <param name="Options">Settings.</param>
/// <param name="Counted">Called for each item that is done.</param>
internal sealed record ItemRunParts(
    IGrainFactory Grains, RunningWork Running, ReportBatcher Reports, WorkEvents Events, DeviceOptions Options, Action Counted);

/// <summary>One item from its hand-out to its last report.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A source without a timer holds nothing, and it may be cancelled at any time.")]
internal sealed class ItemRun(ItemRunParts parts, WorkItem item, DeviceQueue device)
{
    private readonly CancellationTokenSource _stop = new();
    private WorkProgress _progress = new(0);
    private long _checkpoint;
    private long _heard = Stopwatch.GetTimestamp();
    private Activity? _span;
    private int _cause;
    private bool _hasEnded;

    public WorkItem Item => item;

    /// <summary>Whether it runs, and is no longer waiting for its turn on the device.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>How far it is, for people.</summary>
    public SiloItem Shown => new(item.Stage.Experiment, item.Stage.Name, item.Index, device.Device.Name, _progress.Fraction, _progress.Note);

    private StopCause Cause => (StopCause)Volatile.Read(ref _cause);

    /// <summary>Asks it to stop. The first cause stands.</summary>
    public void Stop(StopCause cause)
    {
        if (Interlocked.CompareExchange(ref _cause, (int)cause, (int)StopCause.None) == (int)StopCause.None)
            _ = _stop.CancelAsync();
    }

    /// <summary>Waits for its turn, runs it, reports its end; returns when nothing of it is left.</summary>
    public async Task RunAsync()
    {
        RunOutcome outcome;
        if (await device.EnterAsync(item.Alone, _stop.Token))
        {
            try
            {
                HasBegun = true;
                _span = WorkTraces.Item(item, device.Device.Name);
                outcome = await ComputeAsync();
            }
            finally
            {
                // The device need not wait until the report is answered.
                device.Leave(item.Alone);
            }
        }
        else
        {
            outcome = new RunOutcome(RunEnd.Stopped);
        }

        Volatile.Write(ref _hasEnded, true);
        try
        {
            await SettleAsync(outcome);
        }
        catch (OperationCanceledException)
        {
            Stopped(StopCause.Stopping);
        }
        finally
        {
            WorkTraces.End(_span?.SetTag("teravox.end", outcome.End.ToString()), outcome.End == RunEnd.Failed ? outcome.Error : null);
        }
    }

    /// <summary>Reports that the item is here, unless its range heard so a moment ago: many a small item ends before there is need to.</summary>
    public Task BeatAsync() =>
        Stopwatch.GetElapsedTime(Volatile.Read(ref _heard)) < parts.Options.ReportEvery / 2 ? Task.CompletedTask : ReportAsync();

    /// <summary>Reports that the item is here, and how far it is; stops it when it is another's, or when nobody has answered for too long.</summary>
    private async Task ReportAsync()
    {
        if (Volatile.Read(ref _hasEnded) || Cause != StopCause.None)
            return;
        if (Stopwatch.GetElapsedTime(Volatile.Read(ref _heard)) > parts.Options.StopUnheardAfter)
            Stop(StopCause.Unheard);
        try
        {
            var answer = await parts.Reports.SendAsync(item.RangeKey, new ItemReport(item.Index, item.Attempt, ReportKind.Held, _progress));
            Volatile.Write(ref _heard, Stopwatch.GetTimestamp());
            if (answer.Verdict == ReportVerdict.Superseded && !Volatile.Read(ref _hasEnded))
                Stop(StopCause.Superseded);
        }
        catch (OperationCanceledException)
        {
            // The silo stops.
        }
    }

    private async Task<RunOutcome> ComputeAsync()
    {
        parts.Events.Emit(new ItemStarted(item.Stage.Experiment, item.Stage.Name, item.Index, item.Attempt, device.Device.Name));
        var turn = new WorkTurn(item, device.Device.Name, device.Device.Threads, Progressed, _stop.Token) { Gate = device.Gate, Span = _span };
        Activity.Current = _span;
        using var computing = item.Alone ? device.Gate.Compute() : null;
        using var entered = parts.Running.Enter(turn);
        while (true)
        {
            try
            {
                if (await WorkKinds.Grain(parts.Grains, item).RunAsync(item) is { End: not RunEnd.NotYet } outcome)
                    return outcome;
            }
            catch (Exception e) when (_stop.IsCancellationRequested)
            {
                return new RunOutcome(RunEnd.Stopped, Error: e.Message);
            }
            catch (Exception e) when (GrainCalls.MayPass(e))
            {
                // The grain is of this very process: it answers soon, or the process ends.
                parts.Events.Emit(new NoAnswer($"{item.Key}: {e.Message}"));
                await Task.Delay(Jitter.Around(TimeSpan.FromMilliseconds(200)));
            }
            catch (Exception e)
            {
                return new RunOutcome(RunEnd.Failed, Error: $"{e.GetType().Name}: {e.Message}", Trace: e.ToString());
            }
        }
    }

    private void Progressed(WorkProgress progress)
    {
        _progress = progress with { Checkpoint = progress.Checkpoint ?? _progress.Checkpoint };
        parts.Events.Emit(new ItemProgressed(item.Stage.Experiment, item.Stage.Name, item.Index, progress.Fraction, progress.Note));
        if (progress.Checkpoint is not { } checkpoint || checkpoint <= _checkpoint)
            return;

        // Who looks after the item learns at once that it gets on: its deaths are forgotten.
        _checkpoint = checkpoint;
        _ = ReportAsync();
    }

    private async Task SettleAsync(RunOutcome outcome)
    {
        var (experiment, stage, index) = (item.Stage.Experiment, item.Stage.Name, item.Index);
        switch (outcome.End)
        {
            case RunEnd.Done when Cause is not (StopCause.Cancelled or StopCause.Superseded):
                FaultPoints.Hit("item.before-commit");
                var answer = await SendAsync(ReportKind.Done, outcome);
                if (answer.Verdict == ReportVerdict.Taken)
                {
                    parts.Counted();
                    WorkMetrics.ItemDone(item.Stage.Kind);
                    parts.Events.Emit(new ItemDone(experiment, stage, index, answer.StageDone, item.Stage.Items));
                }
                else if (answer.Verdict == ReportVerdict.Refused)
                {
                    WorkMetrics.ItemFailed(item.Stage.Kind);
                    parts.Events.Emit(new ItemFailed(experiment, stage, index, answer.Error ?? "", true));
                }
                else
                {
                    Stopped(StopCause.Superseded);
                }

                break;
            case RunEnd.Failed:
                var failed = await SendAsync(ReportKind.Failed, outcome);
                if (failed.Verdict == ReportVerdict.Superseded)
                {
                    Stopped(StopCause.Superseded);
                }
                else
                {
                    WorkMetrics.ItemFailed(item.Stage.Kind);
                    parts.Events.Emit(new ItemFailed(experiment, stage, index, outcome.Error ?? "", outcome.Final, outcome.Trace));
                }

                break;
            default:
                // It goes back. Who has it by now, if another has, is not disturbed by the report.
                await SendAsync(ReportKind.Released, null);
                if (HasBegun)
                    Stopped(outcome.End == RunEnd.Unanswered ? StopCause.Unanswered : Cause);
                if (outcome.End == RunEnd.Unanswered)
                    parts.Events.Emit(new NoAnswer(outcome.Error ?? ""));
                break;
        }
    }

    private void Stopped(StopCause cause)
    {
        WorkMetrics.ItemStopped(item.Stage.Kind);
        parts.Events.Emit(new ItemStopped(item.Stage.Experiment, item.Stage.Name, item.Index, cause));
    }

    private Task<ReportAnswer> SendAsync(ReportKind kind, RunOutcome? outcome) =>
        parts.Reports.SendAsync(item.RangeKey, new ItemReport(item.Index, item.Attempt, kind, null, outcome));
}
