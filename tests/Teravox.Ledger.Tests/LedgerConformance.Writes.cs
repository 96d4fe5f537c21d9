// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;

namespace Teravox.Ledger.Tests;

public abstract partial class LedgerConformance
{
    [Fact]
    public async Task CommitAsync_WhenItemsBringSums_TheyAddUp()
    {
        var id = await SubmitItemsAsync(3);
        foreach (var lease in await Ledger.ClaimAsync(Claim(3), Ct))
        {
            var sums = new Dictionary<string, long[]> { ["n"] = [1, lease.Index, long.MaxValue / 4], ["other"] = [-lease.Index] };
            await CommitAsync(lease, new WorkResult(lease.Index == 1 ? null : $"{lease.Index}", sums));
        }

        var stage = await StageAsync(id, "s");
        var all = await Ledger.SumsAsync(stage.Id, Ct);
        Assert.Equal(["n", "other"], all.Keys.Order());
        Assert.Equal([3, 3, 3 * (long.MaxValue / 4)], all["n"]);
        Assert.Equal([-3], all["other"]);
        var results = await Ledger.ResultsAsync(stage.Id, Ct);
        Assert.Equal([(0, "0"), (2, "2")], results.OrderBy(pair => pair.Key).Select(pair => (pair.Key, pair.Value)));
    }

    [Theory]
    [InlineData("silo-a")]
    [InlineData("silo-b")]
    [InlineData("silo-c")]
    public async Task CommitAsync_WhenSumsDoNotFit_WritesNothingOfIt(string holder)
    {
        var id = await SubmitItemsAsync(2);
        await CommitAsync(await ClaimOneAsync(), Counts(1, 2));
        var lease = await ClaimOneAsync(holder);

        // More than once: a ledger may keep the sums in several rows, which all must know the length.
        for (var i = 0; i < 5; i++)
        {
            var length = await Assert.ThrowsAsync<InvalidOperationException>(() => CommitAsync(lease, Counts(1)));
            Assert.Equal("Sum 'n' has 2 counts in its stage, but an item brings 1.", length.Message);
        }

        Assert.Equal(new long[] { 1, 2 }, await SumAsync(id, "s"));
        Assert.Equal((1, 1), await StageAsync(id, "s") is var s ? (s.Done, s.Leased) : default);
        Assert.Equal(LeaseState.Held, await Ledger.HeartbeatAsync(lease, null, Ct));
    }

    [Fact]
    public async Task CommitAsync_WhenRepeated_IsWrittenBothTimesAndCountsOnce()
    {
        var id = await SubmitItemsAsync(2);
        var lease = await ClaimOneAsync();

        Assert.Equal(WriteOutcome.Written, await CommitAsync(lease, Counts(5)));
        Assert.Equal(WriteOutcome.Written, await CommitAsync(lease, Counts(5)));

        Assert.Equal(new long[] { 5 }, await SumAsync(id, "s"));
        Assert.Equal((1, 0), await StageAsync(id, "s") is var s ? (s.Done, s.Leased) : default);
        Assert.Equal(LeaseState.Lost, await Ledger.HeartbeatAsync(lease, null, Ct));
        Assert.Equal(WriteOutcome.LeaseLost, await Ledger.ReleaseAsync(lease, Ct));
    }

    [Theory]
    [InlineData("another")]
    [InlineData("late")]
    public async Task CommitAsync_WhenAnotherOrTheSameHasTheItemAnew_ChangesNothing(string next)
    {
        var id = await SubmitItemsAsync(1);
        var late = await ClaimOneAsync("late");
        Clock.Advance(Ttl);
        await Ledger.ReapAsync(Ct);

        // Nobody's for now, then under a newer lease, then done under it: the late finisher is refused each time, also where it is the
        // same silo's, which only the epoch tells.
        Assert.Equal(WriteOutcome.LeaseLost, await CommitAsync(late, Counts(1)));
        var lease = await ClaimOneAsync(next);
        Assert.Equal(WriteOutcome.LeaseLost, await CommitAsync(late, Counts(1)));
        Assert.Equal(WriteOutcome.LeaseLost, await Ledger.FailAsync(late, "e", true, Ct));
        Assert.Equal(WriteOutcome.LeaseLost, await Ledger.ReleaseAsync(late, Ct));
        Assert.Equal(LeaseState.Lost, await Ledger.HeartbeatAsync(late, new WorkProgress(0.5, "late"), Ct));
        Assert.Null(Assert.Single(await Ledger.RunningAsync(id, Ct)).Note);
        Assert.Equal(WriteOutcome.Written, await CommitAsync(lease, Counts(10)));
        Assert.Equal(WriteOutcome.LeaseLost, await CommitAsync(late, Counts(1)));

        Assert.Equal(new long[] { 10 }, await SumAsync(id, "s"));
    }

