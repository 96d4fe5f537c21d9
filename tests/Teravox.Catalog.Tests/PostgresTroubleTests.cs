// SPDX-License-Identifier: Apache-2.0
using Npgsql;
using Teravox.Contracts;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;
using Teravox.Grains.Catalog.Postgres;
using Teravox.Testing;

namespace Teravox.Catalog.Tests;

/// <summary>What the catalog does when connections die, run out or fall silent.</summary>
public sealed class PostgresTroubleTests(PostgresServer server) : IAsyncLifetime
{
    private string _address = "";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Schema => PostgresAddress.Parse(_address).Schema!;

    public async ValueTask InitializeAsync() => _address = await server.NewAddressAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Calls_WhenThePoolIsSmall_WaitTheirTurn(int pool)
    {
        await using var catalog = await OpenAsync(pool);
        var id = await SubmitAsync(catalog);
        _ = catalog.WaitForNewsAsync(TimeSpan.FromMilliseconds(1), Ct);

        await Task.WhenAll(Enumerable.Range(0, 30).Select(i => Task.Run(
            async () =>
            {
                await catalog.RecordAsync(id, null, [Event($"{i}")], Ct);
                Assert.NotNull(await catalog.FindAsync(id, Ct));
            },
            Ct)));

        Assert.Equal(31, (await catalog.EventsAsync(id, 0, 100, Ct)).Count);
    }

    [Fact]
    public async Task Calls_WhenThePoolStaysBusy_SayThatTheDatabaseIsUnavailableAndTheHolderGoesOn()
    {
        await using var catalog = await OpenAsync(1);
        using var free = new ManualResetEventSlim();
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var reached = 0;
        var holding = Task.Run(
            async () =>
            {
                using var fault = new FaultScope(name =>
                {
                    if (name == "catalog.before-commit:submit" && Interlocked.Increment(ref reached) == 1)
                    {
                        held.SetResult();
                        free.Wait(Ct);
                    }
                });
                return await SubmitAsync(catalog);
            },
            Ct);
        await held.Task.WaitAsync(TimeSpan.FromSeconds(30), Ct);

        var error = await Assert.ThrowsAsync<DatabaseUnavailableException>(() => catalog.FindAsync(1, Ct));
        Assert.Contains("All 1 connections", error.Message, StringComparison.Ordinal);

        // Meanwhile the server gave up on the holder, who said nothing for so long: it does its transaction again.
        await UntilAsync(async () => await ConnectionsAsync() == 0, "the end of the idle transaction");
        free.Set();
        Assert.NotNull(await catalog.FindAsync(await holding, Ct));
        Assert.Equal(2, reached);
        Assert.Single(await catalog.EventsAsync(null, 0, 10, Ct));
    }

