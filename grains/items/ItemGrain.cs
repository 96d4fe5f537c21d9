// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;

namespace Teravox.Grains;

/// <summary>
/// The grain of an item. The work runs on a thread of its own, since it computes for long; a call waits for its end for a few
/// seconds at most. An item may run more than once (a death after its files were written), so whatever it writes is a pure
/// function of the experiment and the index, or is written only if it is not there.
/// </summary>
public abstract class ItemGrain(RunningWork running) : Grain, IItemGrain
{
    private static readonly TimeSpan LongestCall = TimeSpan.FromSeconds(5);
    private Task<RunOutcome>? _run;
    private int _attempt;

    /// <inheritdoc/>
    public async Task<RunOutcome> RunAsync(WorkItem item)
    {
        ArgumentNullException.ThrowIfNull(item);
        if (_run is null || _attempt != item.Attempt)
        {
            if (running.Find(item) is not { } turn)
                return new RunOutcome(RunEnd.Stopped, Error: "no device of this silo has the item");
            _attempt = item.Attempt;
            _run = WorkThread.RunAsync(item.Stage.Name, () => OutcomeAsync(turn));
        }

        try
        {
            var outcome = await _run.WaitAsync(LongestCall);
            DeactivateOnIdle();
            return outcome;
        }
        catch (TimeoutException)
        {
            return new RunOutcome(RunEnd.NotYet);
        }
    }

    /// <summary>
    /// Runs the item to its end. Called on a thread of its own, to which its awaits come back, so it may compute and block
    /// without holding anyone up.
    /// </summary>
    /// <exception cref="InputException">The input is at fault: a repeat is in vain, the item is parked at once.</exception>
    /// <exception cref="OperationCanceledException">With <paramref name="ct"/>, when the item was asked to stop.</exception>
    protected internal abstract Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct);

    private async Task<RunOutcome> OutcomeAsync(WorkTurn turn)
    {
        // The call that began the work may end before it.
        System.Diagnostics.Activity.Current = turn.Span;
        try
        {
            var result = await RunAsync(turn, turn.Stop);
            return new RunOutcome(RunEnd.Done, result.Json, result.Sums?.ToDictionary(s => s.Key, s => SumCodec.Pack(s.Value)), result.Events is { } lines ? [.. lines] : null);
        }
        catch (OperationCanceledException) when (turn.Stop.IsCancellationRequested)
        {
            return new RunOutcome(RunEnd.Stopped);
        }
        catch (InputException e)
        {
            return new RunOutcome(RunEnd.Failed, Error: e.Message, Final: true);
        }
        catch (Exception e) when (e is DatabaseUnavailableException or Orleans.Runtime.OrleansException)
        {
            // The work asked for something: that it was not answered is no fault of the item's.
            return new RunOutcome(RunEnd.Unanswered, Error: e.Message);
        }
        catch (Exception e)
        {
            return new RunOutcome(RunEnd.Failed, Error: $"{e.GetType().Name}: {e.Message}", Trace: e.ToString());
        }
    }
}
