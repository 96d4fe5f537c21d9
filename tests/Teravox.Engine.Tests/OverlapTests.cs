// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Silo.Devices;

namespace Teravox.Engine.Tests;

/// <summary>What runs beside what on a device, and what never does.</summary>
public sealed class OverlapTests : EngineFixture
{
    private const int Tiles = 12;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task RunToEndAsync_WhenTilesOverlap_ReadsAndWritesWhileAnotherComputes()
    {
        int reads = 0, computes = 0, computing = 0, most = 0;
        var (read, computed) = (Begins(), Begins());
        Bench.Work = async (turn, ct) =>
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
        };
        Bench.Count = (_, _) => Tiles;
        var silo = await StartAsync();
        var id = await SubmitAsync(silo.Experiments, Stage("s"));

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));

        Assert.Empty((await StatusAsync(silo.Experiments, id)).Failures);
        Assert.Equal((Tiles, 1), (computes, most));
        Assert.Equal(Tiles, await SumAsync(silo.Grains, id));
    }

    [Fact]
    public async Task RunToEndAsync_WhenAnItemNeedsItsDeviceWhole_NothingElseRunsOnIt()
    {
        int tiles = 0, wholes = 0, beside = 0;
        Bench.Work = async (turn, ct) =>
        {
            var isWhole = turn.Item.Stage.Kind == TestBench.Whole;
            var (mine, others) = isWhole ? (Interlocked.Increment(ref wholes) - 1, Volatile.Read(ref tiles)) : (0, Volatile.Read(ref wholes));
            Interlocked.Add(ref beside, mine + others);
            if (!isWhole)
                Interlocked.Increment(ref tiles);
            await Task.Delay(2, ct);
            Interlocked.Decrement(ref isWhole ? ref wholes : ref tiles);
            return One;
        };
        Bench.Count = (_, stage) => stage.Name == "whole" ? 3 : 40;
        var silo = await StartAsync();
        var id = await SubmitAsync(silo.Experiments, Stage("tiles"), Whole("whole"));

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));

        Assert.Equal(0, beside);
        Assert.Equal((40, 3), (await SumAsync(silo.Grains, id, "tiles"), await SumAsync(silo.Grains, id, "whole")));
    }

    /// <summary>A device that cannot run the whole item looks for work all the time; that must not make the other's wait begin anew.</summary>
    [Fact]
    public async Task RunAsync_WhenTilesNeverEnd_AnItemThatNeedsTheDeviceWholeStillGetsItsTurn()
    {
        Bench.Work = async (_, ct) =>
        {
            await Task.Delay(5, ct);
            return One;
        };
        Bench.Count = (_, stage) => stage.Kind == TestBench.Whole ? 1 : 100_000;
        var host = Own(await EngineHost.StartAsync(Setup(options => options with { Devices = [new Device("cuda:0", 3, 1), new Device("cpu", 3, 1)] }), null, Ct));
        host.Work();
        var backlog = await SubmitAsync(host.Experiments, Stage("tiles"));
        await Log.WaitAsync<ItemDone>();

        await host.Experiments.SubmitAsync([new NewExperiment("urgent", "{}", [Whole("whole") with { Needs = new WorkNeeds(Gpu: true) }], Priority: 1)], Ct);

        await Log.WaitAsync<StageDone>(stage => stage.Stage == "whole");
        Assert.Equal(StageState.Running, (await StageAsync(host.Experiments, backlog, "tiles")).State);
    }

    /// <summary>One for the begin of each tile, counted from 1 in the order in which they came.</summary>
    private static TaskCompletionSource[] Begins() =>
        [.. Enumerable.Range(0, Tiles + 1).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];

    /// <summary>Waits until the tile has begun; there is none after the last.</summary>
    private static async Task BeganAsync(TaskCompletionSource[] begins, int tile, string what, CancellationToken ct)
    {
        if (tile > Tiles)
            return;
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
