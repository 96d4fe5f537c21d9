// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;

namespace Teravox.Ledger.Tests;

public abstract partial class LedgerConformance
{
    [Fact]
    public async Task ClaimAsync_WhenMuchWaits_GoesByPriorityExperimentStageIndex()
    {
        var late = await Ledger.SubmitAsync(new NewExperiment("late", "{}", [Stage("x")], Priority: 200), Ct);
        var first = await SubmitAsync(Stage("b"), Stage("a"));
        var second = await SubmitAsync(Stage("b"));
        var urgent = await Ledger.SubmitAsync(new NewExperiment("urgent", "{}", [Stage("x")], Priority: 1), Ct);
        await ExpandAsync(late, "x", 1);
        await ExpandAsync(second, "b", 1);
        await ExpandAsync(first, "a", 2);
        await ExpandAsync(first, "b", 2);
        await ExpandAsync(urgent, "x", 1);

        var claimed = new List<(long, string, int)>();
        foreach (var slots in new[] { 3, 1, 10 })
        {
            var leases = await Ledger.ClaimAsync(Claim(slots), Ct);
            Assert.True(leases.Count <= slots);
            claimed.AddRange(leases.Select(lease => (lease.ExperimentId, lease.StageName, lease.Index)));
        }

        Assert.Equal(
            [(urgent, "x", 0), (first, "b", 0), (first, "b", 1), (first, "a", 0), (first, "a", 1), (second, "b", 0), (late, "x", 0)],
            claimed);
        Assert.Empty(await Ledger.ClaimAsync(Claim(1), Ct));
    }

    [Fact]
    public async Task ClaimAsync_WhenTaken_NamesHolderAndRaisesAttemptAndEpoch()
    {
        var id = await SubmitItemsAsync(1, stage => stage with { Arguments = "[1]" });

        var first = await ClaimOneAsync("silo-a");
        Clock.Advance(Ttl);
        Assert.Equal(1, await Ledger.ReapAsync(Ct));
        var second = await ClaimOneAsync("silo-b");

        var stage = await StageAsync(id, "s");
        Assert.Equal(new WorkLease(first.ItemId, first.Epoch, id, stage.Id, "s", "kind", 0, 1, "silo-a", Ttl, "[1]"), first);
        Assert.Equal(first with { Epoch = first.Epoch + 1, Attempt = 2, Holder = "silo-b" }, second);
        Assert.Equal(1, stage.Leased);
        var running = Assert.Single(await Ledger.RunningAsync(id, Ct));
        Assert.Equal(new RunningItem(first.ItemId, "s", 0, "silo-b", 2, 0, null), running);
    }

    [Fact]
    public async Task ClaimAsync_WhenStageHasNeeds_OnlySilosThatMeetThemTakeIt()
    {
        async Task<bool> Takes(WorkNeeds needs, ClaimRequest request)
        {
            var id = await SubmitItemsAsync(1, stage => stage with { Needs = needs });
            var leases = await Ledger.ClaimAsync(request, Ct);
            await Ledger.CancelAsync(id, Ct);
            return leases.Count == 1;
        }

        var plain = Claim(1);
        Assert.False(await Takes(new WorkNeeds(Gpu: true), plain));
        Assert.True(await Takes(new WorkNeeds(Gpu: true), plain with { HasGpu = true }));
        Assert.True(await Takes(new WorkNeeds(), plain with { HasGpu = true }));

        Assert.False(await Takes(new WorkNeeds(MemoryBytes: 8L << 30), plain with { MemoryBytes = (8L << 30) - 1 }));
        Assert.True(await Takes(new WorkNeeds(MemoryBytes: 8L << 30), plain with { MemoryBytes = 8L << 30 }));
        Assert.True(await Takes(new WorkNeeds(MemoryBytes: 8L << 30), plain));

        Assert.False(await Takes(new WorkNeeds(Tag: "disk=fast"), plain));
        Assert.False(await Takes(new WorkNeeds(Tag: "disk=fast"), plain with { Tags = ["disk=slow", "disk"] }));
        Assert.True(await Takes(new WorkNeeds(Tag: "disk=fast"), plain with { Tags = ["a=b", "disk=fast"] }));
    }

