// SPDX-License-Identifier: Apache-2.0
using Orleans.Storage;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Ranges;

namespace Teravox.Engine.Tests;

/// <summary>
/// One grain active twice for a moment, as where the cluster is split: two hosts that know nothing of each other over one storage. One
/// of two writes takes effect, and nothing is counted twice.
/// </summary>
public sealed class TwoActivationsTests : EngineFixture
{
    private readonly TestStorage _storage = new();
    private readonly TestMembers _members = new();

    [Fact]
    public async Task Report_WhenBothActivationsHaveOne_OneWritesAndTheOtherReadsAnewBeforeItTakesAny()
    {
        var stage = Plan(4);
        var (a, b) = (await HostAsync(), await HostAsync());
        var items = (await a.Range(stage).TakeAsync(stage, new TakeRequest("x", 4, false, true))).Items;
        await b.Range(stage).SumsAsync();

        Assert.Equal(ReportVerdict.Taken, await ReportAsync(a, items[0]));
        await Assert.ThrowsAsync<InconsistentStateException>(() => ReportAsync(b, items[1]));
        Assert.Equal(1, _storage.Conflicts);
        Assert.Equal([0], Stored(a, stage).Results.Keys);

        Assert.Equal(ReportVerdict.Taken, await AgainAsync(() => ReportAsync(b, items[1])));
        Assert.Equal(ReportVerdict.Taken, await AgainAsync(() => ReportAsync(a, items[2])));
        Assert.Equal([0, 1, 2], Stored(a, stage).Results.Keys.Order());
        Assert.Equal(3, SumCodec.Unpack(Stored(a, stage).Sums["n"])[0]);
    }

    [Fact]
    public async Task Report_WhenOneItemIsReportedToBoth_CountsOnce()
    {
        var stage = Plan(2);
        var (a, b) = (await HostAsync(), await HostAsync());
        var item = (await a.Range(stage).TakeAsync(stage, new TakeRequest("x", 1, false, true))).Items[0];
        await b.Range(stage).SumsAsync();

        Assert.Equal([ReportVerdict.Taken, ReportVerdict.Taken], await Task.WhenAll(AgainAsync(() => ReportAsync(a, item)), AgainAsync(() => ReportAsync(b, item))));

        Assert.Equal(1, SumCodec.Unpack(Stored(a, stage).Sums["n"])[0]);
        Assert.Equal(1, _storage.Conflicts);
    }

    [Fact]
    public async Task Take_WhenBothActivationsAreAsked_NoItemIsHandedOutTwice()
    {
        var stage = Plan(8);
        var (a, b) = (await HostAsync(), await HostAsync());
        await a.Range(stage).CheckAsync(stage);
        await b.Range(stage).CheckAsync(stage);
        Task<HandOut> TakeAsync(EngineHost host, string silo) => AgainAsync(() => host.Range(stage).TakeAsync(stage, new TakeRequest(silo, 4, false, true)));

        var both = await Task.WhenAll(TakeAsync(a, "x"), TakeAsync(b, "y"));

        Assert.Equal(Enumerable.Range(0, 8), both.SelectMany(h => h.Items).Select(i => i.Index).Order());
        Assert.All(both[0].Items, item => Assert.Equal(new HandedOut("x", 1), Stored(a, stage).Out[item.Index]));
        Assert.Equal(1, _storage.Conflicts);
    }

    [Fact]
    public async Task RangeChanged_WhenBothExperimentsAreTold_OneWritesAndEachRangeCountsOnce()
    {
        Bench.Count = (_, _) => 2 * StagePlan.RangeSize;
        var (a, b) = (await HostAsync(), await HostAsync());
        var id = await SubmitAsync(a.Experiments, Stage("s"));
        await b.Experiments.DescribeAsync(id, Ct);
        Task<RangeAnswer> TellAsync(EngineHost host, int range) =>
            host.Experiment(id).RangeChangedAsync(new RangeReport("s", range, StagePlan.RangeSize, 0, [], [], new() { ["n"] = SumCodec.Pack([StagePlan.RangeSize]) }));

        await TellAsync(a, 0);
        await Assert.ThrowsAsync<InconsistentStateException>(() => TellAsync(b, 1));
        Assert.Equal(StagePlan.RangeSize, await AgainAsync(() => SumAsync(b.Grains, id)));
        await AgainAsync(() => TellAsync(b, 0));
        await AgainAsync(() => TellAsync(b, 1));

        Assert.Equal(ExperimentState.Succeeded, await b.Experiments.WaitForEndAsync(id, Ct));
        Assert.Equal(2 * StagePlan.RangeSize, await SumAsync(b.Grains, id));
        Assert.True(_storage.Conflicts >= 1);
    }

    /// <summary>The first report is not stored yet: what its repeat hears must not be more than what is true.</summary>
    [Fact]
    public async Task Report_WhenARepeatComesWhileTheWriteIsInFlight_IsAnsweredWithTheWrite()
    {
        var stage = Plan(2);
        var host = await HostAsync();
        var item = (await host.Range(stage).TakeAsync(stage, new TakeRequest("x", 1, false, true))).Items[0];
        var (reached, fails) = HoldWrites("range");

        var first = ReportAsync(host, item);
        await reached;
        var repeat = ReportAsync(host, item);
        await host.Range(stage).SumsAsync();
        Assert.False(repeat.IsCompleted, "a repeat is answered before the result is stored");
        fails.SetException(new IOException("connection lost"));

        await Assert.ThrowsAnyAsync<Exception>(() => first);
        await Assert.ThrowsAnyAsync<Exception>(() => repeat);
        Assert.Equal(ReportVerdict.Taken, await AgainAsync(() => ReportAsync(host, item)));
        Assert.Equal(1, SumCodec.Unpack(Stored(host, stage).Sums["n"])[0]);
    }

