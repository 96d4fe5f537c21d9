// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;
using Teravox.Grains.Ledger.Postgres;
using Teravox.Silo;

namespace Teravox.Ledger.Tests;

/// <summary>A silo's ordinary life, once more on PostgreSQL.</summary>
public sealed class PostgresSiloTests(PostgresServer server) : SiloHostTests
{
    private Task<string>? _address;

    private protected override async Task<ILedger> OpenAsync(TimeSpan? retryDelay = null, TimeSpan? busyTimeout = null) =>
        await PostgresLedger.OpenAsync(
            await (_address ??= server.NewGuardedAddressAsync()),
            new PostgresLedgerOptions { RetryDelay = retryDelay ?? TimeSpan.FromMilliseconds(5) },
            Ct);
}

/// <summary>Silos whose server goes away for a while.</summary>
public sealed class PostgresRestartTests(PostgresRestartTests.Folder folder) : IClassFixture<PostgresRestartTests.Folder>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Teravox.Silo.Local.Signals.Interrupt)]
    [InlineData(Teravox.Silo.Local.Signals.Quit)]
    public async Task RunAsync_WhenTheServerRestartsInMidRun_EveryItemCountsOnce(int signal)
    {
        const int Items = 60;

        // Items after these end only once the server is gone: else all could be done before it goes.
        const int Free = 20;
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = 0;
        await using var server = await PostgresServer.StartOwnAsync(folder.Data, "synchronous_commit=on");
        var options = new PostgresLedgerOptions { RetryDelay = TimeSpan.FromMilliseconds(5), TryFor = TimeSpan.FromMilliseconds(200) };
        await using var first = await PostgresLedger.OpenAsync($"{server.Address}&schema=restart{signal}", options, Ct);
        await using var second = await PostgresLedger.OpenAsync($"{server.Address}&schema=restart{signal}", options, Ct);
        var id = await first.SubmitAsync(new NewExperiment("e", "{}", [new NewStage("a", "kind", []), new NewStage("b", "kind", ["a"])]), Ct);

        SiloHost Silo(ILedger ledger) => new(
            ledger,
            [new TestGrain(async (_, ct) =>
            {
                if (Interlocked.Increment(ref begun) > Free)
                {
                    await gone.Task.WaitAsync(ct);
                }

                return new WorkResult(Sums: new Dictionary<string, long[]> { ["n"] = [1] });
            })],
            new TestPlanner(stage => stage.Name == "a" ? Items : 1),
            new SiloOptions(SiloOptions.NewName(), [new SiloDevice("cpu", 2, 1)]) { Poll = TimeSpan.FromMilliseconds(50), Ttl = TimeSpan.FromSeconds(6) });

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var (one, two) = (Silo(first), Silo(second));
        var (log, helpersLog) = (new SiloLog(one), new SiloLog(two));
        var helping = two.RunAsync(stop.Token);
        var running = one.RunToEndAsync(id, Ct);
        await Task.WhenAny(log.WaitAsync<ItemCommitted>(item => item.Done >= 10), helpersLog.WaitAsync<ItemCommitted>(item => item.Done >= 10));

        await server.StopAsync(signal, Ct);
        gone.SetResult();
        await log.WaitAsync<LedgerSilent>();
        await server.StartAsync(Ct);

        Assert.Equal(ExperimentState.Succeeded, await running.WaitAsync(TimeSpan.FromSeconds(90), Ct));
        await stop.CancelAsync();
        await helping;
        var stages = await first.StagesAsync(id, Ct);
        Assert.Equal([(Items, Items), (1, 1)], stages.Select(stage => (stage.Items, stage.Done)));
        Assert.Equal(new long[] { Items }, (await first.SumsAsync(stages[0].Id, Ct))["n"]);
    }

    [Fact]
    public async Task Calls_WhenTheServerHasFewConnections_WaitTheirTurn()
    {
        await using var server = await PostgresServer.StartOwnAsync(folder.Data, "max_connections=6", "superuser_reserved_connections=0", "max_wal_senders=0");
        await using var ledger = await PostgresLedger.OpenAsync(server.Address + "&pool=50&schema=few", new PostgresLedgerOptions { TryFor = TimeSpan.FromSeconds(30) }, Ct);

        var ids = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => ledger.SubmitAsync(new NewExperiment($"e{i}", "{}", [new NewStage("s", "kind", [])]), Ct)));

        Assert.Equal(40, ids.Distinct().Count());
        Assert.Equal(40, (await ledger.ListAsync(new ExperimentQuery(), Ct)).Count);
    }

    [Fact]
    public async Task OpenAsync_WhenPasswordIsWrongOrServerIsDown_SaysWhich()
    {
        await using var server = await PostgresServer.StartOwnAsync(folder.Data);
        await server.StopAsync(Teravox.Silo.Local.Signals.Interrupt, Ct);
        var rules = folder.Data["postgres/data/pg_hba.conf"];
        await File.WriteAllTextAsync(rules, "local all all scram-sha-256\n", Ct);
        await server.StartAsync(Ct);

        var wrong = await Assert.ThrowsAsync<Contracts.InputException>(
            () => Ledgers.OpenAsync(server.Address.Replace("teravox@", "teravox:s3cret@", StringComparison.Ordinal), Ct));
        Assert.Contains("refuses this user or password", wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", wrong.ToString(), StringComparison.Ordinal);

        await server.StopAsync(Teravox.Silo.Local.Signals.Interrupt, Ct);
        var down = await Assert.ThrowsAsync<LedgerUnavailableException>(() => PostgresLedger.OpenAsync(
            server.Address, new PostgresLedgerOptions { TryFor = TimeSpan.FromMilliseconds(300) }, Ct));
        Assert.Contains("does not answer", down.Message, StringComparison.Ordinal);
    }

    /// <summary>The folder of a server that is made once and started by each test with its own settings.</summary>
    public sealed class Folder : IDisposable
    {
        internal TempFolder Data { get; } = new();

        public void Dispose() => Data.Dispose();
    }
}