    [Fact]
    public async Task ClaimAsync_WhenKindsOrExperimentAreNamed_TakesOnlyThose()
    {
        var first = await SubmitItemsAsync(1, stage => stage with { Kind = "train" });
        var second = await SubmitItemsAsync(1, stage => stage with { Kind = "tile" });

        Assert.Empty(await Ledger.ClaimAsync(Claim(5) with { Kinds = ["import", "score"] }, Ct));
        Assert.Empty(await Ledger.ClaimAsync(Claim(5) with { Kinds = [] }, Ct));
        Assert.Empty(await Ledger.ClaimAsync(Claim(5) with { Kinds = ["train"], ExperimentId = second }, Ct));
        Assert.Equal(second, Assert.Single(await Ledger.ClaimAsync(Claim(5) with { Kinds = ["tile"] }, Ct)).ExperimentId);
        Assert.Equal(first, Assert.Single(await Ledger.ClaimAsync(Claim(5) with { ExperimentId = first }, Ct)).ExperimentId);
    }

    [Fact]
    public async Task ClaimAsync_WhenFirstExperimentHasNothingToTake_TakesFromTheNext()
    {
        await SubmitItemsAsync(1, stage => stage with { Needs = new WorkNeeds(Gpu: true) });
        var second = await SubmitItemsAsync(1);

        Assert.Equal(second, (await ClaimOneAsync()).ExperimentId);
    }

    [Fact]
    public async Task ClaimAsync_WhenTwoConnectionsClaimAtOnce_NoItemIsTakenTwice()
    {
        const int Items = 400;
        var id = await SubmitItemsAsync(Items);
        await using var other = await OpenAsync("main", Clock, TimeSpan.FromSeconds(1));

        async Task<List<WorkLease>> TakeAll(ILedger ledger, string holder, int slots)
        {
            var taken = new List<WorkLease>();
            while (await ledger.ClaimAsync(Claim(slots, holder), Ct) is { Count: > 0 } leases)
            {
                taken.AddRange(leases);
            }

            return taken;
        }

        var all = await Task.WhenAll(
            Task.Run(() => TakeAll(Ledger, "a", 3), Ct),
            Task.Run(() => TakeAll(Ledger, "b", 1), Ct),
            Task.Run(() => TakeAll(other, "c", 2), Ct),
            Task.Run(() => TakeAll(other, "d", 5), Ct));

        var leases = all.SelectMany(taken => taken).ToList();
        Assert.Equal(Enumerable.Range(0, Items), leases.Select(lease => lease.Index).Order());
        Assert.All(leases, lease => Assert.Equal(1, lease.Epoch));
        Assert.Equal(Items, (await StageAsync(id, "s")).Leased);
    }

    [Fact]
    public async Task HeartbeatAsync_WhenHeld_ExtendsTheLeaseByItsTtl()
    {
        await SubmitItemsAsync(1);
        var lease = await ClaimOneAsync();

        for (var i = 0; i < 3; i++)
        {
            Clock.Advance(Ttl - TimeSpan.FromMilliseconds(1));
            Assert.Equal(0, await Ledger.ReapAsync(Ct));
            Assert.Equal(LeaseState.Held, await Ledger.HeartbeatAsync(lease, null, Ct));
        }

        Clock.Advance(Ttl);
        Assert.Equal(1, await Ledger.ReapAsync(Ct));
        Assert.Equal(LeaseState.Lost, await Ledger.HeartbeatAsync(lease, null, Ct));
    }

    [Fact]
    public async Task HeartbeatAsync_WhenItCarriesProgress_StoresIt()
    {
        var id = await SubmitItemsAsync(1);
        var lease = await ClaimOneAsync();

        await Ledger.HeartbeatAsync(lease, new WorkProgress(0.25, "iteration 5"), Ct);
        await Ledger.HeartbeatAsync(lease, null, Ct);
        Assert.Equal((0.25, "iteration 5"), Assert.Single(await Ledger.RunningAsync(id, Ct)) is var r ? (r.Fraction, r.Note) : default);

        await Ledger.HeartbeatAsync(lease, new WorkProgress(double.NaN), Ct);
        Assert.Equal((0, null), Assert.Single(await Ledger.RunningAsync(id, Ct)) is var n ? (n.Fraction, n.Note) : default);
        await Ledger.HeartbeatAsync(lease, new WorkProgress(7), Ct);
        Assert.Equal(1, Assert.Single(await Ledger.RunningAsync(id, Ct)).Fraction);
    }

