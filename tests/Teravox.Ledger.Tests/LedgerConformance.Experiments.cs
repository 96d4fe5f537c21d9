// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains.Ledger;

namespace Teravox.Ledger.Tests;

public abstract partial class LedgerConformance
{
    [Fact]
    public async Task SubmitAsync_WhenStagesWaitForOthers_OnlyFreeOnesAreReady()
    {
        var id = await SubmitAsync(Stage("train", "import"), Stage("import"), Stage("score", "train", "import"));

        Assert.Equal(
            [("train", StageState.Waiting, 0), ("import", StageState.Ready, 1), ("score", StageState.Waiting, 2)],
            (await Ledger.StagesAsync(id, Ct)).Select(stage => (stage.Name, stage.State, stage.Ordinal)));
        Assert.Equal("import", Assert.Single(await Ledger.ReadyStagesAsync(Ct)).Name);
    }

    [Fact]
    public async Task StagesAsync_WhenStagesWaitForOthers_NamesThemInTheirOrder()
    {
        var id = await SubmitAsync(Stage("train", "import"), Stage("import"), Stage("score", "import", "train"));

        Assert.Equal(
            [("train", "import"), ("import", ""), ("score", "train import")],
            (await Ledger.StagesAsync(id, Ct)).Select(stage => (stage.Name, string.Join(' ', stage.After))));
    }

    [Fact]
    public async Task SubmitAsync_WhenRead_KeepsEveryField()
    {
        var stage = new NewStage("s", "tile", [], "{\"a\":1}", new WorkNeeds(true, 1L << 40, "disk=fast"), 2, 7);
        var id = await Ledger.SubmitAsync(new NewExperiment("naïve 脳", "{\"b\":2}", [stage], "key", -3), Ct);

        Assert.Equal(
            new ExperimentRow(id, "naïve 脳", "{\"b\":2}", ExperimentState.Running, -3, "key", Clock.GetUtcNow(), null),
            await Ledger.FindAsync(id, Ct));
        var row = Assert.Single(await Ledger.StagesAsync(id, Ct));
        Assert.Equal((id, "tile", "{\"a\":1}", stage.Needs), (row.ExperimentId, row.Kind, row.Arguments, row.Needs));
        Assert.Null(row.Started);
    }

    [Fact]
    public async Task SubmitAsync_WhenSameKeyTwice_GivesTheFirstAndWritesNothing()
    {
        var first = await Ledger.SubmitAsync(new NewExperiment("a", "{}", [Stage("s")], "key"), Ct);
        var second = await Ledger.SubmitAsync(new NewExperiment("b", "{}", [Stage("t"), Stage("u")], "key"), Ct);

        Assert.Equal(first, second);
        Assert.Equal("a", Assert.Single(await Ledger.ListAsync(new ExperimentQuery(Limit: 10), Ct)).Name);
        Assert.Single(await Ledger.StagesAsync(first, Ct));
    }

    [Fact]
    public async Task SubmitAsync_WhenNoKey_MakesOneEachTime()
    {
        var first = await SubmitAsync(Stage("s"));
        var second = await SubmitAsync(Stage("s"));

        Assert.True(second > first);
    }

    [Fact]
    public async Task SubmitAsync_WhenStagesAreUnsound_SaysWhichAndWritesNothing()
    {
        async Task Refuses(string part, params NewStage[] stages)
        {
            var error = await Assert.ThrowsAsync<InputException>(() => SubmitAsync(stages));
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        }

        await Refuses("no stages");
        await Refuses("two stages named 'a'", Stage("a"), Stage("a"));
        await Refuses("'a' waits for stage 'b'", Stage("a", "b"));
        await Refuses("'b', 'c'", Stage("a"), Stage("b", "a", "c"), Stage("c", "b"));
        await Refuses("'a'", Stage("a", "a"));
        await Refuses("1 or more", Stage("a") with { MaxFailures = 0 });
        await Refuses("1 or more", Stage("a") with { MaxDeaths = 0 });
        Assert.Empty(await Ledger.ListAsync(new ExperimentQuery(Limit: 10), Ct));
    }

    [Fact]
    public async Task FindAsync_WhenThereIsNone_GivesNull() => Assert.Null(await Ledger.FindAsync(77, Ct));

