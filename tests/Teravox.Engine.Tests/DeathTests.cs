// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Ranges;

namespace Teravox.Engine.Tests;

/// <summary>Silos that die with items, silos that lose them, and items that kill their silos.</summary>
public sealed class DeathTests : EngineFixture
{
    private readonly TestStorage _storage = new();
    private readonly TestMembers _members = new();
    private int _lives;

    [Fact]
    public async Task Item_WhenItFailsAndItsSilosDie_CountsThemApart()
    {
        var (host, stage) = (await HostAsync(), Plan(1, maxFailures: 3, maxDeaths: 3));

        await DieAsync(host, stage, 2);
        Assert.False(await FailAsync(host, stage));
        Assert.False(await FailAsync(host, stage));
        Assert.Equal(new ItemHistory(4, 2, 2, 0, "thrown"), Stored(host, stage).History[0]);

        Assert.True(await FailAsync(host, stage));
        Assert.Empty((await TakeAsync(host, stage, "late")).Items);
    }

    [Fact]
    public async Task Item_WhenItsSilosDieTooOften_IsParkedWithTheLastOnesName()
    {
        var (host, stage) = (await HostAsync(), Plan(1, maxDeaths: 3));

        await DieAsync(host, stage, 3);

        Assert.Empty((await TakeAsync(host, stage, "late")).Items);
        await host.Range(stage).CheckAsync(stage);
        Assert.Equal(new ItemHistory(3, 0, 3, 0, "silo silo3 died while it ran this", IsParked: true), Stored(host, stage).History[0]);
    }

    [Fact]
    public async Task Item_WhenItsCheckpointGrows_ItsDeathsAreForgotten()
    {
        var (host, stage) = (await HostAsync(), Plan(1, maxDeaths: 3));
        async Task<int> DeathsAfterAsync(long checkpoint)
        {
            var (silo, item) = await OneAsync(host, stage);
            await host.Range(stage).ReportAsync(silo, [new ItemReport(0, item.Attempt, ReportKind.Held, new WorkProgress(0.5, null, checkpoint))]);
            var deaths = Stored(host, stage).History[0].Deaths;
            _members.Kill(silo);
            return deaths;
        }

        await DieAsync(host, stage, 2);
        Assert.Equal(0, await DeathsAfterAsync(10));
        await DieAsync(host, stage, 1);

        // What does not get on is no reason to forget.
        Assert.Equal(2, await DeathsAfterAsync(10));
        Assert.Empty((await TakeAsync(host, stage, "late")).Items);
    }

    [Fact]
    public async Task Take_WhenItemsDiedTwiceTogether_HandsThemOutAloneAndOneToASilo()
    {
        var (host, stage) = (await HostAsync(), Plan(6));
        for (var life = 1; life <= 2; life++)
        {
            Assert.Equal([0, 1, 2], (await TakeAsync(host, stage, $"both{life}", 3)).Items.Select(i => i.Index));
            _members.Kill($"both{life}");
        }

        // A device that has something else gets others only; an idle one gets one, and nothing beside it.
        Assert.Equal([3], (await host.Range(stage).TakeAsync(stage, new TakeRequest("x", 1, false, IsIdle: false))).Items.Select(i => i.Index));
        var suspect = Assert.Single((await TakeAsync(host, stage, "x", 3)).Items);
        Assert.Equal((0, 3, true), (suspect.Index, suspect.Attempt, suspect.Alone));

        // Another idle device of the same silo would die with it.
        Assert.Equal([4, 5], (await TakeAsync(host, stage, "x", 3)).Items.Select(i => i.Index));
        Assert.Equal((1, true), Assert.Single((await TakeAsync(host, stage, "y", 3)).Items) is var other ? (other.Index, other.Alone) : default);
    }

    /// <summary>On one machine all that was in flight dies with the item that kills the process.</summary>
    [Fact]
    public async Task RunToEnd_WhenAnItemKillsItsProcessEachTime_ParksItAndNotThoseThatRanBesideIt()
    {
        const int Items = 12, Poison = 4;
        Bench.Count = (_, _) => Items;
        var id = (await Catalog.SubmitAsync([new NewExperiment("e", "{}", [Stage("s")])], Ct))[0];
        var lives = 0;
        for (; lives < 20; lives++)
        {
            if (await LiveAsync() is ExperimentState.Failed)
                break;
        }

        Assert.Equal(5, lives);
        await using var host = await EngineHost.StartAsync(Setup(), null, Ct);
        var failed = Assert.Single((await StatusAsync(host.Experiments, id)).Failures);
        Assert.Equal((Poison, 0, 5), (failed.Index, failed.Failures, failed.Deaths));

        // Mended, it runs to its end.
        Assert.Equal(1, await host.Experiments.RetryAsync(id, Ct));
        host.Work();
        Assert.Equal(ExperimentState.Succeeded, await host.Experiments.WaitForEndAsync(id, Ct));
        Assert.Equal(Items, await SumAsync(host.Grains, id));

        // A process of one device with three slots that dies when it begins the item: whatever it has is never reported.
        async Task<ExperimentState> LiveAsync()
        {
            var setup = Setup();
            await using var host = await EngineHost.StartAsync(setup, null, Ct);
            await host.Scheduler.JoinAsync(setup.Devices.Entry(null, setup.Kinds));
            await host.Experiment(id).StartAsync();
            while (true)
            {
                var items = (await host.Scheduler.PullAsync(new PullRequest(setup.Devices.Name, "cpu", 3, true, []))).Items;
                if (items.Any(i => i.Index == Poison))
                    return ExperimentState.Running;
                if (items.Length > 0)
                    await host.Range(items[0].Stage).ReportAsync(setup.Devices.Name, [.. items.Select(Done)]);
                else if (await host.Experiment(id).WaitForEndAsync(TimeSpan.FromSeconds(1)) is { } state and not ExperimentState.Running)
                    return state;
            }
        }
    }