    [Fact]
    public async Task HeartbeatAsync_WhenCheckpointGrows_DeathsAreForgotten()
    {
        var id = await SubmitItemsAsync(1, stage => stage with { MaxDeaths = 2 });

        async Task DieAfterAsync(long? checkpoint)
        {
            var lease = await ClaimOneAsync();
            await Ledger.HeartbeatAsync(lease, new WorkProgress(0, null, checkpoint), Ct);
            Clock.Advance(Ttl);
            Assert.Equal(1, await Ledger.ReapAsync(Ct));
        }

        await DieAfterAsync(null);
        await DieAfterAsync(100);
        await DieAfterAsync(200);
        await DieAfterAsync(300);
        Assert.Equal(ExperimentState.Running, await StateAsync(id));

        // It came no further than before: the second death in a row parks it.
        await DieAfterAsync(300);
        Assert.Equal(ExperimentState.Failed, await StateAsync(id));
    }

    [Fact]
    public async Task HeartbeatAsync_WhenCheckpointIsZero_DeathsStay()
    {
        var id = await SubmitItemsAsync(1, stage => stage with { MaxDeaths = 2 });
        for (var i = 0; i < 2; i++)
        {
            await Ledger.HeartbeatAsync(await ClaimOneAsync(), new WorkProgress(0, null, 0), Ct);
            Clock.Advance(Ttl);
            await Ledger.ReapAsync(Ct);
        }

        Assert.Equal(ExperimentState.Failed, await StateAsync(id));
    }

    [Fact]
    public async Task ReapAsync_WhenLapsedTooOften_ParksTheItemWithItsError()
    {
        var id = await SubmitItemsAsync(1, stage => stage with { MaxDeaths = 3 });
        for (var i = 1; i <= 3; i++)
        {
            Assert.Equal(i, (await ClaimOneAsync()).Attempt);
            Clock.Advance(Ttl);
            Assert.Equal(1, await Ledger.ReapAsync(Ct));
        }

        var failed = Assert.Single(await Ledger.FailuresAsync(id, 10, Ct));
        Assert.Equal((0, 3, "s", 0), (failed.Failures, failed.Deaths, failed.StageName, failed.Index));
        Assert.Contains("silo-a", failed.Error, StringComparison.Ordinal);
        Assert.Equal(ExperimentState.Failed, await StateAsync(id));
        Assert.Equal(0, await Ledger.ReapAsync(Ct));
    }

    [Fact]
    public async Task ReapOthersAsync_WhenSomeAreTheSurvivors_TakesOnlyTheOthers()
    {
        await SubmitItemsAsync(3);
        var dead = await ClaimOneAsync("dead");
        var mine = await ClaimOneAsync("mine");
        var gone = await ClaimOneAsync("gone");

        Assert.Equal(2, await Ledger.ReapOthersAsync("mine", Ct));

        Assert.Equal(LeaseState.Held, await Ledger.HeartbeatAsync(mine, null, Ct));
        Assert.Equal(LeaseState.Lost, await Ledger.HeartbeatAsync(dead, null, Ct));
        Assert.Equal(LeaseState.Lost, await Ledger.HeartbeatAsync(gone, null, Ct));
        Assert.Equal([0, 2], (await Ledger.ClaimAsync(Claim(3, "mine"), Ct)).Select(lease => lease.Index));
    }

    [Fact]
    public async Task ClaimAsync_WhenAnItemIsNamed_GivesThatOneOrNone()
    {
        var id = await SubmitItemsAsync(3, stage => stage with { Needs = new WorkNeeds(Tag: "disk=fast") });
        var place = new ItemPlace((await StageAsync(id, "s")).Id, 1);
        var request = Claim(3) with { Item = place, Tags = ["disk=fast"], ExperimentId = id };

        Assert.Empty(await Ledger.ClaimAsync(request with { Tags = [] }, Ct));
        Assert.Empty(await Ledger.ClaimAsync(request with { Kinds = ["other"] }, Ct));
        Assert.Empty(await Ledger.ClaimAsync(request with { Item = place with { Index = 3 } }, Ct));
        var lease = Assert.Single(await Ledger.ClaimAsync(request, Ct));
        Assert.Equal((id, "s", 1, 1), (lease.ExperimentId, lease.StageName, lease.Index, lease.Attempt));
        Assert.Empty(await Ledger.ClaimAsync(request, Ct));
        Assert.Equal(WriteOutcome.Written, await Ledger.CommitAsync(lease, new WorkResult(), Ct));
        Assert.Empty(await Ledger.ClaimAsync(request, Ct));

        // A claim of any item still begins with the first.
        Assert.Equal([0, 2], (await Ledger.ClaimAsync(request with { Item = null }, Ct)).Select(l => l.Index));
    }

