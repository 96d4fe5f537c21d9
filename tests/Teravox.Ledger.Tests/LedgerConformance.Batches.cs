// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains.Ledger;

namespace Teravox.Ledger.Tests;

// What is written many at a time, and stages that no silo can run.
public abstract partial class LedgerConformance
{
    [Fact]
    public async Task SubmitAsync_WhenMany_GivesIdsInTheirOrderAndKeepsEveryField()
    {
        var first = await Ledger.SubmitAsync(new NewExperiment("there already", "{}", [Stage("s")], "key-b"), Ct);

        var ids = await Ledger.SubmitAsync(
            [
                new NewExperiment("a", "{\"x\":1}", [Stage("s")], "key-a", 3, "ann", "sweep", "{\"seed\":1}"),
                new NewExperiment("b", "{}", [Stage("s")], "key-b"),
                new NewExperiment("a again", "{}", [Stage("s")], "key-a"),
                new NewExperiment("c", "{}", [Stage("s"), Stage("t", "s")]),
            ],
            Ct);

        Assert.Equal([ids[0], first, ids[0], ids[3]], ids);
        var a = new ExperimentRow(ids[0], "a", "{\"x\":1}", ExperimentState.Running, 3, "key-a", Clock.GetUtcNow(), null)
        {
            Owner = "ann",
            Campaign = "sweep",
            ParametersJson = "{\"seed\":1}",
        };
        Assert.Equal(a, await Ledger.FindAsync(ids[0], Ct));
        Assert.Equal([ids[3], ids[0], first], (await Ledger.ListAsync(new ExperimentQuery(), Ct)).Select(row => row.Id));
        Assert.Equal(2, (await Ledger.StagesAsync(ids[3], Ct)).Count);
        Assert.Empty(await Ledger.SubmitAsync([], Ct));
    }

    [Fact]
    public async Task SubmitAsync_WhenOneOfManyIsUnsound_WritesNone()
    {
        var bad = await Assert.ThrowsAsync<InputException>(() => Ledger.SubmitAsync(
            [new NewExperiment("a", "{}", [Stage("s")]), new NewExperiment("bad", "{}", [Stage("s", "none")])], Ct));

        Assert.Contains("'none'", bad.Message, StringComparison.Ordinal);
        Assert.Empty(await Ledger.ListAsync(new ExperimentQuery(), Ct));
    }

    [Theory]
    [InlineData("ledger.before-commit:submit", 0)]
    [InlineData("ledger.after-commit:submit", 2)]
    public async Task SubmitAsync_WhenTheAnswerForManyIsLost_TheRepeatMakesNoSecond(string point, int there)
    {
        NewExperiment[] experiments = [new("a", "{}", [Stage("s")], "key-a"), new("b", "{}", [Stage("s")], "key-b")];
        using var fault = FaultScope.Once(point, new LedgerUnavailableException("connection lost"));

        await Assert.ThrowsAsync<LedgerUnavailableException>(() => Ledger.SubmitAsync(experiments, Ct));
        Assert.Equal(there, (await Ledger.ListAsync(new ExperimentQuery(), Ct)).Count);
        var ids = await Ledger.SubmitAsync(experiments, Ct);

        Assert.Equal(ids.Reverse(), (await Ledger.ListAsync(new ExperimentQuery(), Ct)).Select(row => row.Id));
    }

    [Fact]
    public async Task ListAsync_WhenFiltered_GivesOnlyThoseThatMeetAll()
    {
        var experiments = new[] { ("ann", "one"), ("ben", "one"), ("ann", "two"), ("ann", "one"), (null, null) }
            .Select(of => new NewExperiment("e", "{}", [Stage("s")], Owner: of.Item1, Campaign: of.Item2)).ToList();
        var ids = await Ledger.SubmitAsync(experiments, Ct);
        await Ledger.PauseAsync(ids[0], Ct);
        await Ledger.CancelAsync(ids[4], Ct);

        async Task ExpectAsync(string indices, ExperimentQuery query) => Assert.Equal(
            indices,
            string.Join(' ', (await Ledger.ListAsync(query, Ct)).Select(row => ids.ToList().IndexOf(row.Id))));

        await ExpectAsync("4 3 2 1 0", new ExperimentQuery());
        await ExpectAsync("3 1 0", new ExperimentQuery(Campaign: "one"));
        await ExpectAsync("3 2 0", new ExperimentQuery(Owner: "ann"));
        await ExpectAsync("3 0", new ExperimentQuery(Owner: "ann", Campaign: "one"));
        await ExpectAsync("3", new ExperimentQuery(Owner: "ann", Campaign: "one", State: ExperimentState.Running));
        await ExpectAsync("0", new ExperimentQuery(State: ExperimentState.Paused));
        await ExpectAsync("4", new ExperimentQuery(State: ExperimentState.Cancelled));
        await ExpectAsync("1", new ExperimentQuery(Before: ids[3], Limit: 1, Campaign: "one"));
        await ExpectAsync("", new ExperimentQuery(Campaign: "none"));
    }

