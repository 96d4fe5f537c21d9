// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains;

namespace Teravox.Engine.Tests;

/// <summary>Which item comes next, and on which device.</summary>
public sealed class SchedulingTests : EngineFixture
{
    private readonly TestMembers _members = new();

    [Fact]
    public async Task Pull_WhenExperimentsStagesAndItemsWait_GoesByPriorityStageAndIndex()
    {
        Bench.Count = (_, _) => 3;
        var host = await HostAsync();
        var later = await OfferAsync(host, 100, Stage("b"), Stage("a"));
        var urgent = await OfferAsync(host, 1, Stage("c"));
        await JoinAsync(host, "x", new DeviceInfo("cpu", 9, 1, 0));

        var got = await PullAllAsync(host, "x", "cpu", 9);

        var expected = from stage in new[] { (urgent, "c"), (later, "b"), (later, "a") } from index in Enumerable.Range(0, 3) select (stage.Item1, stage.Item2, index);
        Assert.Equal(expected, got.Select(i => (i.Stage.Experiment, i.Stage.Name, i.Index)));
    }

    [Fact]
    public async Task Pull_WhenExperimentsHaveOnePriority_TheyShareTheRoom()
    {
        Bench.Count = (_, _) => 5000;
        var host = await HostAsync();
        var ids = new[] { await OfferAsync(host, 100, Stage("s")), await OfferAsync(host, 100, Stage("s")), await OfferAsync(host, 100, Stage("s")) };
        await JoinAsync(host, "x", new DeviceInfo("cpu", 9, 1, 0));

        var items = (await host.Scheduler.PullAsync(new PullRequest("x", "cpu", 9, true, []))).Items;

        Assert.Equal(ids.Select(id => (id, 3)), items.GroupBy(i => i.Stage.Experiment).OrderBy(g => g.Key).Select(g => (g.Key, g.Count())));
    }

    [Fact]
    public async Task RunAsync_WhenASmallExperimentComesLater_ItIsDoneLongBeforeTheLargeOnes()
    {
        const int Large = 5000;
        Bench.Count = (_, stage) => stage.Name == "small" ? 20 : Large;
        var host = await HostAsync();
        for (var i = 0; i < 3; i++)
            await OfferAsync(host, 100, Stage("large"));
        host.Work(OneSlot(Setup().Devices));
        await Log.WaitAsync<ItemDone>();

        await host.Experiments.SubmitAsync([new NewExperiment("small", "{}", [Stage("small")])], Ct);

        await Log.WaitAsync<StageDone>(stage => stage.Stage == "small");
        Assert.InRange(Log.All<ItemDone>().Count(item => item.Stage == "large"), 1, Large);
    }

    [Fact]
    public async Task RunAsync_WhenManySmallExperimentsFollowEachOther_TheLargeOneGoesOn()
    {
        Bench.Count = (_, stage) => stage.Name == "large" ? 5000 : 3;
        Bench.Work = async (_, ct) =>
        {
            await Task.Delay(1, ct);
            return One;
        };
        var host = await HostAsync();
        await host.Experiments.SubmitAsync([.. Enumerable.Range(0, 30).Select(i => new NewExperiment("small", "{}", [Stage("small")]))], Ct);
        await OfferAsync(host, 100, Stage("large"));
        host.Work(OneSlot(Setup().Devices));

        await Log.WaitAsync<ItemDone>(item => item.Stage == "large");

        Assert.InRange(Log.All<StageDone>().Count(stage => stage.Stage == "small"), 0, 29);
    }

    [Fact]
    public async Task Pull_WhenItemsNeedADevice_GivesThemToThatAlone()
    {
        Bench.Count = (_, _) => 1;
        var host = await HostAsync();
        var ids = new[]
        {
            await OfferAsync(host, 1, Stage("gpu") with { Needs = new WorkNeeds(Gpu: true) }),
            await OfferAsync(host, 2, Stage("memory") with { Needs = new WorkNeeds(MemoryBytes: 1000) }),
            await OfferAsync(host, 3, Stage("tag") with { Needs = new WorkNeeds(Tag: "disk=fast") }),
            await OfferAsync(host, 4, Stage("other") with { Kind = "unknown" }),
            await OfferAsync(host, 5, Stage("any")),
        };
        await JoinAsync(host, "small", new DeviceInfo("cpu", 9, 1, 999));
        await JoinAsync(host, "large", new DeviceInfo("cpu", 9, 1, 1000));
        await JoinAsync(host, "both", [], new DeviceInfo("cpu", 9, 1, 1), new DeviceInfo("cuda:0", 9, 1, 1));
        await JoinAsync(host, "fast", ["disk=fast"], new DeviceInfo("cpu", 9, 1, 1));
        async Task<string[]> GotAsync(string silo, string device) => [.. (await PullAllAsync(host, silo, device, 9)).Select(i => i.Stage.Name)];

        Assert.Equal(["any"], await GotAsync("small", "cpu"));
        Assert.Equal(["memory"], await GotAsync("large", "cpu"));
        Assert.Empty(await GotAsync("both", "cpu"));
        Assert.Equal(["gpu"], await GotAsync("both", "cuda:0"));
        Assert.Equal(["tag"], await GotAsync("fast", "cpu"));
        Assert.Equal(1, (await StageAsync(host.Experiments, ids[3], "other")).Items);
    }