    [Fact]
    public async Task ClaimAsync_WhenTheNamedItemIsPutOffOrItsExperimentPaused_GivesNone()
    {
        var id = await SubmitItemsAsync(1);
        var request = Claim(1) with { Item = new ItemPlace((await StageAsync(id, "s")).Id, 0) };
        Assert.True(await Ledger.PauseAsync(id, Ct));
        Assert.Empty(await Ledger.ClaimAsync(request, Ct));
        Assert.True(await Ledger.ResumeAsync(id, Ct));
        await Ledger.FailAsync(Assert.Single(await Ledger.ClaimAsync(request, Ct)), "no", final: false, Ct);
        Assert.Empty(await Ledger.ClaimAsync(request, Ct));

        Clock.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(2, Assert.Single(await Ledger.ClaimAsync(request, Ct)).Attempt);
    }

    [Fact]
    public async Task WaitingItemsAsync_WhenSomeAreClaimedOrPutOff_GivesTheOthersAtOnceAndThoseLater()
    {
        var id = await SubmitAsync(Stage("a") with { Needs = new WorkNeeds(Gpu: true, MemoryBytes: 7) }, Stage("b"), Stage("c", "a"));
        await ExpandAsync(id, "a", 3);
        await ExpandAsync(id, "b", 2);
        await SubmitItemsAsync(1);
        var (a, b) = ((await StageAsync(id, "a")).Id, (await StageAsync(id, "b")).Id);
        var claimed = Assert.Single(await Ledger.ClaimAsync(Claim(1) with { HasGpu = true, Item = new ItemPlace(a, 1) }, Ct));
        await Ledger.FailAsync(Assert.Single(await Ledger.ClaimAsync(Claim(1) with { Item = new ItemPlace(b, 0) }, Ct)), "no", final: false, Ct);

        var waiting = await Ledger.WaitingItemsAsync(id, 10, Ct);

        Assert.Equal([new(a, 0), new(a, 2), new(b, 0), new(b, 1)], waiting.Select(w => w.Place));
        Assert.Equal([false, false, true, false], waiting.Select(w => w.PutOff > TimeSpan.Zero));
        Assert.Equal(("a", "kind", new WorkNeeds(Gpu: true, MemoryBytes: 7), 100), (waiting[0].StageName, waiting[0].Kind, waiting[0].Needs, waiting[0].Priority));
        Assert.Equal(waiting.Take(3), await Ledger.WaitingItemsAsync(id, 3, Ct));
        Assert.True(await Ledger.PauseAsync(id, Ct));
        Assert.Empty(await Ledger.WaitingItemsAsync(id, 10, Ct));
        Assert.Equal(LeaseState.Held, await Ledger.HeartbeatAsync(claimed, null, Ct));
    }

    [Fact]
    public async Task ReapHolderAsync_WhenOthersHoldLeasesToo_TakesOnlyItsOwn()
    {
        await SubmitItemsAsync(3);
        var dead = await ClaimOneAsync("dead");
        var mine = await ClaimOneAsync("mine");

        Assert.Equal(1, await Ledger.ReapHolderAsync("dead", Ct));
        Assert.Equal(0, await Ledger.ReapHolderAsync("dead", Ct));

        Assert.Equal(LeaseState.Held, await Ledger.HeartbeatAsync(mine, null, Ct));
        Assert.Equal(WriteOutcome.LeaseLost, await Ledger.CommitAsync(dead, new WorkResult(), Ct));
        Assert.Equal([0, 2], (await Ledger.ClaimAsync(Claim(3, "mine"), Ct)).Select(lease => lease.Index));
    }
}
