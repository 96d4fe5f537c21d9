// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks;

/// <summary>So many threads that share out the items of a loop.</summary>
internal sealed class Workers(int count)
{
    /// <summary>Number of threads.</summary>
    public int Count { get; } = count;

    /// <summary>Every item once, by whichever worker is free: an item's result must not depend on who makes it.</summary>
    /// <param name="items">Number of items.</param>
    /// <param name="body">Told the worker (0..Count - 1, one thread at a time) and the item.</param>
    public void Run(int items, Action<int, int> body)
    {
        var next = -1;
        Each(worker =>
        {
            for (var item = Interlocked.Increment(ref next); item < items; item = Interlocked.Increment(ref next))
                body(worker, item);
        });
    }

    /// <summary>Every worker once.</summary>
    public void Each(Action<int> body)
    {
        if (Count == 1)
            body(0);
        else
            Parallel.For(0, Count, new ParallelOptions { MaxDegreeOfParallelism = Count }, body);
    }
}