    [Fact]
    public async Task CommitAsync_WhenLeaseLapsedButNobodyReaped_IsWritten()
    {
        var id = await SubmitItemsAsync(1);
        var lease = await ClaimOneAsync();
        Clock.Advance(10 * Ttl);

        Assert.Equal(WriteOutcome.Written, await CommitAsync(lease));
        Assert.Equal(ExperimentState.Succeeded, await StateAsync(id));
    }

    [Fact]
    public async Task CommitAsync_WhenLastOfItsStage_SuccessorsWithNothingElseToWaitForAreReady()
    {
        var id = await SubmitAsync(Stage("a"), Stage("b", "a"), Stage("c", "a"), Stage("d", "b", "c"));
        await ExpandAsync(id, "a", 2);
        await CommitAsync(await ClaimOneAsync());
        Assert.Equal(StageState.Waiting, (await StageAsync(id, "b")).State);
        await CommitAsync(await ClaimOneAsync());

        Assert.Equal(["b", "c"], (await Ledger.ReadyStagesAsync(Ct)).Select(stage => stage.Name));
        await ExpandAsync(id, "b", 1);
        await ExpandAsync(id, "c", 1);
        await CommitAsync(await ClaimOneAsync());
        Assert.Equal((StageState.Done, StageState.Waiting), ((await StageAsync(id, "b")).State, (await StageAsync(id, "d")).State));
        await CommitAsync(await ClaimOneAsync());
        await ExpandAsync(id, "d", 1);
        await CommitAsync(await ClaimOneAsync());

        Assert.Equal(ExperimentState.Succeeded, await StateAsync(id));
        Assert.All(await Ledger.StagesAsync(id, Ct), stage => Assert.Equal(StageState.Done, stage.State));
    }

    [Fact]
    public async Task FailAsync_WhenFailuresAreLeft_ItemComesBackAfterADelay()
    {
        var id = await SubmitItemsAsync(1);

        Assert.Equal(WriteOutcome.Written, await Ledger.FailAsync(await ClaimOneAsync(), "CUDA out of memory", false, Ct));

        Assert.Empty(await Ledger.ClaimAsync(Claim(1), Ct));
        Assert.Equal((StageState.Running, 0), await StageAsync(id, "s") is var s ? (s.State, s.Leased) : default);
        Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(2, (await ClaimOneAsync()).Attempt);
        Assert.Contains(await Ledger.EventsAsync(id, 0, 100, Ct), row => row.Kind == "error" && row.Text.Contains("CUDA out of memory", StringComparison.Ordinal));
    }

