// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;
using Teravox.Silo.Local;

namespace Teravox.Catalog.Tests;

/// <summary>A server that goes away for a while, has few connections or refuses the user.</summary>
public sealed class PostgresRestartTests(PostgresRestartTests.Folder folder) : IClassFixture<PostgresRestartTests.Folder>
{
    private static readonly NewExperiment OneStage = new("e", "{}", [new NewStage("s", "kind", [])]);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Signals.Interrupt)]
    [InlineData(Signals.Quit)]
    public async Task Calls_WhenTheServerRestartsMeanwhile_NothingIsLostAndNothingIsThereTwice(int signal)
    {
        await using var server = await PostgresServer.StartOwnAsync(folder.Data, "synchronous_commit=on");
        await using var catalog = await Catalogs.OpenAsync($"{server.Address}&schema=restart{signal}", Ct);
        var id = Assert.Single(await catalog.SubmitAsync([OneStage], Ct));
        var (some, silent, stop) = (NewSignal(), NewSignal(), NewSignal());
        var entered = 0;
        var writing = Task.Run(
            async () =>
            {
                while (!stop.Task.IsCompleted)
                {
                    try
                    {
                        await catalog.RecordAsync(id, null, [new NewEvent($"{entered}", "log", null, $"{entered}")], Ct);
                        if (++entered == 20)
                            some.SetResult();
                    }
                    catch (DatabaseUnavailableException)
                    {
                        silent.TrySetResult();
                    }
                }
            },
            Ct);
        await some.Task.WaitAsync(TimeSpan.FromSeconds(30), Ct);

        await server.StopAsync(signal, Ct);
        await silent.Task.WaitAsync(TimeSpan.FromSeconds(30), Ct);
        await Assert.ThrowsAsync<DatabaseUnavailableException>(() => catalog.FindAsync(id, Ct));
        await server.StartAsync(Ct);
        await catalog.RecordAsync(id, ExperimentState.Succeeded, [], Ct);
        stop.SetResult();
        await writing;

        Assert.Equal(ExperimentState.Succeeded, (await catalog.FindAsync(id, Ct))!.State);
        Assert.Equal(Enumerable.Range(0, entered).Select(n => $"{n}"), (await catalog.EventsAsync(id, 0, 100_000, Ct)).Skip(1).Select(row => row.Text));
    }

    [Fact]
    public async Task Calls_WhenTheServerHasFewConnections_WaitTheirTurn()
    {
        await using var server = await PostgresServer.StartOwnAsync(folder.Data, "max_connections=6", "superuser_reserved_connections=0", "max_wal_senders=0");
        await using var catalog = await Catalogs.OpenAsync(server.Address + "&pool=50&schema=few", Ct);

        var ids = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => catalog.SubmitAsync([OneStage], Ct)));

        Assert.Equal(20, ids.SelectMany(all => all).Distinct().Count());
        Assert.Equal(20, (await catalog.ListAsync(new ExperimentQuery(), Ct)).Count);
    }

    [Fact]
    public async Task OpenAsync_WhenPasswordIsWrongOrServerIsDown_SaysWhich()
    {
        await using var server = await PostgresServer.StartOwnAsync(folder.Data);
        await server.StopAsync(Signals.Interrupt, Ct);
        var rules = folder.Data["postgres/data/pg_hba.conf"];
        await File.WriteAllTextAsync(rules, "local all all scram-sha-256\n", Ct);
        await server.StartAsync(Ct);

        var wrong = await Assert.ThrowsAsync<InputException>(
            () => Catalogs.OpenAsync(server.Address.Replace("teravox@", "teravox:s3cret@", StringComparison.Ordinal), Ct));
        Assert.Contains("refuses this user or password", wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", wrong.ToString(), StringComparison.Ordinal);

        await server.StopAsync(Signals.Interrupt, Ct);
        var down = await Assert.ThrowsAsync<DatabaseUnavailableException>(() => Catalogs.OpenAsync(server.Address, Ct));
        Assert.Contains("does not answer", down.Message, StringComparison.Ordinal);
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The folder of a server that is made once and started by each test with its own settings.</summary>
    public sealed class Folder : IDisposable
    {
        internal TempFolder Data { get; } = new();

        public void Dispose() => Data.Dispose();
    }
}