    [Fact]
    public async Task RunAsync_WhenNoSiloHasWhatAStageNeeds_SaysWhyUntilOneJoins()
    {
        var host = await HostAsync();
        host.Work();
        var id = await SubmitAsync(host.Experiments, Stage("s") with { Needs = new WorkNeeds(Gpu: true, MemoryBytes: 20L << 30, Tag: "disk=fast") });

        var blocked = await Log.WaitAsync<StageBlocked>();
        Assert.Equal((id, "s", "needs a CUDA device with 20 GiB of memory and the tag 'disk=fast'; no silo has both"), (blocked.ExperimentId, blocked.Stage, blocked.Why));
        Assert.Equal(blocked.Why, (await StageAsync(host.Experiments, id)).Blocked);

        await JoinAsync(host, "gpu", ["disk=fast"], new DeviceInfo("cuda:0", 3, 1, 24L << 30));
        await Log.WaitAsync<StageBlocked>(stage => stage.Why is null);
        Assert.Null((await StageAsync(host.Experiments, id)).Blocked);
        Assert.Equal(0, Assert.Single((await host.Scheduler.PullAsync(new PullRequest("gpu", "cuda:0", 3, true, []))).Items).Index);
        Assert.Equal(["blocked", "unblocked"], (await Catalog.EventsAsync(id, 0, 100, Ct)).Select(row => row.Kind).Where(kind => kind.EndsWith("blocked", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Silos_WhenOneIsThereStopsAndIsForgotten_SaysHowItIs()
    {
        var (begun, end) = (new TaskCompletionSource(), new TaskCompletionSource());
        Bench.Work = async (turn, _) =>
        {
            begun.TrySetResult();
            await end.Task;
            return One;
        };
        var host = await HostAsync();
        var options = OneSlot(Setup().Devices);
        using var stop = new CancellationTokenSource();
        var working = host.NewDevices(options).RunAsync(stop.Token, CancellationToken.None);
        await SubmitAsync(host.Experiments, Stage("s"));
        await begun.Task.WaitAsync(TimeSpan.FromMinutes(1), Ct);

        await SiloAsync("it is in the roster and works", silo => silo is { IsAlive: true, Status.Draining: false } && silo.Status.Running is [{ Stage: "s", Index: 0 }]);
        await stop.CancelAsync();
        await SiloAsync("it drains", silo => silo is { Status.Draining: true });
        end.SetResult();
        await working;
        Assert.Empty(await host.Scheduler.SilosAsync());

        Task SiloAsync(string what, Func<SiloState, bool> matches) =>
            UntilAsync(what, async () => (await host.Scheduler.SilosAsync()).SingleOrDefault(silo => silo.Entry.Name == host.Name) is { } silo && matches(silo));
    }

    private async Task<EngineHost> HostAsync() => Own(await EngineHost.StartAsync(Setup(limits: Quick with { UnheardAfter = TimeSpan.FromMinutes(10) }), silo => silo.Members(_members), Ct));

    /// <summary>An experiment that the scheduler knows of when this returns: who resumes one is answered after that.</summary>
    private static async Task<long> OfferAsync(EngineHost host, int priority, params NewStage[] stages)
    {
        var id = (await host.Experiments.SubmitAsync([new NewExperiment("e", "{}", stages, Priority: priority)], Ct))[0];
        Assert.True(await host.Experiments.PauseAsync(id, Ct));
        Assert.True(await host.Experiments.ResumeAsync(id, Ct));
        return id;
    }

    private static Task JoinAsync(EngineHost host, string silo, params DeviceInfo[] devices) => JoinAsync(host, silo, [], devices);

    private static Task JoinAsync(EngineHost host, string silo, string[] tags, params DeviceInfo[] devices) =>
        host.Scheduler.JoinAsync(new SiloEntry(silo, null, "machine", "1", devices, tags, TestBench.Kinds.Names));

    /// <summary>Pulls until nothing comes.</summary>
    private static async Task<List<WorkItem>> PullAllAsync(EngineHost host, string silo, string device, int room)
    {
        var all = new List<WorkItem>();
        while ((await host.Scheduler.PullAsync(new PullRequest(silo, device, room, false, []))).Items is { Length: > 0 } items)
            all.AddRange(items);
        return all;
    }
}
