// SPDX-License-Identifier: Apache-2.0
using Microsoft.Data.Sqlite;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains;

namespace Teravox.Engine.Tests;

/// <summary>Pauses, cancels, stops, and a database that does not answer.</summary>
public sealed class SteeringTests : EngineFixture
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task Pause_WhenItemsRun_LetsThemEndAndHandsNothingOutUntilItIsResumed()
    {
        Bench.Count = (_, _) => 40;
        var go = NewSignal();
        Bench.Work = async (_, ct) =>
        {
            await go.Task.WaitAsync(ct);
            return One;
        };
        var host = await HostAsync();
        host.Work();
        var id = await SubmitAsync(host.Experiments, Stage("s"));
        await Log.WaitAsync<ItemStarted>();

        Assert.True(await host.Experiments.PauseAsync(id, Ct));
        Assert.False(await host.Experiments.PauseAsync(id, Ct));
        go.SetResult();
        await UntilAsync("what ran has ended", async () => (await StageAsync(host.Experiments, id)).HandedOut == 0);
        var started = Log.All<ItemStarted>().Count;
        var status = await StatusAsync(host.Experiments, id);
        Assert.Equal((ExperimentState.Paused, started), (status.State, status.Stages[0].Done));
        Assert.Empty((await host.Scheduler.PullAsync(new(host.Name, "cpu", 3, true, []))).Items);
        Assert.Equal(started, Log.All<ItemStarted>().Count);
        Assert.InRange(started, 1, 39);

        Assert.True(await host.Experiments.ResumeAsync(id, Ct));
        Assert.Equal(ExperimentState.Succeeded, await host.Experiments.WaitForEndAsync(id, Ct));
        Assert.Equal(40, await SumAsync(host.Grains, id));
    }

    /// <summary>Items that wait behind another experiment's long one go back, too: else they would begin in the pause.</summary>
    [Fact]
    public async Task Pause_WhenItsItemsOnlyWaitForTheirTurn_GivesThemBack()
    {
        var end = NewSignal();
        Bench.Count = (_, _) => 2000;
        Bench.Work = async (turn, ct) =>
        {
            if (turn.Item.Stage.Name == "long" && turn.Item.Index == 1)
                await end.Task.WaitAsync(ct);
            return One;
        };
        var host = await HostAsync();
        var (first, second) = (await SubmitAsync(host.Experiments, Stage("long")), await SubmitAsync(host.Experiments, Stage("s")));
        host.Work(OneSlot(Setup().Devices));
        await Log.WaitAsync<ItemStarted>(item => item.Stage == "long" && item.Index == 1);
        await UntilAsync("an item waits for its turn", async () => (await StageAsync(host.Experiments, second)).HandedOut > 0);

        await host.Experiments.PauseAsync(second, Ct);

        await UntilAsync("it went back", async () => (await StageAsync(host.Experiments, second)).HandedOut == 0);
        await host.Experiments.CancelAsync(first, Ct);
    }

    [Fact]
    public async Task Cancel_WhenItemsRun_StopsTheirWork()
    {
        Bench.Count = (_, _) => 4;
        Bench.Work = (_, ct) => TestBench.UntilStoppedAsync(ct);
        var silo = await StartAsync(Setup(options => options with { GracePeriod = Long }));
        var id = await SubmitAsync(silo.Experiments, Stage("s"));
        var running = silo.RunToEndAsync(id, Ct);
        await StartedAsync(3);

        Assert.True(await silo.Experiments.CancelAsync(id, Ct));

        Assert.Equal(ExperimentState.Cancelled, await running.WaitAsync(TimeSpan.FromSeconds(60), Ct));
        Assert.Equal(3, Log.All<ItemStopped>().Count(item => item.Cause == StopCause.Cancelled));
        Assert.Equal(ExperimentState.Cancelled, (await Catalog.FindAsync(id, Ct))!.State);
    }

    [Fact]
    public async Task RunToEndAsync_WhenAnItemParksWhileAnotherRuns_TheOtherMayEnd()
    {
        var parked = NewSignal();
        Bench.Count = (_, _) => 3;
        Bench.Work = async (turn, ct) =>
        {
            if (turn.Item.Index != 0)
                throw new Contracts.InputException("bad");
            await parked.Task.WaitAsync(ct);
            return One;
        };
        Log.Events.Happened += what =>
        {
            if (what is ItemFailed)
                parked.TrySetResult();
        };
        var silo = await StartAsync(Setup(options => Slots(options, 2) with { GracePeriod = Long }));
        var id = await SubmitAsync(silo.Experiments, Stage("s"));

        Assert.Equal(ExperimentState.Failed, await silo.RunToEndAsync(id, Ct));

        await Log.WaitAsync<ItemDone>();
        await UntilAsync("the item that ran is counted", async () => await StageAsync(silo.Experiments, id) is { Done: 1, HandedOut: 0, Failed: 1 or 2 });
    }

    [Fact]
    public async Task Stop_WhenItemsRun_LetsThemEndThenGivesTheRestBackAtTheSecondSignal()
    {
        Bench.Count = (_, _) => 5;
        var stopping = NewSignal();
        Bench.Work = async (turn, ct) =>
        {
            if (turn.Item.Index != 0)
                return await TestBench.UntilStoppedAsync(ct);
            await stopping.Task.WaitAsync(ct);
            return One;
        };
        var host = await HostAsync();
        var id = await SubmitAsync(host.Experiments, Stage("s") with { MaxFailures = 1, MaxDeaths = 1 });
        using var stop = new CancellationTokenSource();
        using var stopNow = new CancellationTokenSource();
        var running = host.NewDevices(Slots(Setup().Devices, 2) with { GracePeriod = Long }).RunAsync(stop.Token, stopNow.Token);
        await StartedAsync(2);

        await stop.CancelAsync();
        stopping.SetResult();
        await Log.WaitAsync<ItemDone>();
        Assert.False(running.IsCompleted);
        Assert.Empty(Log.All<ItemStopped>());
        await stopNow.CancelAsync();
        await running.WaitAsync(TimeSpan.FromMinutes(1), Ct);

        Assert.Equal((1, StopCause.Stopping), Assert.Single(Log.All<ItemStopped>()) is var item ? (item.Index, item.Cause) : default);
        Assert.Equal(2, Log.All<ItemStarted>().Count);
        await UntilAsync("what was handed out is back", async () => await StageAsync(host.Experiments, id) is { Done: 1, HandedOut: 0, Failed: 0 });
        Bench.Work = (_, _) => Task.FromResult(One);
        host.Work();
        Assert.Equal(ExperimentState.Succeeded, await host.Experiments.WaitForEndAsync(id, Ct));
        Assert.Equal(5, await SumAsync(host.Grains, id));
    }

    [Fact]
    public async Task Stop_WhenGraceEnds_StopsWhatRuns()
    {
        Bench.Count = (_, _) => 3;
        Bench.Work = (_, ct) => TestBench.UntilStoppedAsync(ct);
        var host = await HostAsync();
        var id = await SubmitAsync(host.Experiments, Stage("s"));
        using var stop = new CancellationTokenSource();
        var running = host.NewDevices(Setup().Devices with { GracePeriod = TimeSpan.FromMilliseconds(20) }).RunAsync(stop.Token, CancellationToken.None);
        await StartedAsync(3);

        await stop.CancelAsync();
        await running.WaitAsync(TimeSpan.FromMinutes(1), Ct);

        Assert.Equal([StopCause.Stopping, StopCause.Stopping, StopCause.Stopping], Log.All<ItemStopped>().Select(item => item.Cause));
        await UntilAsync("what ran is back", async () => (await StageAsync(host.Experiments, id)).HandedOut == 0);
    }

    [Fact]
    public async Task Stop_WhenWorkIgnoresItAndEnds_ItsResultIsKept()
    {
        Bench.Work = async (_, ct) =>
        {
            await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return One;
        };
        var silo = await StartAsync(Setup(options => options with { GracePeriod = TimeSpan.Zero }));
        var id = await SubmitAsync(silo.Experiments, Stage("s"));
        using var stop = new CancellationTokenSource();
        var running = silo.RunToEndAsync(id, stop.Token);
        await Log.WaitAsync<ItemStarted>();

        await stop.CancelAsync();
        await running.WaitAsync(TimeSpan.FromMinutes(1), Ct);

        Assert.Equal(ExperimentState.Succeeded, await silo.Experiments.WaitForEndAsync(id, Ct));
        Assert.Equal(1, await SumAsync(silo.Grains, id));
    }

    /// <summary>What the scheduler hands out while the silo begins to stop would else be lost with it, and count as a death.</summary>
    [Fact]
    public async Task Stop_WhenAHandOutIsInFlight_ItsItemsGoBackUnbegun()
    {
        Bench.Count = (_, _) => 3;
        var storage = new TestStorage();
        using var stop = new CancellationTokenSource();
        var (reached, goOn) = (NewSignal(), NewSignal());
        storage.BeforeWrite = async grain =>
        {
            if (grain.Type.ToString() == "range" && reached.TrySetResult())
                await goOn.Task;
        };
        var host = Own(await EngineHost.StartAsync(Setup(), silo => silo.Storage(storage), Ct));
        var id = await SubmitAsync(host.Experiments, Stage("s"));
        var running = host.NewDevices().RunAsync(stop.Token, CancellationToken.None);
        await reached.Task.WaitAsync(TimeSpan.FromMinutes(1), Ct);

        await stop.CancelAsync();
        Assert.NotSame(running, await Task.WhenAny(running, Task.Delay(100, Ct)));
        goOn.SetResult();
        await running.WaitAsync(TimeSpan.FromMinutes(1), Ct);

        Assert.Empty(Log.All<ItemStarted>());
        var items = storage.Read<Grains.Ranges.RangeRecord>(host.Grains.GetGrain<Contracts.Grains.IWorkRangeGrain>($"{id}/s/0"), "range")!;
        Assert.Empty(items.Out);
        Assert.All(items.History.Values, item => Assert.Equal((1, 0, 0), (item.Attempts, item.Deaths, item.Failures)));
    }

    /// <summary>A call of the stopping silo that waits for items must not get any.</summary>
    [Fact]
    public async Task Pull_WhenTheSiloDrains_EndsWithoutItems()
    {
        var host = await HostAsync();
        var entry = Setup().Devices.Entry(null, TestBench.Kinds) with { Name = host.Name };
        await host.Scheduler.JoinAsync(entry);
        var pull = host.Scheduler.PullAsync(new(entry.Name, "cpu", 3, true, []));

        await host.Scheduler.BeatAsync(new(entry.Name, new Contracts.Api.SiloLoad { Draining = true }, []));
        await SubmitAsync(host.Experiments, Stage("s"));

        Assert.False((await pull).IsKnown);
        Assert.False((await host.Scheduler.PullAsync(new(entry.Name, "cpu", 3, true, []))).IsKnown);
        await host.Scheduler.JoinAsync(entry);
        Assert.Single((await host.Scheduler.PullAsync(new(entry.Name, "cpu", 3, true, []))).Items);
    }

    [Fact]
    public async Task Item_WhenItsWorkGetsNoAnswerFromTheDatabase_RunsAgainAndHasNotFailed()
    {
        Bench.Work = (turn, _) => turn.Item.Attempt == 1 ? throw new DatabaseUnavailableException("silent") : Task.FromResult(One);
        var silo = await StartAsync(Setup(OneSlot));
        var id = await SubmitAsync(silo.Experiments, Stage("s") with { MaxFailures = 1 });

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));

        Assert.Equal(StopCause.Unanswered, Assert.Single(Log.All<ItemStopped>()).Cause);
        Assert.Equal([1, 2], Log.All<ItemStarted>().Select(item => item.Attempt));
        Assert.Empty(Log.All<ItemFailed>());
    }

    [Theory]
    [InlineData("range", true)]
    [InlineData("range", false)]
    [InlineData("experiment", true)]
    [InlineData("experiment", false)]
    public async Task WaitForEndAsync_WhenEveryThirdWriteIsLost_CountsEveryItemOnce(string grainType, bool tookEffect)
    {
        const int Items = 100;
        Bench.Count = (_, _) => Items;
        var (storage, writes, lost) = (new TestStorage(), 0, 0);
        Task LoseAsync(GrainId grain)
        {
            if (grain.Type.ToString() != grainType || Interlocked.Increment(ref writes) % 3 != 0)
                return Task.CompletedTask;
            Interlocked.Increment(ref lost);
            throw new DatabaseUnavailableException("connection lost");
        }

        if (tookEffect)
            storage.AfterWrite = LoseAsync;
        else
            storage.BeforeWrite = LoseAsync;
        var limits = Quick with { UnheardAfter = TimeSpan.FromSeconds(1) };
        var host = Own(await EngineHost.StartAsync(Setup(limits: limits), silo => silo.Storage(storage), Ct));
        host.Work();
        var id = await SubmitAsync(host.Experiments, Stage("a"), Stage("b", "a"), Stage("c", "b"));

        Assert.Equal(ExperimentState.Succeeded, await host.Experiments.WaitForEndAsync(id, Ct));

        Assert.True(lost > 0, "no write was lost");
        foreach (var stage in new[] { "a", "b", "c" })
            Assert.Equal(Items, await SumAsync(host.Grains, id, stage));
    }

    [Fact]
    public async Task RunToEndAsync_WhenTheFileIsLockedForAWhile_GoesOnAfterwards()
    {
        Bench.Count = (_, _) => 3;
        var finish = NewSignal();
        Bench.Work = async (_, ct) =>
        {
            await finish.Task.WaitAsync(ct);
            return One;
        };
        var silo = await StartAsync();
        var id = await SubmitAsync(silo.Experiments, Stage("a"), Stage("b", "a"));
        var running = silo.RunToEndAsync(id, Ct);
        await StartedAsync(3);

        // As a process that hangs in a transaction would.
        await using (var other = new SqliteConnection($"Data Source={CatalogFile};Pooling=false"))
        {
            await other.OpenAsync(Ct);
            await using var hangs = await other.BeginTransactionAsync(Ct);

            // The items end while nobody can write: their reports are tried again.
            finish.SetResult();
            await Log.WaitAsync<NoAnswer>();
        }

        Assert.Equal(ExperimentState.Succeeded, await running);
        Assert.Equal((3, 3), (await SumAsync(silo.Grains, id, "a"), await SumAsync(silo.Grains, id, "b")));
        Assert.Equal(6, Log.All<ItemDone>().Count);
    }

    /// <summary>A range that could not be asked is asked again, whatever it was that went wrong.</summary>
    [Fact]
    public async Task Pull_WhenARangeFailsForAnUnknownReason_AsksItAgain()
    {
        var storage = new TestStorage();
        var failed = 0;
        storage.BeforeRead = grain => grain.Type.ToString() == "range" && Interlocked.Increment(ref failed) <= 2 ? throw new FormatException("damaged") : Task.CompletedTask;
        var host = Own(await EngineHost.StartAsync(Setup(), silo => silo.Storage(storage), Ct));
        host.Work();
        var id = await SubmitAsync(host.Experiments, Stage("s"));

        Assert.Equal(ExperimentState.Succeeded, await host.Experiments.WaitForEndAsync(id, Ct).WaitAsync(TimeSpan.FromMinutes(1), Ct));
    }

    /// <summary>Nobody may have heard of it for so long that another has it.</summary>
    [Fact]
    public async Task Item_WhenItsReportsAreNotAnsweredForTooLong_StopsAndRunsAgain()
    {
        var (stopped, goOn) = (NewSignal(), NewSignal());
        Bench.Work = async (turn, ct) =>
        {
            if (turn.Item.Attempt == 1)
                await Task.Delay(Timeout.Infinite, ct).ContinueWith(_ => stopped.TrySetResult(), TaskScheduler.Default);
            ct.ThrowIfCancellationRequested();
            return One;
        };
        async Task AnswerLaterAsync(IIncomingGrainCallContext call)
        {
            if (call.MethodName == nameof(IWorkRangeGrain.ReportAsync))
                await goOn.Task;
            await call.Invoke();
        }

        var host = Own(await EngineHost.StartAsync(Setup(), silo => silo.AddIncomingGrainCallFilter(AnswerLaterAsync), Ct));
        var id = await SubmitAsync(host.Experiments, Stage("s"));
        host.Work(Setup().Devices with { StopUnheardAfter = TimeSpan.FromSeconds(3) });
        try
        {
            Assert.True(await Task.WhenAny(stopped.Task, Task.Delay(TimeSpan.FromMinutes(1), Ct)) == stopped.Task, "an item that nobody hears of goes on");
        }
        finally
        {
            goOn.SetResult();
        }

        Assert.Equal(ExperimentState.Succeeded, await host.Experiments.WaitForEndAsync(id, Ct));
        Assert.Contains(Log.All<ItemStopped>(), item => item is { Index: 0, Cause: StopCause.Unheard });
        Assert.Equal(1, await SumAsync(host.Grains, id));
    }

    /// <summary>A silo reports its items again and again while nobody answers; the calls must not pile up for as long as that lasts.</summary>
    [Fact]
    public async Task Reports_WhenARangeDoesNotAnswer_AreAFewCallsInFlight()
    {
        const int Most = 10, BeatsMore = 30;
        var (end, ten, beaten, goOn) = (NewSignal(), NewSignal(), NewSignal(), NewSignal());
        Bench.Work = async (_, ct) =>
        {
            await end.Task.WaitAsync(ct);
            return One;
        };
        int inFlight = 0, tooMany = 0, beats = 0;
        async Task AnswerLaterAsync(IIncomingGrainCallContext call)
        {
            if (call.MethodName == nameof(ISchedulerGrain.BeatAsync) && ten.Task.IsCompleted && Interlocked.Increment(ref beats) == BeatsMore)
                beaten.TrySetResult();
            if (call.MethodName == nameof(IWorkRangeGrain.ReportAsync))
                await goOn.Task;
            await call.Invoke();
        }

        // Counted where they are made: on a slow machine some time out meanwhile, and are made again.
        async Task CountAsync(IOutgoingGrainCallContext call)
        {
            if (call.MethodName != nameof(IWorkRangeGrain.ReportAsync))
            {
                await call.Invoke();
                return;
            }

            var now = Interlocked.Increment(ref inFlight);
            if (now == Most)
                ten.TrySetResult();
            if (now > Most)
                Interlocked.Increment(ref tooMany);
            try
            {
                await call.Invoke();
            }
            finally
            {
                Interlocked.Decrement(ref inFlight);
            }
        }

        var host = Own(await EngineHost.StartAsync(Setup(), silo => silo.AddIncomingGrainCallFilter(AnswerLaterAsync).AddOutgoingGrainCallFilter(CountAsync), Ct));
        var id = await SubmitAsync(host.Experiments, Stage("s"));
        host.Work(Setup().Devices with { ReportEvery = TimeSpan.FromMilliseconds(50) });
        try
        {
            await ten.Task.WaitAsync(TimeSpan.FromMinutes(1), Ct);
            await beaten.Task.WaitAsync(TimeSpan.FromMinutes(1), Ct);
            Assert.Equal(0, Volatile.Read(ref tooMany));
        }
        finally
        {
            end.SetResult();
            goOn.SetResult();
        }

        Assert.Equal(ExperimentState.Succeeded, await host.Experiments.WaitForEndAsync(id, Ct));
    }

    [Fact]
    public async Task Report_WhenItIsFarther_TheExperimentShowsIt()
    {
        var end = NewSignal();
        Bench.Work = async (turn, ct) =>
        {
            turn.Report(new WorkProgress(0.1, "no checkpoint yet"));
            turn.Report(new WorkProgress(0.5, "iteration 300", 300));
            await end.Task.WaitAsync(ct);
            return One;
        };
        var silo = await StartAsync();
        var id = await SubmitAsync(silo.Experiments, Stage("s"));
        var running = silo.RunToEndAsync(id, Ct);

        await UntilAsync("the experiment shows how far it is", async () => (await StatusAsync(silo.Experiments, id)).Running is [{ Fraction: 0.5, Note: "iteration 300" }]);
        end.SetResult();
        Assert.Equal(ExperimentState.Succeeded, await running);
        Assert.Equal([0.1, 0.5], Log.All<ItemProgressed>().Select(item => item.Fraction));
    }

    private async Task StartedAsync(int items)
    {
        for (var index = 0; index < items; index++)
            await Log.WaitAsync<ItemStarted>(item => item.Index == index);
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task<EngineHost> HostAsync() => Own(await EngineHost.StartAsync(Setup(), null, Ct));
}