    [Fact]
    public async Task FailAsync_WhenFailuresAreUsedUp_ParksTheItemAndFailsTheExperiment()
    {
        var id = await SubmitItemsAsync(3, stage => stage with { MaxFailures = 2 });
        var bad = await ClaimOneAsync();
        var running = await ClaimOneAsync();
        await Ledger.FailAsync(bad, "first", false, Ct);
        Clock.Advance(TimeSpan.FromSeconds(10));
        bad = await ClaimOneAsync();
        Assert.Equal(0, bad.Index);
        Clock.Advance(TimeSpan.FromSeconds(1));
        await Ledger.FailAsync(bad, "second", false, Ct);

        Assert.Equal(new FailedItem(bad.ItemId, "s", 0, 2, 0, "second"), Assert.Single(await Ledger.FailuresAsync(id, 10, Ct)));
        Assert.Equal((ExperimentState.Failed, Clock.GetUtcNow()), await Ledger.FindAsync(id, Ct) is { } x ? (x.State, x.Ended) : default);

        // What runs may end; what waits is not begun; the experiment stays failed.
        Assert.Empty(await Ledger.ClaimAsync(Claim(5), Ct));
        Assert.Equal(LeaseState.Held, await Ledger.HeartbeatAsync(running, null, Ct));
        Assert.Equal(WriteOutcome.Written, await CommitAsync(running));
        Assert.Equal((StageState.Failed, 1, 1, 0), await StageAsync(id, "s") is var s ? (s.State, s.Done, s.Failed, s.Leased) : default);
        Assert.Equal(ExperimentState.Failed, await StateAsync(id));
    }

    [Fact]
    public async Task FailAsync_WhenFinal_ParksAtOnceAndLaterStagesNeverStart()
    {
        var id = await SubmitAsync(Stage("a"), Stage("b", "a"), Stage("c"), Stage("d", "c"));
        await ExpandAsync(id, "a", 1);
        await ExpandAsync(id, "c", 1);
        var bad = await ClaimOneAsync();
        var good = await ClaimOneAsync();

        await Ledger.FailAsync(bad, "slice 7 is not readable", true, Ct);
        await CommitAsync(good);

        Assert.Equal(ExperimentState.Failed, await StateAsync(id));
        Assert.Equal(
            [StageState.Failed, StageState.Waiting, StageState.Done, StageState.Ready],
            (await Ledger.StagesAsync(id, Ct)).Select(stage => stage.State));
        Assert.Empty(await Ledger.ReadyStagesAsync(Ct));
    }

    [Fact]
    public async Task ReleaseAsync_WhenHeld_GivesTheAttemptBackAtOnce()
    {
        var id = await SubmitItemsAsync(1, stage => stage with { MaxFailures = 1, MaxDeaths = 1 });
        for (var i = 0; i < 5; i++)
        {
            var lease = await ClaimOneAsync();
            Assert.Equal(1, lease.Attempt);
            Assert.Equal(i + 1, lease.Epoch);
            Assert.Equal(WriteOutcome.Written, await Ledger.ReleaseAsync(lease, Ct));
            Assert.Equal(WriteOutcome.LeaseLost, await Ledger.ReleaseAsync(lease, Ct));
        }

        Assert.Equal((StageState.Running, 0), await StageAsync(id, "s") is var s ? (s.State, s.Leased) : default);
    }

    [Fact]
    public async Task RetryFailedAsync_WhenItemsAreParked_TheExperimentCanSucceed()
    {
        var id = await SubmitAsync(Stage("a") with { MaxFailures = 1, MaxDeaths = 1 }, Stage("b", "a"));
        await ExpandAsync(id, "a", 4);
        var leases = await Ledger.ClaimAsync(Claim(3), Ct);
        await Ledger.FailAsync(leases[0], "e", false, Ct);
        await Ledger.FailAsync(leases[1], "e", false, Ct);
        Clock.Advance(Ttl);
        await Ledger.ReapAsync(Ct);
        Assert.Equal(3, (await Ledger.FailuresAsync(id, 10, Ct)).Count);
        Assert.Equal(2, (await Ledger.FailuresAsync(id, 2, Ct)).Count);

        Assert.Equal(3, await Ledger.RetryFailedAsync(id, Ct));
        Assert.Equal(0, await Ledger.RetryFailedAsync(id, Ct));

        Assert.Empty(await Ledger.FailuresAsync(id, 10, Ct));
        Assert.Null((await Ledger.FindAsync(id, Ct))!.Ended);
        Assert.Equal(WriteOutcome.LeaseLost, await CommitAsync(leases[0], Counts(100)));
        await RunAllAsync();
        await ExpandAsync(id, "b", 1);
        await RunAllAsync();
        Assert.Equal(ExperimentState.Succeeded, await StateAsync(id));
        Assert.Equal(new long[] { 4 }, await SumAsync(id, "a"));
        Assert.Equal(0, await Ledger.RetryFailedAsync(id, Ct));
    }

