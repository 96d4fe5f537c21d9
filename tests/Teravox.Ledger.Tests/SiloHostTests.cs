// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Silo;

namespace Teravox.Ledger.Tests;

/// <summary>A silo's ordinary life: stages, slots, failures, plans.</summary>
public class SiloHostTests : SiloFixture
{
    [Fact]
    public async Task RunToEndAsync_WhenStagesFollowEachOther_RunsEveryItemOnce()
    {
        var id = await SubmitAsync(Stage("a"), Stage("b", "a"), Stage("none", "a"), Stage("c", "b", "none"));
        var ran = new ConcurrentBag<(string, int)>();
        var silo = Silo(
            (turn, _) =>
            {
                ran.Add((turn.Lease.StageName, turn.Lease.Index));
                return Task.FromResult(One);
            },
            stage => stage.Name switch { "a" => 25, "none" => 0, _ => 3 });
        var log = new SiloLog(silo);

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));

        var expected = Enumerable.Range(0, 25).Select(i => ("a", i)).Concat(from stage in new[] { "b", "c" } from i in Enumerable.Range(0, 3) select (stage, i));
        Assert.Equal(expected.Order(), ran.Order());
        Assert.Equal(25, await SumAsync(id, "a"));
        var committed = log.All<ItemCommitted>().Where(item => item.Stage == "a").ToList();
        Assert.Equal((25, 25), (committed.Count, committed.Max(item => item.Done)));
        Assert.Equal(["a", "b", "none", "c"], log.All<StageDone>().Select(stage => stage.Stage).OrderBy(name => name is "none" ? "bb" : name));
        Assert.Equal([("a", 25), ("b", 3), ("none", 0), ("c", 3)], log.All<StageExpanded>().Select(stage => (stage.Stage, stage.Total)));
    }

    [Fact]
    public async Task RunToEndAsync_WhenDevicesHaveSlots_NeverRunsMoreAtATime()
    {
        var id = await SubmitAsync(Stage("s"));
        var running = new ConcurrentDictionary<string, int>();
        var seen = new ConcurrentBag<(string Device, int Running, int Threads, bool Pool)>();
        var silo = Silo(
            async (turn, ct) =>
            {
                seen.Add((turn.Device, running.AddOrUpdate(turn.Device, 1, (_, n) => n + 1), turn.Threads, Thread.CurrentThread.IsThreadPoolThread));
                await Task.Delay(2, ct);
                running.AddOrUpdate(turn.Device, 0, (_, n) => n - 1);
                return One;
            },
            _ => 60,
            options => options with { Devices = [new SiloDevice("cpu", 2, 3), new SiloDevice("cuda:0", 1, 4)] });

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));

        Assert.Equal([("cpu", 3), ("cuda:0", 4)], seen.Select(one => (one.Device, one.Threads)).Distinct().Order());
        Assert.All(seen, one => Assert.InRange(one.Running, 1, one.Device == "cpu" ? 2 : 1));
        Assert.All(seen, one => Assert.False(one.Pool, "work must not block the thread pool"));
    }

    [Fact]
    public async Task RunAsync_WhenTwoSilosShareALedger_EachItemRunsOnce()
    {
        var id = await SubmitAsync(Stage("a"), Stage("b", "a"));
        await using var other = await OpenAsync();
        var ran = new ConcurrentBag<(string, int)>();
        Task<WorkResult> Work(WorkTurn turn, CancellationToken ct)
        {
            ran.Add((turn.Lease.StageName, turn.Lease.Index));
            return Task.FromResult(One);
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var second = Silo(Work, _ => 50, ledger: other).RunAsync(stop.Token);
        Assert.Equal(ExperimentState.Succeeded, await Silo(Work, _ => 50).RunToEndAsync(id, Ct));
        await stop.CancelAsync();
        await second;

        Assert.Equal(100, ran.Count);
        Assert.Equal(100, ran.Distinct().Count());
        Assert.Equal((50, 50), (await SumAsync(id, "a"), await SumAsync(id, "b")));
    }

    [Fact]
    public async Task RunToEndAsync_WhenItemAlwaysThrows_ParksItWithItsError()
    {
        var id = await SubmitAsync(Stage("s"), Stage("t", "s"));
        var silo = Silo(
            (turn, _) => turn.Lease.Index == 1 ? throw new FormatException($"boom {turn.Lease.Attempt}") : Task.FromResult(One),
            _ => 2);
        var log = new SiloLog(silo);

        Assert.Equal(ExperimentState.Failed, await silo.RunToEndAsync(id, Ct));

        var failed = Assert.Single(await Ledger.FailuresAsync(id, 10, Ct));
        Assert.Equal((1, 3, 0, "FormatException: boom 3"), (failed.Index, failed.Failures, failed.Deaths, failed.Error));
        Assert.Equal([1, 2, 3], log.All<ItemStarted>().Where(item => item.Index == 1).Select(item => item.Attempt));
        Assert.All(log.All<ItemFailed>(), item => Assert.False(item.Final));
    }

    [Fact]
    public async Task RunToEndAsync_WhenInputIsAtFault_ParksAtOnceWithItsSentence()
    {
        var id = await SubmitAsync(Stage("s"));
        var silo = Silo((_, _) => Task.FromException<WorkResult>(new InputException("Slice raw/0007.tif is 8 bits; make it 16.")), _ => 1);
        var log = new SiloLog(silo);

        Assert.Equal(ExperimentState.Failed, await silo.RunToEndAsync(id, Ct));

        Assert.Equal("Slice raw/0007.tif is 8 bits; make it 16.", Assert.Single(await Ledger.FailuresAsync(id, 10, Ct)).Error);
        Assert.True(Assert.Single(log.All<ItemFailed>()).Final);
    }

    [Fact]
    public async Task RunToEndAsync_WhenItemThrowsOnce_RunsItAgainNotBeforeItsDelay()
    {
        await using var slow = await OpenAsync(retryDelay: TimeSpan.FromMilliseconds(400));
        var id = await SubmitAsync(Stage("s"));
        var starts = new ConcurrentBag<long>();
        var silo = Silo(
            (turn, _) =>
            {
                starts.Add(Environment.TickCount64);
                return turn.Lease.Attempt == 1 ? throw new IOException("flaky") : Task.FromResult(One);
            },
            _ => 1,
            ledger: slow);

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));

        Assert.Equal(2, starts.Count);
        Assert.True(starts.Max() - starts.Min() >= 190, "half the delay is the least that jitter leaves");
        Assert.Equal(1, await SumAsync(id, "s"));
    }

    [Fact]
    public async Task RunToEndAsync_WhenWorkCancelsItselfUnasked_CountsAsAFailure()
    {
        var id = await SubmitAsync(Stage("s") with { MaxFailures = 1 });
        var silo = Silo((_, _) => throw new OperationCanceledException("not ours"), _ => 1);

        Assert.Equal(ExperimentState.Failed, await silo.RunToEndAsync(id, Ct));
        Assert.Contains("not ours", Assert.Single(await Ledger.FailuresAsync(id, 10, Ct)).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunToEndAsync_WhenSumsDoNotFitTheStage_ParksTheItem()
    {
        var id = await SubmitAsync(Stage("s"));
        var silo = Silo((turn, _) => Task.FromResult(new WorkResult(Sums: new Dictionary<string, long[]> { ["n"] = new long[1 + turn.Lease.Index] })), _ => 2, OneSlot);

        Assert.Equal(ExperimentState.Failed, await silo.RunToEndAsync(id, Ct));
        Assert.Equal(1, Assert.Single(await Ledger.FailuresAsync(id, 10, Ct)).Failures);
    }

    [Fact]
    public async Task RunToEndAsync_WhenPlannerRefusesTheInput_FailsTheExperimentWithItsSentence()
    {
        var id = await SubmitAsync(Stage("s"));
        var silo = Silo((_, _) => Task.FromResult(One), _ => throw new InputException("Volume raw.zarr is missing; import it."));

        Assert.Equal(ExperimentState.Failed, await silo.RunToEndAsync(id, Ct));
        Assert.Equal("Volume raw.zarr is missing; import it.", Assert.Single(await Ledger.FailuresAsync(id, 10, Ct)).Error);
    }

    [Fact]
    public async Task RunToEndAsync_WhenPlannerHiccups_PlansAgainAndThenGivesUp()
    {
        var id = await SubmitAsync(Stage("s"), Stage("t", "s"));
        var looks = new ConcurrentBag<string>();
        var silo = Silo(
            (_, _) => Task.FromResult(One),
            stage =>
            {
                looks.Add(stage.Name);
                return stage.Name == "t" || looks.Count == 1 ? throw new IOException("stale handle") : 1;
            },
            options => options with { Poll = TimeSpan.FromMilliseconds(10) });
        var log = new SiloLog(silo);

        Assert.Equal(ExperimentState.Failed, await silo.RunToEndAsync(id, Ct));

        Assert.Equal(["s", "s", "t", "t", "t", "t"], looks.Order());
        Assert.Equal([false, false, false, false, true], log.All<PlanFailed>().Select(plan => plan.Final));
        Assert.Equal("IOException: stale handle", Assert.Single(await Ledger.FailuresAsync(id, 10, Ct)).Error);
    }

    [Fact]
    public async Task RunToEndAsync_WhenThisSiloCanNotRunAStage_SaysSoBeforeItBegins()
    {
        var silo = Silo((_, _) => Task.FromResult(One), _ => 1, options => options with { Devices = [new SiloDevice("cpu", 1, 1, MemoryBytes: 1000)] });
        async Task Refuses(string part, NewStage stage)
        {
            var id = await SubmitAsync(stage);
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
    public async Task RunToEndAsync_WhenAnotherExperimentWaits_LeavesItAlone()
    {
        var other = await SubmitAsync(Stage("s"));
        var id = await SubmitAsync(Stage("s"));

        Assert.Equal(ExperimentState.Succeeded, await Silo((_, _) => Task.FromResult(One), _ => 2).RunToEndAsync(id, Ct));

        Assert.Equal(StageState.Ready, Assert.Single(await Ledger.StagesAsync(other, Ct)).State);
    }

    [Fact]
    public async Task RunToEndAsync_WhenItHasEndedBefore_ReturnsAtOnce()
    {
        var id = await SubmitAsync(Stage("s"));
        await Ledger.CancelAsync(id, Ct);

        Assert.Equal(ExperimentState.Cancelled, await Silo((_, _) => Task.FromResult(One), _ => 2).RunToEndAsync(id, Ct));
    }

    [Fact]
    public void Ctor_WhenThereIsNothingToRunOn_Throws()
    {
        Assert.Throws<ArgumentException>(() => Silo((_, _) => Task.FromResult(One), _ => 1, options => options with { Devices = [] }));
        Assert.Throws<ArgumentException>(() => Silo((_, _) => Task.FromResult(One), _ => 1, options => options with { Devices = [new SiloDevice("cpu", 0, 1)] }));
    }
}
