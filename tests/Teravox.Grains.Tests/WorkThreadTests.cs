// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains.Tests;

public class WorkThreadTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task RunAsync_WhenWorkAwaits_ComesBackToItsThread()
    {
        var (before, after) = await WorkThread.RunAsync("work", async () =>
        {
            var first = Environment.CurrentManagedThreadId;
            await Task.Yield();
            await Task.Delay(1);
            return (first, Environment.CurrentManagedThreadId);
        }).WaitAsync(Patience, TestContext.Current.CancellationToken);

        Assert.Equal(before, after);
    }

    [Fact]
    public async Task RunAsync_WhenOthersRun_HasAThreadOfItsOwn()
    {
        using var together = new Barrier(4);

        // Each blocks its thread until all four are there.
        var runs = Enumerable.Range(0, 4).Select(_ => WorkThread.RunAsync("work", () => Task.FromResult(together.SignalAndWait(Patience)))).ToList();

        Assert.All(await Task.WhenAll(runs), Assert.True);
    }

    [Fact]
    public async Task RunAsync_WhenTheThreadsWorkThrewBefore_WorksAll()
    {
        for (var i = 0; i < 1000; i++)
        {
            var number = i;
            var run = WorkThread.RunAsync<int>("work", () => number % 3 == 0 ? throw new InvalidDataException("thrown") : Task.FromResult(number));

            if (number % 3 == 0)
                await Assert.ThrowsAsync<InvalidDataException>(() => run.WaitAsync(Patience, TestContext.Current.CancellationToken));
            else
                Assert.Equal(number, await run.WaitAsync(Patience, TestContext.Current.CancellationToken));
        }
    }
}
