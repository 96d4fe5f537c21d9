// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using Teravox.Contracts;

namespace Teravox.Grains.Tests;

public sealed class PrefetcherTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    public async Task NextAsync_WhateverIsMadeAhead_GivesTheIterationsInOrder(int ahead)
    {
        await using var prefetcher = new Prefetcher<long>(3, 40, ahead, iteration => iteration * iteration);
        for (var iteration = 3L; iteration < 40; iteration++)
            Assert.Equal(iteration * iteration, await prefetcher.NextAsync(Ct));
    }

    [Fact]
    public async Task NextAsync_WhenNothingIsMadeAhead_StaysOnItsThread()
    {
        var thread = 0;
        await using var prefetcher = new Prefetcher<int>(0, 2, 0, _ => thread = Environment.CurrentManagedThreadId);
        _ = await prefetcher.NextAsync(Ct);
        Assert.Equal(Environment.CurrentManagedThreadId, thread);
    }

    [Fact]
    public async Task NextAsync_WhileAnIterationIsHeldUp_HasMadeThoseBehindItAndNoMore()
    {
        using var held = new ManualResetEventSlim();
        var made = new ConcurrentDictionary<long, bool>();
        var others = new CountdownEvent(3);
        await using var prefetcher = new Prefetcher<long>(0, 100, 3, iteration =>
        {
            made[iteration] = true;
            if (iteration == 0)
                held.Wait(Ct);
            else if (!others.IsSet)
                others.Signal();
            return iteration;
        });
        var first = prefetcher.NextAsync(Ct);
        await Task.Run(() => others.Wait(Ct), Ct);
        Assert.False(first.IsCompleted);
        Assert.Equal([0, 1, 2, 3], made.Keys.Order());
        held.Set();
        Assert.Equal(0, await first);
        Assert.Equal(1, await prefetcher.NextAsync(Ct));
    }

    [Fact]
    public async Task NextAsync_WhenAnIterationCannotBeMade_ThrowsItsError()
    {
        await using var prefetcher = new Prefetcher<long>(0, 10, 2, iteration => iteration == 1 ? throw new InputException("slice 7") : iteration);
        Assert.Equal(0, await prefetcher.NextAsync(Ct));
        Assert.Contains("slice 7", (await Assert.ThrowsAsync<InputException>(() => prefetcher.NextAsync(Ct))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DisposeAsync_WhileIterationsAreMade_WaitsForThem()
    {
        using var held = new ManualResetEventSlim();
        using var cancelled = new CancellationTokenSource();
        var prefetcher = new Prefetcher<long>(0, 10, 1, iteration =>
        {
            held.Wait(Ct);
            return iteration;
        });
        var next = prefetcher.NextAsync(cancelled.Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
        var disposal = prefetcher.DisposeAsync().AsTask();
        Assert.False(disposal.IsCompleted);
        held.Set();
        await disposal;
    }
}