    [Fact]
    public async Task ListAsync_WhenPaged_GoesFromTheNewest()
    {
        var ids = new List<long>();
        for (var i = 0; i < 5; i++)
        {
            ids.Insert(0, await SubmitAsync(Stage("s")));
        }

        var page = await Ledger.ListAsync(new ExperimentQuery(Limit: 2), Ct);
        Assert.Equal(ids[..2], page.Select(row => row.Id));
        Assert.Equal(ids[2..], (await Ledger.ListAsync(new ExperimentQuery(page[^1].Id, 10), Ct)).Select(row => row.Id));
    }

    [Fact]
    public async Task ExpandAsync_WhenTwice_OnlyTheFirstTakesEffect()
    {
        var id = await SubmitAsync(Stage("s"));
        var stage = await StageAsync(id, "s");

        Assert.True(await Ledger.ExpandAsync(stage.Id, 3, Ct));
        Assert.False(await Ledger.ExpandAsync(stage.Id, 5, Ct));

        stage = await StageAsync(id, "s");
        Assert.Equal((StageState.Running, 3, 0, 0, 0), (stage.State, stage.Items, stage.Done, stage.Failed, stage.Leased));
        Assert.Equal(Clock.GetUtcNow(), stage.Started);
        Assert.Equal([0, 1, 2], (await Ledger.ClaimAsync(Claim(10), Ct)).Select(lease => lease.Index));
        Assert.Empty(await Ledger.ReadyStagesAsync(Ct));
    }

    [Fact]
    public async Task ExpandAsync_WhenStageWaits_ChangesNothing()
    {
        var id = await SubmitAsync(Stage("a"), Stage("b", "a"));

        Assert.False(await Ledger.ExpandAsync((await StageAsync(id, "b")).Id, 3, Ct));
        Assert.Equal(StageState.Waiting, (await StageAsync(id, "b")).State);
    }

    [Fact]
    public async Task ExpandAsync_WhenNoItems_StageIsDoneAndItsSuccessorsReady()
    {
        var id = await SubmitAsync(Stage("a"), Stage("b", "a"));

        await ExpandAsync(id, "a", 0);

        Assert.Equal(StageState.Done, (await StageAsync(id, "a")).State);
        Assert.Equal(StageState.Ready, (await StageAsync(id, "b")).State);
        Assert.Equal(ExperimentState.Running, await StateAsync(id));

        await ExpandAsync(id, "b", 0);

        Assert.Equal(ExperimentState.Succeeded, await StateAsync(id));
        Assert.Equal(Clock.GetUtcNow(), (await Ledger.FindAsync(id, Ct))!.Ended);
    }

    [Fact]
    public async Task ReadyStagesAsync_WhenExperimentDoesNotRun_LeavesItOut()
    {
        var id = await SubmitAsync(Stage("a"));
        await Ledger.PauseAsync(id, Ct);

        Assert.Empty(await Ledger.ReadyStagesAsync(Ct));
        Assert.False(await Ledger.ExpandAsync((await StageAsync(id, "a")).Id, 1, Ct));
    }

    [Fact]
    public async Task FailStageAsync_WhenReady_FailsTheExperimentUntilRetried()
    {
        var id = await SubmitAsync(Stage("a"), Stage("b", "a"));
        var stage = await StageAsync(id, "a");

        Assert.True(await Ledger.FailStageAsync(stage.Id, "volume raw.zarr is missing", Ct));

        Assert.Equal(ExperimentState.Failed, await StateAsync(id));
        Assert.Equal(StageState.Failed, (await StageAsync(id, "a")).State);
        Assert.Equal(new FailedItem(0, "a", -1, 0, 0, "volume raw.zarr is missing"), Assert.Single(await Ledger.FailuresAsync(id, 10, Ct)));
        Assert.False(await Ledger.FailStageAsync(stage.Id, "again", Ct));

        Assert.Equal(1, await Ledger.RetryFailedAsync(id, Ct));

        Assert.Empty(await Ledger.FailuresAsync(id, 10, Ct));
        Assert.Equal("a", Assert.Single(await Ledger.ReadyStagesAsync(Ct)).Name);
        await ExpandAsync(id, "a", 1);
    }

