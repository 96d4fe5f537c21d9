// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Silo;

namespace Teravox.Ledger.Tests;

/// <summary>What runs beside what on a device, and what never does.</summary>
public sealed class SiloOverlapTests : SiloFixture
{
    private const int Tiles = 12;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task RunToEndAsync_WhenTilesOverlap_ReadsAndWritesWhileAnotherComputes()
    {
        var id = await SubmitAsync(Stage("s"));
        int reads = 0, computes = 0, computing = 0, most = 0;
        var (read, computed) = (Begins(), Begins());
        var silo = Silo(
            async (turn, ct) =>
            {
                read[Interlocked.Increment(ref reads)].SetResult();
                int mine;
                using (await turn.EnterDeviceAsync(ct))
                {
                    most = Math.Max(most, Interlocked.Increment(ref computing));
                    mine = Interlocked.Increment(ref computes);
                    computed[mine].SetResult();

                    // Computing ends only when the next tile is being read.
                    await BeganAsync(read, mine + 1, "was read while the one before computed", ct);
                    Interlocked.Decrement(ref computing);
                }

                // Writing ends only when the next tile computes and the one after it is being read.
                await BeganAsync(computed, mine + 1, "computed while the one before was written", ct);
                await BeganAsync(read, mine + 2, "was read while one computed and one was written", ct);
                return One;
            },
            _ => Tiles,
            options => options with { Devices = [new SiloDevice("cpu", SiloDevice.OverlapSlots, 1)] });

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));

        Assert.Empty(await Ledger.FailuresAsync(id, 1, Ct));
        Assert.Equal((Tiles, 1), (computes, most));
        Assert.Equal(Tiles, await SumAsync(id, "s"));
    }

    [Fact]
    public async Task RunToEndAsync_WhenAnItemNeedsItsDeviceWhole_NothingElseIsClaimedForIt()
    {
        var id = await SubmitAsync(Stage("tiles"), new NewStage("whole", "whole", []));
        int tiles = 0, wholes = 0;
        var beside = 0;
        async Task<WorkResult> TileAsync(WorkTurn turn, CancellationToken ct)
        {
            Interlocked.Increment(ref tiles);
            Interlocked.Add(ref beside, Volatile.Read(ref wholes));
            await Task.Delay(2, ct);
            Interlocked.Decrement(ref tiles);
            return One;
        }

        async Task<WorkResult> WholeAsync(WorkTurn turn, CancellationToken ct)
        {
            Interlocked.Increment(ref wholes);

            // Under lease is this item and nothing else, and that stays so while the loop looks for work a few times.
            for (var look = 0; look < 5; look++)
            {
                Interlocked.Add(ref beside, Volatile.Read(ref tiles) + (await Ledger.RunningAsync(id, ct)).Count - 1);
                await Task.Delay(10, ct);
            }

            Interlocked.Decrement(ref wholes);
            return One;
        }

        var silo = new SiloHost(
            Ledger,
            [new TestGrain(TileAsync), new TestGrain(WholeAsync, "whole", overlaps: false)],
            new TestPlanner(stage => stage.Name == "whole" ? 3 : 40),
            Options());

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));

        Assert.Equal(0, beside);
        Assert.Equal((40, 3), (await SumAsync(id, "tiles"), await SumAsync(id, "whole")));
    }

    [Fact]
    public async Task RunAsync_WhenTilesNeverEnd_AnItemThatNeedsTheDeviceWholeStillGetsItsTurn()
    {
        var backlog = await SubmitAsync(Stage("tiles"));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var silo = new SiloHost(
            Ledger,
            [new TestGrain(TileAsync), new TestGrain((_, _) => Task.FromResult(One), "whole", overlaps: false)],
            new TestPlanner(stage => stage.Name == "whole" ? 1 : 100_000),
            Options());
        static async Task<WorkResult> TileAsync(WorkTurn turn, CancellationToken ct)
        {
            await Task.Delay(5, ct);
            return One;
        }

        var log = new SiloLog(silo);
        var running = silo.RunAsync(stop.Token);
        await log.WaitAsync<ItemCommitted>();

        await Ledger.SubmitAsync(new NewExperiment("urgent", "{}", [new NewStage("whole", "whole", [])], Priority: 1), Ct);

        Assert.Equal("whole", (await log.WaitAsync<StageDone>()).Stage);
        await stop.CancelAsync();
        await running;
        Assert.Equal(StageState.Running, (await StageAsync(backlog, "tiles")).State);
    }

    [Fact]
    public async Task RunToEndAsync_WhenCommitsWait_SendsThemTogetherAndCountsEachOnce()
    {
        var id = await SubmitAsync(Stage("s"));
        var transactions = 0;

        // Three begin together. Whichever is the first to commit does so only when the other two have ended and ask to.
        using var ended = new CountdownEvent(SiloDevice.OverlapSlots);
        using var together = new Barrier(SiloDevice.OverlapSlots, _ => ended.Reset());
        using var fault = new FaultScope(name =>
        {
            switch (name)
            {
                case "item.before-commit":
                    ended.Signal();
                    break;
                case "ledger.before-commit:commit":
                    Interlocked.Increment(ref transactions);
                    if (!ended.Wait(Patience, Ct))
                    {
                        throw new TimeoutException("the items that began together did not all end");
                    }

                    break;
            }
        });
        Task<WorkResult> EndTogetherAsync(WorkTurn turn, CancellationToken ct)
        {
            together.SignalAndWait(ct);
            return Task.FromResult(One);
        }

        var silo = Silo(EndTogetherAsync, _ => 60);

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));

        Assert.Equal(60, await SumAsync(id, "s"));

        // Between asking and being queued is a moment that a busy machine may stretch, but not in all twenty rounds.
        Assert.InRange(transactions, 20, 59);
    }

    [Fact]
    public async Task Work_AfterAnAwait_StillRunsOnItsOwnThread()
    {
        var id = await SubmitAsync(Stage("s"));
        var pool = 0;
        var silo = Silo(
            async (turn, ct) =>
            {
                var thread = Environment.CurrentManagedThreadId;
                await Task.Delay(1, ct);
                Interlocked.Add(ref pool, Thread.CurrentThread.IsThreadPoolThread || thread != Environment.CurrentManagedThreadId ? 1 : 0);
                return One;
            },
            _ => 5);

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));
        Assert.Equal(0, pool);
    }

    private static SiloOptions Options() => new(SiloOptions.NewName(), [new SiloDevice("cpu", SiloDevice.OverlapSlots, 1)]) { Poll = TimeSpan.FromMilliseconds(30) };

    /// <summary>One for the begin of each tile, counted from 1 in the order in which they came.</summary>
    private static TaskCompletionSource[] Begins() =>
        [.. Enumerable.Range(0, Tiles + 1).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];

    /// <summary>Waits until the tile has begun; there is none after the last.</summary>
    private static async Task BeganAsync(TaskCompletionSource[] begins, int tile, string what, CancellationToken ct)
    {
        if (tile > Tiles)
        {
            return;
        }

        try
        {
            await begins[tile].Task.WaitAsync(Patience, ct);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"no tile {what}: the {tile}th was missing");
        }
    }
}
