// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using Teravox.Contracts;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Silo.Devices;

namespace Teravox.Engine.Tests;

/// <summary>A silo's ordinary life: stages, slots, failures, plans.</summary>
public sealed class OneSiloTests : EngineFixture
{
    [Fact]
    public async Task RunToEndAsync_WhenStagesFollowEachOther_RunsEveryItemOnce()
    {
        var ran = new ConcurrentBag<(string, int)>();
        Bench.Work = (turn, _) =>
        {
            ran.Add((turn.Item.Stage.Name, turn.Item.Index));
            return Task.FromResult(One);
        };
        Bench.Count = (_, stage) => stage.Name switch { "a" => 25, "none" => 0, _ => 3 };
        var silo = await StartAsync();
        var id = await SubmitAsync(silo.Experiments, Stage("a"), Stage("b", "a"), Stage("none", "a"), Stage("c", "b", "none"));

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));

        var expected = Enumerable.Range(0, 25).Select(i => ("a", i)).Concat(from stage in new[] { "b", "c" } from i in Enumerable.Range(0, 3) select (stage, i));
        Assert.Equal(expected.Order(), ran.Order());
        Assert.Equal(25, await SumAsync(silo.Grains, id, "a"));
        Assert.Equal(25, Log.All<ItemDone>().Count(item => item.Stage == "a"));
        Assert.Equal(["a", "b", "none", "c"], Log.All<StageDone>().Select(stage => stage.Stage).OrderBy(name => name is "none" ? "bb" : name));
        Assert.Equal([("a", 25), ("b", 3), ("none", 0), ("c", 3)], Log.All<StagePlanned>().Select(stage => (stage.Stage, stage.Total)));
        Assert.Equal(ExperimentState.Succeeded, (await Catalog.FindAsync(id, Ct))!.State);
    }

    [Fact]
    public async Task RunToEndAsync_WhenDevicesHaveSlots_NeverRunsMoreAtATime()
    {
        var running = new ConcurrentDictionary<string, int>();
        var seen = new ConcurrentBag<(string Device, int Running, int Threads, bool Pool)>();
        Bench.Work = async (turn, ct) =>
        {
            seen.Add((turn.Device, running.AddOrUpdate(turn.Device, 1, (_, n) => n + 1), turn.Threads, Thread.CurrentThread.IsThreadPoolThread));
            await Task.Delay(2, ct);
            running.AddOrUpdate(turn.Device, 0, (_, n) => n - 1);
            return One;
        };
        Bench.Count = (_, _) => 120;
        var silo = await StartAsync(Setup(options => options with { Devices = [new Device("cpu", 2, 3), new Device("cuda:0", 1, 4)] }));
        var id = await SubmitAsync(silo.Experiments, Stage("s"));

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));

        Assert.Equal([("cpu", 3), ("cuda:0", 4)], seen.Select(one => (one.Device, one.Threads)).Distinct().Order());
        Assert.All(seen, one => Assert.InRange(one.Running, 1, one.Device == "cpu" ? 2 : 1));
        Assert.All(seen, one => Assert.False(one.Pool, "work must not block the thread pool"));
    }

    [Fact]
    public async Task RunToEndAsync_WhenItemAlwaysThrows_ParksItWithItsError()
    {
        Bench.Work = (turn, _) => turn.Item.Index == 1 ? throw new FormatException($"boom {turn.Item.Attempt}") : Task.FromResult(One);
        Bench.Count = (_, _) => 2;
        var silo = await StartAsync();
        var id = await SubmitAsync(silo.Experiments, Stage("s"), Stage("t", "s"));

        Assert.Equal(ExperimentState.Failed, await silo.RunToEndAsync(id, Ct));

        var failed = Assert.Single((await StatusAsync(silo.Experiments, id)).Failures);
        Assert.Equal((1, 3, 0, "FormatException: boom 3"), (failed.Index, failed.Failures, failed.Deaths, failed.Error));
        Assert.Equal([1, 2, 3], Log.All<ItemStarted>().Where(item => item.Index == 1).Select(item => item.Attempt));
        Assert.All(Log.All<ItemFailed>(), item => Assert.False(item.Final));
        Assert.Equal(StageState.Waiting, (await StageAsync(silo.Experiments, id, "t")).State);
    }

    [Fact]
    public async Task RetryAsync_WhenAnItemWasParked_RunsItAgainWithFreshCounts()
    {
        var mended = false;
        Bench.Work = (turn, _) => turn.Item.Index == 1 && !mended ? throw new FormatException("boom") : Task.FromResult(One);
        Bench.Count = (_, _) => 3;
        var silo = await StartAsync();
        var id = await SubmitAsync(silo.Experiments, Stage("s"), Stage("t", "s"));
        Assert.Equal(0, await silo.Experiments.RetryAsync(id, Ct));
        Assert.Equal(ExperimentState.Failed, await silo.RunToEndAsync(id, Ct));
        mended = true;

        Assert.Equal(1, await silo.Experiments.RetryAsync(id, Ct));

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));
        Assert.Equal((3, 3), (await SumAsync(silo.Grains, id), await SumAsync(silo.Grains, id, "t")));
    }

    [Fact]
    public async Task RunToEndAsync_WhenInputIsAtFault_ParksAtOnceWithItsSentence()
    {
        Bench.Work = (_, _) => Task.FromException<WorkResult>(new InputException("Slice raw/0007.tif is 8 bits; make it 16."));
        var silo = await StartAsync();
        var id = await SubmitAsync(silo.Experiments, Stage("s"));

        Assert.Equal(ExperimentState.Failed, await silo.RunToEndAsync(id, Ct));

        Assert.Equal("Slice raw/0007.tif is 8 bits; make it 16.", Assert.Single((await StatusAsync(silo.Experiments, id)).Failures).Error);
        Assert.True(Assert.Single(Log.All<ItemFailed>()).Final);
    }

    [Fact]
    public async Task RunToEndAsync_WhenItemThrowsOnce_RunsItAgainNotBeforeItsDelay()
    {
        var starts = new ConcurrentBag<long>();
        Bench.Work = (turn, _) =>
        {
            starts.Add(Environment.TickCount64);
            return turn.Item.Attempt == 1 ? throw new IOException("flaky") : Task.FromResult(One);
        };
        var silo = await StartAsync(Setup(limits: Quick with { RetryDelay = TimeSpan.FromMilliseconds(400) }));
        var id = await SubmitAsync(silo.Experiments, Stage("s"));

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));

        Assert.Equal(2, starts.Count);
        Assert.True(starts.Max() - starts.Min() >= 190, "half the delay is the least that jitter leaves");
        Assert.Equal(1, await SumAsync(silo.Grains, id));
    }

    [Fact]
    public async Task RunToEndAsync_WhenWorkCancelsItselfUnasked_CountsAsAFailure()
    {
        Bench.Work = (_, _) => throw new OperationCanceledException("not ours");
        var silo = await StartAsync();
        var id = await SubmitAsync(silo.Experiments, Stage("s") with { MaxFailures = 1 });

        Assert.Equal(ExperimentState.Failed, await silo.RunToEndAsync(id, Ct));
        Assert.Contains("not ours", Assert.Single((await StatusAsync(silo.Experiments, id)).Failures).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunToEndAsync_WhenSumsDoNotFitTheStage_ParksTheItem()
    {
        Bench.Work = (turn, _) => Task.FromResult(new WorkResult(Sums: new Dictionary<string, long[]> { ["n"] = [.. Enumerable.Repeat(1L, 1 + turn.Item.Index)] }));
        Bench.Count = (_, _) => 2;
        var silo = await StartAsync(Setup(OneSlot));
        var id = await SubmitAsync(silo.Experiments, Stage("s"));

        Assert.Equal(ExperimentState.Failed, await silo.RunToEndAsync(id, Ct));

        var failed = Assert.Single((await StatusAsync(silo.Experiments, id)).Failures);
        Assert.Equal((1, 1), (failed.Index, failed.Failures));
        Assert.Contains("Sum 'n' has 1 counts", failed.Error, StringComparison.Ordinal);
        Assert.Equal(1, await SumAsync(silo.Grains, id));
    }

    [Fact]
    public async Task RunToEndAsync_WhenPlannerRefusesTheInput_FailsTheExperimentWithItsSentence()
    {
        Bench.Count = (_, _) => throw new InputException("Volume raw.zarr is missing; import it.");
        var silo = await StartAsync();
        var id = await SubmitAsync(silo.Experiments, Stage("s"));

        Assert.Equal(ExperimentState.Failed, await silo.RunToEndAsync(id, Ct));

        var failed = Assert.Single((await StatusAsync(silo.Experiments, id)).Failures);
        Assert.Equal((-1, "Volume raw.zarr is missing; import it."), (failed.Index, failed.Error));
    }

    [Fact]
    public async Task RunToEndAsync_WhenPlannerHiccups_PlansAgainAndThenGivesUp()
    {
        var looks = new ConcurrentQueue<string>();
        Bench.Count = (_, stage) =>
        {
            looks.Enqueue(stage.Name);
            return stage.Name == "t" || looks.Count == 1 ? throw new IOException("stale handle") : 1;
        };
        var silo = await StartAsync();
        var id = await SubmitAsync(silo.Experiments, Stage("s"), Stage("t", "s"));

        Assert.Equal(ExperimentState.Failed, await silo.RunToEndAsync(id, Ct));

        Assert.Equal(["s", "s", "t", "t", "t", "t"], looks);
        Assert.Equal([false, false, false, false, true], Log.All<PlanFailed>().Select(plan => plan.Final));
        Assert.Equal("IOException: stale handle", Assert.Single((await StatusAsync(silo.Experiments, id)).Failures).Error);
    }

    [Fact]
    public async Task RunToEndAsync_WhenThisSiloCanNotRunAStage_SaysSoBeforeItBegins()
    {
        var silo = await StartAsync(Setup(options => options with { Devices = [new Device("cpu", 1, 1, MemoryBytes: 1000)] }));
        async Task Refuses(string part, NewStage stage)
        {
            var id = await SubmitAsync(silo.Experiments, stage);
            var error = await Assert.ThrowsAsync<InputException>(() => silo.RunToEndAsync(id, Ct));
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        }

        await Refuses("kind 'other'", Stage("s") with { Kind = "other" });
        await Refuses("CUDA", Stage("s") with { Needs = new WorkNeeds(Gpu: true) });
        await Refuses("1001 bytes", Stage("s") with { Needs = new WorkNeeds(MemoryBytes: 1001) });
        await Refuses("tag 'disk=fast'", Stage("s") with { Needs = new WorkNeeds(Tag: "disk=fast") });
        Assert.Contains("77", (await Assert.ThrowsAsync<InputException>(() => silo.RunToEndAsync(77, Ct))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunToEndAsync_WhenItHasEndedBefore_ReturnsAtOnce()
    {
        var silo = await StartAsync();
        var id = await SubmitAsync(silo.Experiments, Stage("s"));
        Assert.True(await silo.Experiments.CancelAsync(id, Ct));
        Assert.False(await silo.Experiments.CancelAsync(id, Ct));

        Assert.Equal(ExperimentState.Cancelled, await silo.RunToEndAsync(id, Ct));
        Assert.Empty(Log.All<ItemStarted>());
    }

    [Fact]
    public async Task RunToEndAsync_WhenThereIsNothingToRunOn_Throws()
    {
        async Task ThrowsAsync(params Device[] devices)
        {
            await using var silo = await Silo.Cluster.LocalSilo.StartAsync(Setup(options => options with { Devices = devices }), _ => { }, Ct);
            var id = await SubmitAsync(silo.Experiments, Stage("s") with { Kind = TestBench.Kind });
            await Assert.ThrowsAnyAsync<Exception>(() => silo.RunToEndAsync(id, Ct));
        }

        await ThrowsAsync();
        await ThrowsAsync(new Device("cpu", 0, 1));
        await ThrowsAsync(new Device("cpu", 1, 0));
    }

    [Fact]
    public async Task Work_AfterAnAwait_StillRunsOnItsOwnThread()
    {
        var pool = 0;
        Bench.Work = async (_, ct) =>
        {
            var thread = Environment.CurrentManagedThreadId;
            await Task.Delay(1, ct);
            Interlocked.Add(ref pool, Thread.CurrentThread.IsThreadPoolThread || thread != Environment.CurrentManagedThreadId ? 1 : 0);
            return One;
        };
        Bench.Count = (_, _) => 5;
        var silo = await StartAsync();
        var id = await SubmitAsync(silo.Experiments, Stage("s"));

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));
        Assert.Equal(0, pool);
    }

    [Fact]
    public async Task RunToEndAsync_WhenItemsLeaveLinesAndResults_TheyAreThereOnce()
    {
        Bench.Work = (turn, _) => Task.FromResult(new WorkResult($"{turn.Item.Index}", null, turn.Item.Index == 2 ? ["two", "lines"] : null));
        Bench.Count = (_, _) => 4;
        var silo = await StartAsync();
        var id = await SubmitAsync(silo.Experiments, Stage("s"));

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));

        var results = await silo.Grains.GetGrain<Contracts.Grains.IExperimentGrain>($"{id}").ResultsAsync("s");
        Assert.Equal([(0, "0"), (1, "1"), (2, "2"), (3, "3")], results.OrderBy(r => r.Key).Select(r => (r.Key, r.Value)));
        Assert.Equal(["two", "lines"], (await Catalog.EventsAsync(id, 0, 100, Ct)).Where(row => row.Kind == "log").Select(row => row.Text));
    }
}