    [Fact]
    public async Task RetryFailedAsync_WhenParkedByFailures_CountsStartAfresh()
    {
        var id = await SubmitItemsAsync(1, stage => stage with { MaxFailures = 2 });
        for (var round = 0; round < 2; round++)
        {
            for (var failure = 0; failure < 2; failure++)
            {
                Assert.Equal(ExperimentState.Running, await StateAsync(id));
                Clock.Advance(TimeSpan.FromMinutes(2));
                await Ledger.FailAsync(await ClaimOneAsync(), "e", false, Ct);
            }

            Assert.Equal(1, await Ledger.RetryFailedAsync(id, Ct));
        }
    }

    [Theory]
    [InlineData("ledger.before-commit:commit")]
    [InlineData("ledger.after-commit:commit")]
    public async Task CommitAsync_WhenItsAnswerIsLost_TheRepeatCountsOnce(string point)
    {
        var id = await SubmitItemsAsync(2);
        var lease = await ClaimOneAsync();
        using (FaultScope.Once(point, new LedgerUnavailableException("connection lost")))
        {
            await Assert.ThrowsAsync<LedgerUnavailableException>(() => CommitAsync(lease, Counts(3)));
            Assert.Equal(WriteOutcome.Written, await CommitAsync(lease, Counts(3)));
        }

        Assert.Equal(new long[] { 3 }, await SumAsync(id, "s"));
        Assert.Equal(1, (await StageAsync(id, "s")).Done);
    }

    [Theory]
    [InlineData("ledger.before-commit:submit")]
    [InlineData("ledger.after-commit:submit")]
    public async Task SubmitAsync_WhenItsAnswerIsLost_TheRepeatMakesNoSecond(string point)
    {
        var experiment = new NewExperiment("a", "{}", [Stage("s")], "key");
        using var fault = FaultScope.Once(point, new LedgerUnavailableException("connection lost"));

        await Assert.ThrowsAsync<LedgerUnavailableException>(() => Ledger.SubmitAsync(experiment, Ct));
        await Ledger.SubmitAsync(experiment, Ct);

        Assert.Single(await Ledger.ListAsync(new ExperimentQuery(Limit: 10), Ct));
    }

    [Fact]
    public async Task ClaimAsync_WhenItsAnswerIsLost_TheItemsComeBackWithTheirLeases()
    {
        await SubmitItemsAsync(2);
        using (FaultScope.Once("ledger.after-commit:claim", new LedgerUnavailableException("connection lost")))
        {
            await Assert.ThrowsAsync<LedgerUnavailableException>(() => Ledger.ClaimAsync(Claim(2), Ct));
            Assert.Empty(await Ledger.ClaimAsync(Claim(2), Ct));
        }

        Clock.Advance(Ttl);
        Assert.Equal(2, await Ledger.ReapAsync(Ct));
        Assert.Equal(2, (await Ledger.ClaimAsync(Claim(2), Ct)).Count);
    }