    [Fact]
    public async Task CommitAsync_WhenManyAndSomeAreLost_WritesTheOthersOnce()
    {
        var id = await SubmitItemsAsync(4);
        var lost = await ClaimOneAsync("dead");
        var twice = await ClaimOneAsync();
        var leases = await Ledger.ClaimAsync(Claim(2), Ct);
        await Ledger.ReapOthersAsync("silo-a", Ct);

        var outcomes = await Ledger.CommitAsync(
            [
                new WorkCommit(twice, Counts(1)),
                new WorkCommit(lost, Counts(100)),
                new WorkCommit(leases[0], new WorkResult("{\"n\":2}", Counts(10).Sums, ["loss 0.1"])),
                new WorkCommit(twice, Counts(50) with { Json = "{}" }),
            ],
            Ct);

        Assert.Equal([WriteOutcome.Written, WriteOutcome.LeaseLost, WriteOutcome.Written, WriteOutcome.Written], outcomes);
        var stage = await StageAsync(id, "s");
        Assert.Equal((2, 1), (stage.Done, stage.Leased));
        Assert.Equal(new long[] { 11 }, await SumAsync(id, "s"));
        Assert.Equal((leases[0].Index, "{\"n\":2}"), Assert.Single(await Ledger.ResultsAsync(stage.Id, Ct)) is var r ? (r.Key, r.Value) : default);
        Assert.Equal("loss 0.1", Assert.Single(await Ledger.EventsAsync(id, 0, 100, Ct), row => row.Kind == "log").Text);
        Assert.Empty(await Ledger.CommitAsync([], Ct));
    }

    [Fact]
    public async Task CommitAsync_WhenManyEndStages_SuccessorsAndExperimentsGoOn()
    {
        var first = await SubmitAsync(Stage("a"), Stage("b", "a"));
        await ExpandAsync(first, "a", 2);
        var second = await SubmitItemsAsync(3);
        var leases = await Ledger.ClaimAsync(Claim(5), Ct);

        await Ledger.CommitAsync([.. leases.Reverse().Select(lease => new WorkCommit(lease, Counts(1, lease.Index)))], Ct);

        Assert.Equal(StageState.Done, (await StageAsync(first, "a")).State);
        Assert.Equal(StageState.Ready, (await StageAsync(first, "b")).State);
        Assert.Equal(ExperimentState.Succeeded, await StateAsync(second));
        Assert.Equal(new long[] { 2, 1 }, await SumAsync(first, "a"));
        Assert.Equal(new long[] { 3, 3 }, await SumAsync(second, "s"));
    }

    [Fact]
    public async Task CommitAsync_WhenSumsOfOneOfManyDoNotFit_WritesNothingOfAny()
    {
        var id = await SubmitItemsAsync(2);
        var leases = await Ledger.ClaimAsync(Claim(2), Ct);

        await Assert.ThrowsAsync<InvalidOperationException>(() => Ledger.CommitAsync(
            [new WorkCommit(leases[0], Counts(1, 2)), new WorkCommit(leases[1], Counts(1))], Ct));

        Assert.Equal((0, 2), await StageAsync(id, "s") is var s ? (s.Done, s.Leased) : default);
        Assert.Empty(await SumAsync(id, "s"));
    }

    [Theory]
    [InlineData("ledger.before-commit:commit")]
    [InlineData("ledger.after-commit:commit")]
    public async Task CommitAsync_WhenTheAnswerForManyIsLost_TheRepeatCountsOnce(string point)
    {
        var id = await SubmitItemsAsync(3);
        var leases = await Ledger.ClaimAsync(Claim(2), Ct);
        WorkCommit[] commits = [.. leases.Select(lease => new WorkCommit(lease, Counts(3)))];
        using (FaultScope.Once(point, new LedgerUnavailableException("connection lost")))
        {
            await Assert.ThrowsAsync<LedgerUnavailableException>(() => Ledger.CommitAsync(commits, Ct));
            Assert.Equal([WriteOutcome.Written, WriteOutcome.Written], await Ledger.CommitAsync(commits, Ct));
        }

        Assert.Equal(new long[] { 6 }, await SumAsync(id, "s"));
        Assert.Equal(2, (await StageAsync(id, "s")).Done);
    }

