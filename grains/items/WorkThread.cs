// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Teravox.Grains;

/// <summary>
/// A thread of its own for one item's work, to which the work's awaits come back: a tile that computes for long after an
/// await would otherwise hold a thread of the pool, which calls and timers need. A thread whose item has ended takes the next one;
/// it ends when none comes for a while.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody asked for holds nothing.")]
internal sealed class WorkThread
{
    private const int Working = 0, Idle = 1, Over = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly ConcurrentStack<WorkThread> IdleOnes = [];
    private readonly SemaphoreSlim _given = new(0);
    private Action? _work;
    private int _state = Working;

    private WorkThread() => new Thread(Live) { IsBackground = true }.Start();

    /// <summary>Runs <paramref name="work"/> there; the task completes with it.</summary>
    public static Task<T> RunAsync<T>(string name, Func<Task<T>> work)
    {
        var ended = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = Take();
        thread._work = () => thread.Run(name, work, ended);
        thread._given.Release();
        return ended.Task;
    }

    // Those that have ended stay among the idle ones until they come up here.
    private static WorkThread Take()
    {
        while (IdleOnes.TryPop(out var thread))
        {
            if (Interlocked.CompareExchange(ref thread._state, Working, Idle) == Idle)
                return thread;
        }

        return new WorkThread();
    }

    private void Live()
    {
        while (_given.Wait(Patience) || Interlocked.CompareExchange(ref _state, Over, Idle) != Idle)
        {
            // Null: it was taken at the moment when its patience ended, and the work comes.
            Interlocked.Exchange(ref _work, null)?.Invoke();
        }
    }

    private void Run<T>(string name, Func<Task<T>> work, TaskCompletionSource<T> ended)
    {
        if (Thread.CurrentThread.Name != name)
            Thread.CurrentThread.Name = name;
        var turns = new Turns();
        SynchronizationContext.SetSynchronizationContext(turns);
        Task<T> task;
        try
        {
            task = work();
        }
        catch (Exception e)
        {
            task = Task.FromException<T>(e);
        }

        task.ContinueWith(_ => turns.End(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        turns.RunUntilEnd();

        // Idle before anybody learns of the end, so that the next item finds it.
        SynchronizationContext.SetSynchronizationContext(null);
        Volatile.Write(ref _state, Idle);
        IdleOnes.Push(this);
        ended.SetFromTask(task);
    }

    private sealed class Turns : SynchronizationContext
    {
        // Not disposed: what the work left running may post at any time.
        private readonly BlockingCollection<(SendOrPostCallback Call, object? State)> _calls = [];

        public override void Post(SendOrPostCallback d, object? state)
        {
            try
            {
                _calls.Add((d, state));
            }
            catch (InvalidOperationException)
            {
                // The work has ended; what it left running goes on in the pool.
                base.Post(d, state);
            }
        }

        public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException();

        public override SynchronizationContext CreateCopy() => this;

        public void RunUntilEnd()
        {
            foreach (var (call, state) in _calls.GetConsumingEnumerable())
            {
                call(state);
            }
        }

        public void End() => _calls.CompleteAdding();
    }
}
