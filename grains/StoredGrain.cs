// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Orleans.Storage;
using Teravox.Grains.Telemetry;

namespace Teravox.Grains;

/// <summary>
/// A grain that keeps its state in Orleans' storage and serves calls while it writes. What a call changes is changed in memory in
/// one go; then it waits for <c>StoreAsync</c>. One write runs at a time and carries all that came before it, so that many
/// calls share one. A write that fails ends this activation: whether it took effect is unknown, and the next one reads the truth.
/// Each type of grain has a name of its own for its state: storage in PostgreSQL knows a state by that name and the grain's key alone.
/// </summary>
/// <typeparam name="TState">What is stored. Each write gets a copy of its own, so that nothing changes under it.</typeparam>
public abstract class StoredGrain<TState>(IPersistentState<TState> storage) : Grain
    where TState : class
{
    /// <summary>Name of the storage that all grains use.</summary>
    public const string StorageName = "teravox";

    private TaskCompletionSource? _next;
    private TaskCompletionSource? _inFlight;
    private Task _writing = Task.CompletedTask;
    private long _lastWrite;
    private bool _soon;
    private bool _gone;

    /// <summary>True when this activation is over: it writes nothing more.</summary>
    protected bool IsGone => _gone;

    /// <summary>What was read when the grain was activated.</summary>
    protected TState Loaded => storage.State;

    /// <summary>What the last write that succeeded has stored; null before the first.</summary>
    protected TState? Stored { get; private set; }

    /// <summary>Whether there was anything to read.</summary>
    protected bool WasStored => storage.RecordExists;

    /// <summary>A copy of the state for a write.</summary>
    protected abstract TState Snapshot();

    /// <inheritdoc/>
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _gone = true;
        return Task.CompletedTask;
    }

    /// <summary>Waits until all that was changed before this call is stored.</summary>
    protected Task StoreAsync() => StoreAsync(TimeSpan.Zero);

    /// <summary>The same, but leaves this time between two writes, so that more calls share one.</summary>
    /// <exception cref="InconsistentStateException">Another activation has written; this one is over.</exception>
    protected Task StoreAsync(TimeSpan atLeastBetween)
    {
        _next ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _soon |= atLeastBetween == TimeSpan.Zero;
        var mine = _next.Task;
        if (_writing.IsCompleted)
            _writing = WriteUntilStoredAsync(atLeastBetween);
        return mine;
    }

    /// <summary>Waits until what others have changed is stored, too; makes no write of its own.</summary>
    /// <exception cref="InconsistentStateException">This activation is over: some of it may never be.</exception>
    protected Task OthersStoredAsync() =>
        _gone ? Task.FromException(Over()) : (_next ?? _inFlight)?.Task ?? Task.CompletedTask;

    private static InconsistentStateException Over() => new("this activation of the grain is over");

    private async Task WriteUntilStoredAsync(TimeSpan atLeastBetween)
    {
        while (_next is not null)
        {
            for (var step = TimeSpan.FromMilliseconds(10); !_soon && Stopwatch.GetElapsedTime(_lastWrite) < atLeastBetween;)
                await Task.Delay(step);
            var waiting = _next;
            (_inFlight, _next, _soon) = (waiting, null, false);
            try
            {
                if (_gone)
                    throw Over();
                var snapshot = Snapshot();
                storage.State = snapshot;
                await storage.WriteStateAsync();
                WorkMetrics.StateWritten(this.GetGrainId().Type.ToString()!);
                Stored = snapshot;
                _lastWrite = Stopwatch.GetTimestamp();
                _inFlight = null;
                waiting.SetResult();
            }
            catch (Exception e)
            {
                // Those who wait are told, and repeat their calls; the next activation reads what is there.
                _gone = true;
                DeactivateOnIdle();
                Fail(waiting, e);
                if (_next is { } more)
                    Fail(more, e);
                _next = null;
            }
        }
    }

    private static void Fail(TaskCompletionSource waiting, Exception e)
    {
        waiting.SetException(e);

        // Nobody may wait any more; then nobody needs to know.
        _ = waiting.Task.Exception;
    }
}

/// <summary>
/// Work that a grain does beside its calls until it succeeds: it is asked for again and again, runs once at a time, and is
/// repeated after a pause when what it calls does not answer.
/// </summary>
/// <param name="work">What to do; may be done more than once.</param>
/// <param name="isOver">Whether the grain's activation is over: then nothing more is done.</param>
/// <param name="failed">Told of a failure that does not pass by itself.</param>
internal sealed class RepeatedWork(Func<Task> work, Func<bool> isOver, Action<Exception> failed)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100), LongestPause = TimeSpan.FromSeconds(2);
    private bool _wanted;
    private Task _running = Task.CompletedTask;

    /// <summary>Whether something is left to do.</summary>
    public bool IsBusy => !_running.IsCompleted;

    /// <summary>Does it, or does it once more when it is being done.</summary>
    public void Want()
    {
        _wanted = true;
        if (_running.IsCompleted)
            _running = RunAsync();
    }

    private async Task RunAsync()
    {
        // It serves many calls: it is part of no one's trace.
        Activity.Current = null;
        var pause = FirstPause;
        while (_wanted && !isOver())
        {
            _wanted = false;
            try
            {
                await work();
                pause = FirstPause;
            }
            catch (Exception e)
            {
                if (!GrainCalls.MayPass(e))
                    failed(e);
                _wanted = true;
                await Task.Delay(pause);
                pause = pause < LongestPause ? pause * 2 : pause;
            }
        }
    }
}