    [Fact]
    public async Task WaitingStagesAsync_WhenItemsAreUnclaimed_GivesTheStagesInClaimOrder()
    {
        var late = await Ledger.SubmitAsync(new NewExperiment("late", "{}", [Stage("x")], Priority: 200), Ct);
        await ExpandAsync(late, "x", 1);
        var needs = new WorkNeeds(true, 5, "a=b");
        var id = await SubmitAsync(Stage("a") with { Needs = needs }, Stage("b"), Stage("c", "a"));
        await ExpandAsync(id, "a", 2);
        var paused = await SubmitItemsAsync(1);
        await Ledger.PauseAsync(paused, Ct);

        var waiting = await Ledger.WaitingStagesAsync(Ct);
        Assert.Equal([(id, "a"), (late, "x")], waiting.Select(stage => (stage.ExperimentId, stage.Name)));
        Assert.Equal(needs, waiting[0].Needs);

        await Ledger.ClaimAsync(Claim(2) with { HasGpu = true, Tags = ["a=b"] }, Ct);
        Assert.Equal("x", Assert.Single(await Ledger.WaitingStagesAsync(Ct)).Name);
    }

    [Fact]
    public async Task BlockAsync_WhenTheReasonChanges_SaysSoOnceAndLogsIt()
    {
        var id = await SubmitItemsAsync(2, stage => stage with { Needs = new WorkNeeds(Gpu: true) });
        var stage = await StageAsync(id, "s");

        Assert.False(await Ledger.BlockAsync(stage.Id, null, Ct));
        Assert.True(await Ledger.BlockAsync(stage.Id, "needs a CUDA device", Ct));
        Assert.False(await Ledger.BlockAsync(stage.Id, "needs a CUDA device", Ct));
        Assert.Equal("needs a CUDA device", (await StageAsync(id, "s")).Blocked);
        Assert.Equal("needs a CUDA device", Assert.Single(await Ledger.WaitingStagesAsync(Ct)).Blocked);
        Assert.True(await Ledger.BlockAsync(stage.Id, "no silo", Ct));
        Assert.True(await Ledger.BlockAsync(stage.Id, null, Ct));
        Assert.Null((await StageAsync(id, "s")).Blocked);

        Assert.Equal(
            [("blocked", "s", "needs a CUDA device"), ("blocked", "s", "no silo"), ("unblocked", "s", "a silo can run it again")],
            (await Ledger.EventsAsync(id, 0, 100, Ct)).Skip(2).Select(row => (row.Kind, row.Stage!, row.Text)));
    }

    [Fact]
    public async Task BlockAsync_WhenAnItemIsClaimed_TheStageIsUnblocked()
    {
        var id = await SubmitItemsAsync(2);
        var stage = await StageAsync(id, "s");
        await Ledger.BlockAsync(stage.Id, "no silo", Ct);

        await ClaimOneAsync();

        Assert.Null((await StageAsync(id, "s")).Blocked);
        Assert.Equal("unblocked", (await Ledger.EventsAsync(id, 0, 100, Ct))[^1].Kind);
    }

    [Fact]
    public async Task BlockAsync_WhenTheStageDoesNotWait_ChangesNothing()
    {
        var id = await SubmitAsync(Stage("a"), Stage("b", "a"));
        var stage = await StageAsync(id, "a");
        Assert.False(await Ledger.BlockAsync(stage.Id, "why", Ct));
        Assert.False(await Ledger.BlockAsync((await StageAsync(id, "b")).Id, "why", Ct));
        Assert.False(await Ledger.BlockAsync(999, "why", Ct));
        await ExpandAsync(id, "a", 1);
        var lease = await ClaimOneAsync();
        Assert.False(await Ledger.BlockAsync(stage.Id, "why", Ct));
        await Ledger.ReleaseAsync(lease, Ct);
        await Ledger.PauseAsync(id, Ct);
        Assert.False(await Ledger.BlockAsync(stage.Id, "why", Ct));
        await Ledger.ResumeAsync(id, Ct);
        Assert.True(await Ledger.BlockAsync(stage.Id, "why", Ct));
    }
}