    [Fact]
    public async Task Item_WhenItsSiloNeverReportsIt_GoesBackWithoutADeathAndLateReportsAreSuperseded()
    {
        var (host, stage) = (await HostAsync(Quick with { UnheardAfter = TimeSpan.FromMilliseconds(400) }), Plan(1));
        var lost = Assert.Single((await TakeAsync(host, stage, "x")).Items);

        WorkItem[] again = [];
        for (var deadline = Environment.TickCount64 + 60_000; again.Length == 0; await Task.Delay(50, Ct))
        {
            Assert.True(Environment.TickCount64 < deadline, "the item was not handed out again");
            again = (await TakeAsync(host, stage, "x")).Items;
        }

        Assert.Equal((0, 2), (again[0].Index, again[0].Attempt));
        Assert.Equal(new ItemHistory(2), Stored(host, stage).History[0]);
        var answers = await host.Range(stage).ReportAsync("x", [Done(lost), Done(again[0]), Done(lost)]);

        // The last says only that the item is done, as it is.
        Assert.Equal([ReportVerdict.Superseded, ReportVerdict.Taken, ReportVerdict.Taken], answers.Select(a => a.Verdict));
        Assert.Equal(1, SumCodec.Unpack(Stored(host, stage).Sums["n"])[0]);
    }

    [Fact]
    public async Task Report_WhenASiloThatDoesNotHaveTheItemSendsIt_IsSupersededAndTheOtherKeepsIt()
    {
        var (host, stage) = (await HostAsync(), Plan(1));
        var item = Assert.Single((await TakeAsync(host, stage, "x")).Items);

        Assert.Equal(ReportVerdict.Superseded, Assert.Single(await host.Range(stage).ReportAsync("y", [Done(item)])).Verdict);

        Assert.Equal(new HandedOut("x", 1), Stored(host, stage).Out[0]);
        Assert.Empty(Stored(host, stage).Sums);
    }

    [Fact]
    public async Task Item_WhenItRunsLongerThanItMayBeUnheard_IsKeptByItsReports()
    {
        var limits = Quick with { UnheardAfter = TimeSpan.FromSeconds(2) };
        Bench.Work = async (_, ct) =>
        {
            await Task.Delay(limits.UnheardAfter * 2, ct);
            return One;
        };
        var silo = await StartAsync(Setup(limits: limits));
        var id = await SubmitAsync(silo.Experiments, Stage("s"));

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));

        Assert.Equal(1, Assert.Single(Log.All<ItemStarted>()).Attempt);
    }

    private static StagePlan Plan(int items, int maxFailures = 3, int maxDeaths = 5) => new(7, "s", 0, TestBench.Kind, null, new WorkNeeds(), items, maxFailures, maxDeaths);

    private static ItemReport Done(WorkItem item) =>
        new(item.Index, item.Attempt, ReportKind.Done, null, new RunOutcome(RunEnd.Done, null, new() { ["n"] = SumCodec.Pack([1]) }));

    private static Task<HandOut> TakeAsync(EngineHost host, StagePlan stage, string silo, int most = 1) =>
        host.Range(stage).TakeAsync(stage, new TakeRequest(silo, most, false, IsIdle: true));

    private async Task<(string Silo, WorkItem Item)> OneAsync(EngineHost host, StagePlan stage)
    {
        var silo = $"silo{++_lives}";
        for (var tries = 0; tries < 200; tries++)
        {
            // One that failed comes back after its delay.
            if ((await TakeAsync(host, stage, silo)).Items is [var item])
                return (silo, item);
            await Task.Delay(20, Ct);
        }

        throw new TimeoutException("the item is not handed out");
    }

    private async Task DieAsync(EngineHost host, StagePlan stage, int times)
    {
        for (var i = 0; i < times; i++)
            _members.Kill((await OneAsync(host, stage)).Silo);
    }

    private async Task<bool> FailAsync(EngineHost host, StagePlan stage)
    {
        var (silo, item) = await OneAsync(host, stage);
        var report = new ItemReport(item.Index, item.Attempt, ReportKind.Failed, null, new RunOutcome(RunEnd.Failed, Error: "thrown"));
        return (await host.Range(stage).ReportAsync(silo, [report]))[0].IsParked;
    }

    private async Task<EngineHost> HostAsync(WorkLimits? limits = null) =>
        Own(await EngineHost.StartAsync(Setup(limits: limits), silo => silo.Storage(_storage).Members(_members), Ct));

    private RangeRecord Stored(EngineHost host, StagePlan stage) => _storage.Read<RangeRecord>(host.Range(stage), "range")!;
}
