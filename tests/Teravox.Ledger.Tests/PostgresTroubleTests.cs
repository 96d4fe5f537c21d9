// SPDX-License-Identifier: Apache-2.0
using Npgsql;
using Teravox.Grains.Ledger;
using Teravox.Grains.Ledger.Postgres;

namespace Teravox.Ledger.Tests;

/// <summary>What happens when many do the same at once, and when connections die or run out.</summary>
public sealed class PostgresTroubleTests(PostgresServer server) : IAsyncLifetime
{
    private static readonly TimeSpan Ttl = TimeSpan.FromMinutes(10);
    private static readonly WorkResult One = new(Sums: new Dictionary<string, long[]> { ["n"] = [1] });
    private string _address = "";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _address = await server.NewAddressAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task ClaimAsync_WhenEightClaimAtOnce_NoItemIsTakenTwice()
    {
        const int Items = 1500;
        await using var ledger = await OpenAsync();
        await ExpandAsync(ledger, await SubmitAsync(ledger), Items);

        var all = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(
            async () =>
            {
                await using var own = await OpenAsync();
                var taken = new List<WorkLease>();
                while (await own.ClaimAsync(new ClaimRequest($"silo-{i}", 1 + i, Ttl), Ct) is { Count: > 0 } leases)
                {
                    Assert.True(leases.Count <= 1 + i);
                    taken.AddRange(leases);
                }

                return taken;
            },
            Ct)));

        var claimed = all.SelectMany(taken => taken).ToList();
        Assert.Equal(Enumerable.Range(0, Items), claimed.Select(lease => lease.Index).Order());
        Assert.All(claimed, lease => Assert.Equal((1, 1), (lease.Attempt, lease.Epoch)));
    }

    [Fact]
    public async Task CommitAsync_WhenTheLastItemsOfStagesEndSideBySide_EveryStageEnds()
    {
        const int Stages = 60;
        const int Items = 4;
        await using var first = await OpenAsync();
        await using var second = await OpenAsync();
        var ids = new List<long>();
        for (var i = 0; i < Stages; i++)
        {
            ids.Add(await SubmitAsync(first));
            await ExpandAsync(first, ids[^1], Items);
        }

        var leases = new[] { await ClaimAsync(first, "a", Stages * Items / 2), await ClaimAsync(second, "b", Stages * Items) }.SelectMany(all => all).ToList();
        Assert.Equal(Stages * Items, leases.Count);

        // The items of one stage at the same moment, from two silos.
        foreach (var stage in leases.GroupBy(lease => lease.StageId))
        {
            var outcomes = await Task.WhenAll(stage.Select((lease, i) => Task.Run(() => (i % 2 == 0 ? first : second).CommitAsync(lease, One, Ct), Ct)));
            Assert.All(outcomes, outcome => Assert.Equal(WriteOutcome.Written, outcome));
            Assert.Equal(ExperimentState.Succeeded, (await first.FindAsync(stage.First().ExperimentId, Ct))!.State);
        }

        foreach (var id in ids)
        {
            Assert.Equal(["submitted", "expanded", "done", "succeeded"], (await first.EventsAsync(id, 0, 100, Ct)).Select(row => row.Kind));
        }
    }

    [Fact]
    public async Task ReapAsync_WhenTheLastCommitterDiedBeforeItEndedTheStage_EndsIt()
    {
        await using var ledger = await OpenAsync();
        var id = await SubmitAsync(ledger);
        await ExpandAsync(ledger, id, 1);
        var lease = Assert.Single(await ClaimAsync(ledger, "a", 1));
        using (FaultScope.Once("ledger.after-commit:commit", new LedgerUnavailableException("killed")))
        {
            await Assert.ThrowsAsync<LedgerUnavailableException>(() => ledger.CommitAsync(lease, One, Ct));
        }

        Assert.Equal(ExperimentState.Running, (await ledger.FindAsync(id, Ct))!.State);
        Assert.Equal(0, await ledger.ReapAsync(Ct));
        Assert.Equal(ExperimentState.Succeeded, (await ledger.FindAsync(id, Ct))!.State);
    }

    [Fact]
    public async Task CancelAsync_WhenOthersClaimAtThatMoment_NoLeaseIsLeft()
    {
        await using var ledger = await OpenAsync();
        for (var round = 0; round < 15; round++)
        {
            var id = await SubmitAsync(ledger);
            await ExpandAsync(ledger, id, 200);
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(Ct);
            var claims = Enumerable.Range(0, 4).Select(i => Task.Run(
                async () =>
                {
                    while (!enough.IsCancellationRequested && (await ClaimAsync(ledger, $"silo-{i}", 2)).Count > 0)
                    {
                    }
                },
                Ct)).ToList();
            await Task.Yield();

            Assert.True(await ledger.CancelAsync(id, Ct));

            Assert.Empty(await ledger.RunningAsync(id, Ct));
            await Task.WhenAll(claims);
            Assert.Empty(await ledger.RunningAsync(id, Ct));
        }
    }

    [Fact]
    public async Task ClaimAsync_WhenAnotherProcessPutAnItemBack_TheRestAndThatItemAreGiven()
    {
        await using var first = await OpenAsync();
        await using var second = await OpenAsync();
        await ExpandAsync(first, await SubmitAsync(first), 10);
        var held = await ClaimAsync(first, "a", 4);
        Assert.Equal([0, 1, 2, 3], held.Select(lease => lease.Index));
        Assert.Equal(WriteOutcome.Written, await second.ReleaseAsync(held[1], Ct));

        // Not told of it, the first goes on behind its last claim, and looks back when that is not enough.
        Assert.Equal([4, 5], (await ClaimAsync(first, "a", 2)).Select(lease => lease.Index));
        Assert.Equal([6, 7, 8, 9, 1], (await ClaimAsync(first, "a", 10)).Select(lease => lease.Index));
        Assert.Empty(await ClaimAsync(first, "a", 1));
    }

    [Fact]
    public async Task ClaimAsync_WhenThisProcessPutAnItemBack_ItIsTheNext()
    {
        await using var ledger = await OpenAsync();
        await ExpandAsync(ledger, await SubmitAsync(ledger), 10);
        var held = await ClaimAsync(ledger, "a", 4);
        Assert.Equal(WriteOutcome.Written, await ledger.ReleaseAsync(held[1], Ct));

        Assert.Equal([1, 4], (await ClaimAsync(ledger, "a", 2)).Select(lease => lease.Index));
    }

    [Fact]
    public void ClaimCursor_WhenSomethingCameBackDuringAClaim_TheNextLooksFromTheBeginning()
    {
        var cursor = new ClaimCursor();
        cursor.MoveTo(new(7, 5), cursor.Begin().Turn);
        var (from, turn) = cursor.Begin();
        Assert.Equal(new ClaimCursor.Place(7, 5), from);

        cursor.Reset();
        cursor.MoveTo(new(7, 9), turn);

        Assert.Equal(default, cursor.Begin().From);
    }

    [Fact]
    public void ClaimCursor_WhenClaimsEndOutOfOrder_StaysAtTheFarthest()
    {
        var cursor = new ClaimCursor();
        var turn = cursor.Begin().Turn;
        cursor.MoveTo(new(7, 9), turn);
        cursor.MoveTo(new(7, 5), turn);
        Assert.Equal(new ClaimCursor.Place(7, 9), cursor.Begin().From);
        cursor.MoveTo(new(8, 2), turn);
        Assert.Equal(new ClaimCursor.Place(8, 2), cursor.Begin().From);
    }

    [Fact]
    public async Task ExpandAsync_WhenManyExpandAtOnce_OneDoes()
    {
        await using var ledger = await OpenAsync();
        var id = await SubmitAsync(ledger);
        var stage = Assert.Single(await ledger.StagesAsync(id, Ct)).Id;

        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => ledger.ExpandAsync(stage, 500, Ct), Ct)));

        Assert.Single(answers, true);
        Assert.Equal(500, (await ClaimAsync(ledger, "a", 2000)).Count);
    }

    [Fact]
    public async Task SubmitAsync_WhenManySubmitTheSameKeyAtOnce_OneIsMade()
    {
        await using var ledger = await OpenAsync();
        NewExperiment Keyed(string key) => new("e", "{}", [new NewStage("s", "kind", [])], key);

        // In opposite orders, which makes deadlocks that are to be overcome.
        var ids = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(
            async () => (await ledger.SubmitAsync(i % 2 == 0 ? [Keyed("k"), Keyed("l")] : [Keyed("l"), Keyed("k")], Ct)).Order().ToList(), Ct)));

        Assert.All(ids, pair => Assert.Equal(ids[0], pair));
        Assert.Equal(2, (await ledger.ListAsync(new ExperimentQuery(), Ct)).Count);
    }

    [Fact]
    public async Task EventsAsync_WhenReadWhileManyWrite_ACursorMissesNone()
    {
        const int Items = 200;
        await using var ledger = await OpenAsync();
        var id = await SubmitAsync(ledger);
        await ExpandAsync(ledger, id, Items);
        var leases = await ClaimAsync(ledger, "a", Items);
        var writing = Parallel.ForEachAsync(
            leases,
            new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Ct },
            async (lease, ct) => await ledger.CommitAsync(lease, new WorkResult(Events: [$"item {lease.Index}"]), ct));

        var seen = new List<EventRow>();
        do
        {
            seen.AddRange(await ledger.EventsAsync(null, seen.Count == 0 ? 0 : seen[^1].Id, 7, Ct));
        }
        while (seen.Count == 0 || seen[^1].Kind != "succeeded");

        await writing;
        Assert.Equal(await ledger.EventsAsync(null, 0, 10_000, Ct), seen);
        Assert.Equal(Items, seen.Count(row => row.Kind == "log"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Calls_WhenThePoolIsSmall_WaitTheirTurn(int pool)
    {
        await using var ledger = await OpenAsync(pool);
        var id = await SubmitAsync(ledger);
        await ExpandAsync(ledger, id, 60);
        _ = ledger.WaitForHintAsync(TimeSpan.FromMilliseconds(1), Ct);

        await Task.WhenAll(Enumerable.Range(0, 30).Select(i => Task.Run(
            async () =>
            {
                foreach (var lease in await ClaimAsync(ledger, $"silo-{i}", 2))
                {
                    Assert.Equal(LeaseState.Held, await ledger.HeartbeatAsync(lease, null, Ct));
                    Assert.Equal(WriteOutcome.Written, await ledger.CommitAsync(lease, One, Ct));
                    Assert.NotNull(await ledger.FindAsync(id, Ct));
                }
            },
            Ct)));

        Assert.Equal(ExperimentState.Succeeded, (await ledger.FindAsync(id, Ct))!.State);
    }

    [Fact]
    public async Task CommitAsync_WhenTheServerGaveUpOnASlowClient_IsDoneAgainAndCountsOnce()
    {
        await using var ledger = await PostgresLedger.OpenAsync(_address, new PostgresLedgerOptions { IdleInTransactionTimeout = TimeSpan.FromMilliseconds(300) }, Ct);
        var id = await SubmitAsync(ledger);
        await ExpandAsync(ledger, id, 1);
        var lease = Assert.Single(await ClaimAsync(ledger, "a", 1));
        var slow = 0;
        using (new FaultScope(point =>
        {
            if (point == "ledger.before-commit:commit" && Interlocked.Increment(ref slow) == 1)
                UntilGivenUpAsync().GetAwaiter().GetResult();
        }))
        {
            Assert.Equal([WriteOutcome.Written], await ledger.CommitAsync([new WorkCommit(lease, One)], Ct));
        }

        Assert.Equal(2, slow);
        Assert.Equal(1, Assert.Single((await ledger.SumsAsync(lease.StageId, Ct))["n"]));

        async Task UntilGivenUpAsync()
        {
            while (await AskAsync("SELECT count(*) FROM pg_sleep(0.05), pg_stat_activity WHERE application_name = $1 AND state = 'idle in transaction'", $"teravox {Schema}") > 0)
            {
            }
        }
    }

    [Fact]
    public async Task Calls_WhenThePoolStaysBusy_SayThatTheLedgerIsUnavailable()
    {
        await using var ledger = await PostgresLedger.OpenAsync(
            Pool(1), new PostgresLedgerOptions { ConnectTimeout = TimeSpan.FromSeconds(1), TryFor = TimeSpan.Zero }, Ct);
        using var free = new ManualResetEventSlim();
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var holding = Task.Run(
            async () =>
            {
                using var fault = new FaultScope(name =>
                {
                    if (name == "ledger.before-commit:submit")
                    {
                        held.SetResult();
                        free.Wait(Ct);
                    }
                });
                return await SubmitAsync(ledger);
            },
            Ct);
        await held.Task.WaitAsync(TimeSpan.FromSeconds(30), Ct);

        var error = await Assert.ThrowsAsync<LedgerUnavailableException>(() => ledger.FindAsync(1, Ct));

        Assert.Contains("All 1 connections", error.Message, StringComparison.Ordinal);
        free.Set();
        await holding;
    }

    [Fact]
    public async Task Calls_WhenTheirConnectionsAreKilled_AreRepeatedUntilEveryItemCountsOnce()
    {
        const int Items = 400;
        await using var ledger = await OpenAsync();
        var id = await ledger.SubmitAsync(new NewExperiment("e", "{}", [new NewStage("s", "kind", [], MaxDeaths: 1000)]), Ct);
        await ExpandAsync(ledger, id, Items);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var killed = 0;
        var killing = Task.Run(
            async () =>
            {
                while (!enough.IsCancellationRequested)
                {
                    killed += await KillAsync($"teravox {Schema}", limit: 3);
                    await Task.Delay(5, Ct);
                }
            },
            Ct);

        var broken = 0;
        async Task<T> Repeat<T>(Func<Task<T>> call)
        {
            while (true)
            {
                try
                {
                    return await call();
                }
                catch (LedgerUnavailableException)
                {
                    Interlocked.Increment(ref broken);
                }
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 6).Select(i => Task.Run(
            async () =>
            {
                while (true)
                {
                    var leases = await Repeat(() => ClaimAsync(ledger, $"silo-{i}", 3));
                    foreach (var lease in leases)
                    {
                        // A lease may be lost to the reaping below; then the item is another's.
                        await Repeat(() => ledger.CommitAsync(lease, One, Ct));
                    }

                    if (leases.Count == 0)
                    {
                        // Claims whose answers were lost: nobody knows of these leases.
                        await Repeat(() => ledger.ReapOthersAsync("nobody", Ct));
                        if ((await Repeat(() => ledger.FindAsync(id, Ct)))!.State != ExperimentState.Running)
                        {
                            return;
                        }
                    }
                }
            },
            Ct)));
        await enough.CancelAsync();
        await killing;

        Assert.True(killed > 0 && broken > 0, $"{killed} connections were killed, {broken} calls broken: the test did not hit anything");
        var stage = Assert.Single(await Repeat(() => ledger.StagesAsync(id, Ct)));
        Assert.Equal((StageState.Done, Items), (stage.State, stage.Done));
        Assert.Equal(new long[] { Items }, (await ledger.SumsAsync(stage.Id, Ct))["n"]);
    }

    [Fact]
    public async Task WaitForHintAsync_WhenTheListenerIsKilled_ListensAgain()
    {
        await using var ledger = await OpenAsync();
        await using var other = await OpenAsync();
        for (var round = 0; round < 2; round++)
        {
            // The first ring of a new listener is its own; only one that comes from the other ledger ends the rounds' waits.
            _ = ledger.WaitForHintAsync(TimeSpan.Zero, Ct);
            await UntilAsync(async () => await ListenersAsync() == 1, "a listener");
            var hint = ledger.WaitForHintAsync(TimeSpan.FromHours(1), Ct);
            await SubmitAsync(other);
            await hint.WaitAsync(TimeSpan.FromSeconds(30), Ct);
            Assert.Equal(1, await KillAsync($"teravox {Schema} listener", limit: 1));
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo, string what)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        while (!await isSo())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(deadline) < TimeSpan.FromSeconds(30), $"{what} did not come");
            await Task.Delay(20, Ct);
        }
    }

    private static Task<long> SubmitAsync(ILedger ledger) => ledger.SubmitAsync(new NewExperiment("e", "{}", [new NewStage("s", "kind", [])]), Ct);

    private static async Task ExpandAsync(ILedger ledger, long id, int count) =>
        Assert.True(await ledger.ExpandAsync(Assert.Single(await ledger.StagesAsync(id, Ct)).Id, count, Ct));

    private static Task<IReadOnlyList<WorkLease>> ClaimAsync(ILedger ledger, string holder, int slots) =>
        ledger.ClaimAsync(new ClaimRequest(holder, slots, Ttl), Ct);

    private string Schema => PostgresAddress.Parse(_address).Schema!;

    private string Pool(int pool) => _address.Replace("pool=20", $"pool={pool}", StringComparison.Ordinal);

    private Task<PostgresLedger> OpenAsync(int pool = 20) => PostgresLedger.OpenAsync(Pool(pool), ct: Ct);

    private Task<long> ListenersAsync() =>
        AskAsync("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND query LIKE '%LISTEN%' AND state = 'idle'", $"teravox {Schema} listener");

    /// <summary>Ends connections of this test's ledgers and says how many.</summary>
    private async Task<int> KillAsync(string application, int limit) => (int)await AskAsync(
        $"SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE application_name = $1 ORDER BY random() LIMIT {limit}) a",
        application);

    private async Task<long> AskAsync(string sql, string application)
    {
        var address = PostgresAddress.Parse(_address).Connection;
        address.Pooling = false;
        await using var connection = new NpgsqlConnection(address.ConnectionString);
        await connection.OpenAsync(Ct);
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new NpgsqlParameter { Value = application } } };
        return (long)(await command.ExecuteScalarAsync(Ct))!;
    }
}
