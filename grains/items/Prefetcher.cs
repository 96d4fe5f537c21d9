// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains;

/// <summary>
/// What each iteration of a training needs, in order; that of the next iterations is made on other threads meanwhile. It depends on the
/// iteration alone, so the order of the threads does not show.
/// </summary>
/// <param name="first">The first iteration.</param>
/// <param name="end">The iteration behind the last.</param>
/// <param name="ahead">How many iterations are made before they are asked for; 0: each when it is asked for, on the thread that asks.</param>
/// <param name="make">Makes what an iteration needs; called by several threads at a time.</param>
internal sealed class Prefetcher<T>(long first, long end, int ahead, Func<long, T> make) : IAsyncDisposable
{
    private readonly Queue<Task<T>> _made = [];
    private readonly CancellationTokenSource _stop = new();
    private long _next = first;

    /// <summary>What the next iteration needs; an error of making it comes here.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> ended the wait.</exception>
    public async Task<T> NextAsync(CancellationToken ct)
    {
        if (ahead == 0)
            return make(_next++);
        while (_made.Count <= ahead && _next < end)
        {
            var iteration = _next++;
            _made.Enqueue(Task.Run(() => make(iteration), _stop.Token));
        }

        // It stays in the queue until it is here: whoever disposes waits for it.
        var next = await _made.Peek().WaitAsync(ct);
        _ = _made.Dequeue();
        return next;
    }

    /// <summary>Ends when nothing is being made any more.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var task in _made)
            await ((Task)task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }
}