    [Fact]
    public async Task Calls_WhenTheirConnectionsAreKilled_AreRepeatedUntilEveryEventIsEnteredOnce()
    {
        const int Events = 60;
        await using var catalog = await OpenAsync();
        var id = await SubmitAsync(catalog);
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
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(
            async () =>
            {
                // All enter all, and each goes on until its call was answered.
                for (var n = 0; n < Events;)
                {
                    try
                    {
                        await catalog.RecordAsync(id, null, [Event($"{n}")], Ct);
                        n++;
                    }
                    catch (DatabaseUnavailableException)
                    {
                        Interlocked.Increment(ref broken);
                    }
                }
            },
            Ct)));
        await enough.CancelAsync();
        await killing;

        Assert.True(killed > 0 && broken > 0, $"{killed} connections were killed, {broken} calls broken: the test did not hit anything");
        var texts = (await catalog.EventsAsync(id, 0, 10_000, Ct)).Skip(1).Select(row => row.Text).ToList();
        Assert.Equal(Enumerable.Range(0, Events).Select(n => $"{n}").Order(StringComparer.Ordinal), texts.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Reads_WhenTheirConnectionsAreKilled_AreAnsweredAllTheSame()
    {
        await using var catalog = await OpenAsync(1);
        var id = await SubmitAsync(catalog);
        for (var round = 0; round < 5; round++)
        {
            Assert.Equal(1, await KillAsync($"teravox {Schema}", limit: 1));
            Assert.NotNull(await catalog.FindAsync(id, Ct));
        }
    }

    [Fact]
    public async Task Writes_WhenTheAnswerIsLostOnItsWay_TookEffectAndTheRepeatChangesNothing()
    {
        await using (await OpenAsync())
        {
        }

        await using var proxy = new PostgresProxy(_address);
        await using var catalog = await Catalogs.OpenAsync(proxy.Address, Ct);
        var id = await SubmitAsync(catalog);

        // As Npgsql sends it; a transaction begins with READ COMMITTED.
        var lost = proxy.LoseAnswerTo("COMMIT\0"u8.ToArray());
        await Assert.ThrowsAsync<DatabaseUnavailableException>(() => catalog.RecordAsync(id, ExperimentState.Succeeded, [Event("m")], Ct));
        await lost.WaitAsync(TimeSpan.FromSeconds(30), Ct);

        Assert.Equal(ExperimentState.Succeeded, (await catalog.FindAsync(id, Ct))!.State);
        await catalog.RecordAsync(id, ExperimentState.Succeeded, [Event("m")], Ct);
        Assert.Equal(["submitted", "log"], (await catalog.EventsAsync(id, 0, 10, Ct)).Select(row => row.Kind));
    }

    [Fact]
    public async Task Calls_WhenTheServerFallsSilent_SayThatItDoesNotAnswer()
    {
        await using (await OpenAsync())
        {
        }

        await using var proxy = new PostgresProxy(_address);
        await using var catalog = await Catalogs.OpenAsync(proxy.Address, Ct);
        var id = await SubmitAsync(catalog);
        proxy.Silence();

        var calls = new[] { catalog.FindAsync(id, Ct), catalog.RecordAsync(id, null, [Event("m")], Ct) };
        foreach (var call in calls)
        {
            var error = await Assert.ThrowsAsync<DatabaseUnavailableException>(() => call.WaitAsync(TimeSpan.FromSeconds(60), Ct));
            Assert.Contains("does not answer", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task WaitForNewsAsync_WhenAnotherProcessWrites_Returns()
    {
        await using var catalog = await OpenAsync();
        await using var other = await OpenAsync();
        for (var round = 0; round < 2; round++)
        {
            // A new listener rings once of itself; only a ring that comes from the other catalog ends the rounds' waits.
            _ = catalog.WaitForNewsAsync(TimeSpan.Zero, Ct);
            await UntilAsync(async () => await ListenersAsync() == 1, "a listener");
            var news = catalog.WaitForNewsAsync(TimeSpan.FromHours(1), Ct);
            await SubmitAsync(other);
            await news.WaitAsync(TimeSpan.FromSeconds(30), Ct);

            // The next round has a listener that was killed.
            Assert.Equal(1, await KillAsync($"teravox {Schema} listener", limit: 1));
        }
    }

    private static NewEvent Event(string mark) => new(mark, "log", null, mark);

    private static async Task<long> SubmitAsync(ICatalog catalog) =>
        Assert.Single(await catalog.SubmitAsync([new NewExperiment("e", "{}", [new NewStage("s", "kind", [])])], Ct));

    private static async Task UntilAsync(Func<Task<bool>> isSo, string what)
    {
        var begun = TimeProvider.System.GetTimestamp();
        while (!await isSo())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(begun) < TimeSpan.FromSeconds(30), $"{what} did not come");
            await Task.Delay(20, Ct);
        }
    }

    private Task<ICatalog> OpenAsync(int pool = 20) => Catalogs.OpenAsync(_address.Replace("pool=20", $"pool={pool}", StringComparison.Ordinal), Ct);

    private Task<long> ConnectionsAsync() => AskAsync("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", $"teravox {Schema}");

    private Task<long> ListenersAsync() =>
        AskAsync("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND query LIKE '%LISTEN%' AND state = 'idle'", $"teravox {Schema} listener");

    /// <summary>Ends connections of this test's catalogs and says how many.</summary>
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