    [Fact]
    public async Task PauseAsync_WhenRunning_StopsClaimsButNotWhatRuns()
    {
        var id = await SubmitItemsAsync(2);
        var lease = await ClaimOneAsync();

        Assert.True(await Ledger.PauseAsync(id, Ct));
        Assert.False(await Ledger.PauseAsync(id, Ct));

        Assert.Empty(await Ledger.ClaimAsync(Claim(1), Ct));
        Assert.Equal(LeaseState.Held, await Ledger.HeartbeatAsync(lease, null, Ct));
        Assert.Equal(WriteOutcome.Written, await CommitAsync(lease));

        Assert.True(await Ledger.ResumeAsync(id, Ct));
        Assert.False(await Ledger.ResumeAsync(id, Ct));
        Assert.Equal(1, (await ClaimOneAsync()).Index);
    }

    [Fact]
    public async Task PauseAsync_WhenLastItemCommitsMeanwhile_ExperimentSucceeds()
    {
        var id = await SubmitItemsAsync(1);
        var lease = await ClaimOneAsync();
        await Ledger.PauseAsync(id, Ct);

        await CommitAsync(lease);

        Assert.Equal(ExperimentState.Succeeded, await StateAsync(id));
        Assert.False(await Ledger.ResumeAsync(id, Ct));
    }

    [Fact]
    public async Task CancelAsync_WhenItemsRun_NothingOfItChangesAnyMore()
    {
        var id = await SubmitItemsAsync(3);
        var lease = await ClaimOneAsync();

        Assert.True(await Ledger.CancelAsync(id, Ct));
        Assert.False(await Ledger.CancelAsync(id, Ct));

        var ended = (await Ledger.FindAsync(id, Ct))!;
        Assert.Equal((ExperimentState.Cancelled, Clock.GetUtcNow()), (ended.State, ended.Ended));
        Assert.Equal(LeaseState.Cancelled, await Ledger.HeartbeatAsync(lease, null, Ct));
        Assert.Equal(WriteOutcome.LeaseLost, await CommitAsync(lease, Counts(1)));
        Assert.Equal(WriteOutcome.LeaseLost, await Ledger.FailAsync(lease, "e", true, Ct));
        Assert.Empty(await Ledger.ClaimAsync(Claim(3), Ct));
        Assert.Empty(await Ledger.RunningAsync(id, Ct));
        Assert.Empty(await SumAsync(id, "s"));
        Clock.Advance(2 * Ttl);
        Assert.Equal(0, await Ledger.ReapAsync(Ct));
        Assert.Equal((0, 0, 0), (await StageAsync(id, "s")) is var s ? (s.Done, s.Failed, s.Leased) : default);
        Assert.Equal(0, await Ledger.RetryFailedAsync(id, Ct));
        Assert.False(await Ledger.PauseAsync(id, Ct));
    }

    [Fact]
    public async Task EventsAsync_WhenReadFromACursor_GivesTheRestInOrder()
    {
        var id = await SubmitItemsAsync(1);
        await SubmitItemsAsync(1);
        await CommitAsync(await ClaimOneAsync(), new WorkResult(Events: ["loss 0.2", "loss 0.1"]));

        var all = await Ledger.EventsAsync(id, 0, 100, Ct);

        Assert.Equal(["submitted", "expanded", "log", "log", "done", "succeeded"], all.Select(row => row.Kind));
        Assert.Equal(["loss 0.2", "loss 0.1"], all.Where(row => row.Kind == "log").Select(row => row.Text));
        Assert.Equal("s", all[2].Stage);
        Assert.Equal(all.Skip(2).Take(2), await Ledger.EventsAsync(id, all[1].Id, 2, Ct));
    }

    [Fact]
    public async Task WaitForHintAsync_WhenSomethingIsWritten_ReturnsBeforeItsTime()
    {
        var hint = Ledger.WaitForHintAsync(TimeSpan.FromHours(1), Ct);
        Assert.False(hint.IsCompleted);

        await SubmitAsync(Stage("s"));

        await hint.WaitAsync(TimeSpan.FromSeconds(30), Ct);
    }

    [Fact]
    public async Task WaitForHintAsync_WhenNothingHappens_ReturnsAfterItsTime() =>
        await Ledger.WaitForHintAsync(TimeSpan.FromMilliseconds(20), Ct).WaitAsync(TimeSpan.FromSeconds(30), Ct);
}
