// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;

namespace Teravox.Grains;

/// <summary>
/// A thread of its own for one item's work, to which the work's awaits come back: a tile that computes for long after an
/// await would otherwise hold a thread of the pool, which calls and timers need.
/// </summary>
internal static class WorkThread
{
    /// <summary>Runs <paramref name="work"/> there; the task completes with it.</summary>
    public static Task<T> RunAsync<T>(string name, Func<Task<T>> work)
    {
        var ended = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() => Run(work, ended)) { Name = name, IsBackground = true };
        thread.Start();
        return ended.Task;
    }

    private static void Run<T>(Func<Task<T>> work, TaskCompletionSource<T> ended)
    {
        var turns = new Turns();
        SynchronizationContext.SetSynchronizationContext(turns);
        Task<T> task;
        try
        {
            task = work();
        }
        catch (Exception e)
        {
            ended.SetException(e);
            return;
        }

        task.ContinueWith(_ => turns.End(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        turns.RunUntilEnd();
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