    [Theory]
    [InlineData("expand", "False")]
    [InlineData("failstage", "False")]
    [InlineData("block", "False")]
    [InlineData("heartbeat", "Held")]
    [InlineData("fail", "LeaseLost")]
    [InlineData("release", "LeaseLost")]
    [InlineData("reap", "0")]
    [InlineData("reapothers", "0")]
    [InlineData("retryfailed", "0")]
    [InlineData("pause", "False")]
    [InlineData("resume", "False")]
    [InlineData("cancel", "False")]
    public async Task Writes_WhenTheirAnswerIsLost_TookEffectAndTheRepeatChangesNothing(string operation, string repeated)
    {
        var ready = await SubmitAsync(Stage("t"));
        var failed = await SubmitItemsAsync(1);
        await Ledger.FailAsync(await ClaimOneAsync(), "e", true, Ct);
        var paused = await SubmitItemsAsync(1);
        await Ledger.PauseAsync(paused, Ct);
        var id = await SubmitItemsAsync(2, stage => stage with { MaxFailures = 2, MaxDeaths = 2 });
        var lease = await ClaimOneAsync();
        Clock.Advance(operation == "reap" ? Ttl : TimeSpan.Zero);
        var (readyId, itemsId) = ((await StageAsync(ready, "t")).Id, (await StageAsync(id, "s")).Id);
        long[] all = [ready, failed, paused, id];
        async Task<string> Snapshot()
        {
            var rows = new List<object>(await Ledger.ListAsync(new ExperimentQuery(Limit: 10), Ct));
            foreach (var one in all)
            {
                rows.AddRange(await Ledger.StagesAsync(one, Ct));
                rows.AddRange(await Ledger.RunningAsync(one, Ct));
                rows.AddRange(await Ledger.FailuresAsync(one, 10, Ct));
                rows.AddRange(await Ledger.EventsAsync(one, 0, 100, Ct));
            }

            return string.Join('\n', rows);
        }

        async Task<object> Act() => operation switch
        {
            "expand" => await Ledger.ExpandAsync(readyId, 5, Ct),
            "failstage" => await Ledger.FailStageAsync(readyId, "no such file", Ct),
            "block" => await Ledger.BlockAsync(itemsId, "no silo", Ct),
            "heartbeat" => await Ledger.HeartbeatAsync(lease, new WorkProgress(0.5, "half", 3), Ct),
            "fail" => await Ledger.FailAsync(lease, "e", false, Ct),
            "release" => await Ledger.ReleaseAsync(lease, Ct),
            "reap" => await Ledger.ReapAsync(Ct),
            "reapothers" => await Ledger.ReapOthersAsync("nobody", Ct),
            "retryfailed" => await Ledger.RetryFailedAsync(failed, Ct),
            "pause" => await Ledger.PauseAsync(id, Ct),
            "resume" => await Ledger.ResumeAsync(paused, Ct),
            _ => await Ledger.CancelAsync(id, Ct),
        };
        var before = await Snapshot();

        using (FaultScope.Once($"ledger.after-commit:{operation}", new LedgerUnavailableException("connection lost")))
        {
            await Assert.ThrowsAsync<LedgerUnavailableException>(Act);
        }

        var after = await Snapshot();
        Assert.NotEqual(before, after);
        Assert.Equal(repeated, $"{await Act()}");
        Assert.Equal(after, await Snapshot());
    }

    [Theory]
    [InlineData("expand")]
    [InlineData("fail")]
    [InlineData("cancel")]
    [InlineData("reap")]
    public async Task Writes_WhenTheyDieBeforeTheirCommit_LeaveNothing(string operation)
    {
        var other = await SubmitAsync(Stage("t"));
        var id = await SubmitItemsAsync(1, stage => stage with { MaxFailures = 1, MaxDeaths = 1 });
        var lease = await ClaimOneAsync();
        Clock.Advance(Ttl);
        async Task<string> Snapshot() => string.Join(
            '\n',
            [.. await Ledger.StagesAsync(id, Ct), .. await Ledger.StagesAsync(other, Ct), .. await Ledger.ListAsync(new ExperimentQuery(Limit: 10), Ct), .. await Ledger.EventsAsync(id, 0, 100, Ct), .. await Ledger.RunningAsync(id, Ct)]);
        var before = await Snapshot();
        var stageId = (await StageAsync(other, "t")).Id;

        using (FaultScope.Once($"ledger.before-commit:{operation}", new LedgerUnavailableException("killed")))
        {
            await Assert.ThrowsAsync<LedgerUnavailableException>(() => operation switch
            {
                "expand" => Ledger.ExpandAsync(stageId, 5, Ct),
                "fail" => Ledger.FailAsync(lease, "e", true, Ct),
                "cancel" => Ledger.CancelAsync(id, Ct),
                _ => Ledger.ReapAsync(Ct),
            });
        }

        Assert.Equal(before, await Snapshot());
        Assert.Equal(WriteOutcome.Written, await CommitAsync(lease));
    }
}