    /// <summary>A range whose last write is in flight may yet forget its last item: its experiment must not count it.</summary>
    [Fact]
    public async Task Check_WhenTheLastWriteIsInFlight_TellsTheExperimentWhenItIsStored()
    {
        Bench.Count = (_, _) => 1;
        var host = await HostAsync();
        var id = await SubmitAsync(host.Experiments, Stage("s"));
        var stage = Plan(1, id);
        var item = (await host.Range(stage).TakeAsync(stage, new TakeRequest("x", 1, false, true))).Items[0];
        var (reached, fails) = HoldWrites("range");

        var first = ReportAsync(host, item);
        await reached;
        await host.Range(stage).CheckAsync(stage);
        await host.Range(stage).CheckAsync(stage);
        Assert.Equal(ExperimentState.Running, await host.Experiment(id).WaitForEndAsync(TimeSpan.FromMilliseconds(300)));
        fails.SetException(new IOException("connection lost"));
        await Assert.ThrowsAnyAsync<Exception>(() => first);

        Assert.Equal(ReportVerdict.Taken, await AgainAsync(() => ReportAsync(host, item)));
        Assert.Equal(ExperimentState.Succeeded, await host.Experiments.WaitForEndAsync(id, Ct));
        Assert.Equal([(0, "0")], (await host.Experiment(id).ResultsAsync("s")).Select(r => (r.Key, r.Value)));
    }

    /// <summary>A range forgets itself when it is told that its experiment has it.</summary>
    [Fact]
    public async Task RangeChanged_WhenARepeatComesWhileTheWriteIsInFlight_IsAnsweredWithTheWrite()
    {
        Bench.Count = (_, _) => 2 * StagePlan.RangeSize;
        var host = await HostAsync();
        var id = await SubmitAsync(host.Experiments, Stage("s"));
        Task<RangeAnswer> TellAsync() =>
            host.Experiment(id).RangeChangedAsync(new RangeReport("s", 0, StagePlan.RangeSize, 0, [], [], new() { ["n"] = SumCodec.Pack([StagePlan.RangeSize]) }));
        var (reached, fails) = HoldWrites("experiment");

        var first = TellAsync();
        await reached;
        var repeat = TellAsync();
        await host.Experiment(id).DescribeAsync();
        Assert.False(repeat.IsCompleted, "a repeat is answered before the range is stored as done");
        fails.SetException(new IOException("connection lost"));

        await Assert.ThrowsAnyAsync<Exception>(() => first);
        await Assert.ThrowsAnyAsync<Exception>(() => repeat);
        await AgainAsync(TellAsync);
        Assert.Equal(StagePlan.RangeSize, await SumAsync(host.Grains, id));
    }

    /// <summary>A change whose write fails is forgotten; the catalog would not take back what it was told of it.</summary>
    [Fact]
    public async Task Block_WhenTheChangeAfterItIsNotStored_TellsTheCatalogOfTheBlockAlone()
    {
        var host = await HostAsync();
        var id = await SubmitAsync(host.Experiments, Stage("s"));
        async Task<List<string>> ToldAsync() => [.. (await Catalog.EventsAsync(id, 0, 100, Ct)).Select(row => row.Kind)];
        await UntilAsync("the catalog has the stage's items", async () => (await ToldAsync()).Contains("expanded"));
        var (blocking, goesOn) = HoldWrites("experiment");
        var block = host.Experiment(id).BlockAsync("s", "no silo has a device");
        await blocking;
        var pause = host.Experiment(id).PauseAsync();
        await host.Experiment(id).DescribeAsync();
        var (pausing, fails) = HoldWrites("experiment");
        goesOn.SetResult();
        await block;
        await pausing;

        await UntilAsync("the catalog has the block", async () => (await ToldAsync()).Contains("blocked"));
        Assert.DoesNotContain("paused", await ToldAsync());
        Assert.Equal(ExperimentState.Running, (await Catalog.FindAsync(id, Ct))!.State);
        fails.SetException(new IOException("connection lost"));
        await Assert.ThrowsAnyAsync<Exception>(() => pause);
    }

    private static StagePlan Plan(int items, long experiment = 7) => new(experiment, "s", 0, TestBench.Kind, null, new WorkNeeds(), items, 3, 5);

    private static async Task<ReportVerdict> ReportAsync(EngineHost host, WorkItem item) => (await host.Range(item.Stage).ReportAsync("x",
        [new ItemReport(item.Index, item.Attempt, ReportKind.Done, null, new RunOutcome(RunEnd.Done, $"{item.Index}", new() { ["n"] = SumCodec.Pack([1]) }))]))[0].Verdict;

    /// <summary>As silos and grains do with calls that are lost.</summary>
    private static async Task<T> AgainAsync<T>(Func<Task<T>> call)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                return await call();
            }
            catch (Exception e) when (GrainCalls.MayPass(e) && tries < 50)
            {
                await Task.Delay(20, Ct);
            }
        }
    }

    private async Task<EngineHost> HostAsync() => Own(await EngineHost.StartAsync(Setup(), silo => silo.Storage(_storage).Members(_members), Ct));

    private RangeRecord Stored(EngineHost host, StagePlan stage) => _storage.Read<RangeRecord>(host.Range(stage), "range")!;

    /// <summary>The next write of such a grain waits, and does what the source is told; writes after it succeed.</summary>
    private (Task Reached, TaskCompletionSource Fails) HoldWrites(string grainType)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var fails = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _storage.BeforeWrite = async grain =>
        {
            if (grain.Type.ToString() == grainType && reached.TrySetResult())
                await fails.Task;
        };
        return (reached.Task.WaitAsync(TimeSpan.FromMinutes(1), Ct), fails);
    }
}
