// SPDX-License-Identifier: Apache-2.0
using Npgsql;
using Teravox.Grains.Ledger;
using Teravox.Silo.Local;
using Teravox.Testing;

namespace Teravox.Chaos.Tests;

/// <summary>The harness's own eyes: what a chaos run must notice is done here by hand, on a real server and real files.</summary>
public sealed class AuditTests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "teravox-audit-" + Guid.NewGuid().ToString("N")[..8]));
    private PrivatePostgres _server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Prerequisite.Require(ChaosRun.WhyMissing());
        _server = await PrivatePostgres.StartAsync(Path.Combine(_folder.FullName, "postgres"), ["fsync=off"], Ct);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Figures_WhenItemsAreDoneWrongly_SayWhatIsWrong()
    {
        await using var ledger = await Ledgers.OpenAsync(_server.Address, Ct);
        await ledger.MigrateAsync(Ct);
        await using var audit = new Audit(_server);
        await audit.InstallAsync(Ct);
        var experiment = await ledger.SubmitAsync(new NewExperiment("audit", "{}", [new NewStage("stage", "nothing", [])]), Ct);
        await ledger.ExpandAsync((await ledger.StagesAsync(experiment, Ct)).Single().Id, 4, Ct);
        Assert.Equal((false, true), await HeldAsync(audit));

        foreach (var lease in await ledger.ClaimAsync(new ClaimRequest("one", 4, TimeSpan.FromMinutes(5)), Ct))
            Assert.Equal(WriteOutcome.Written, await ledger.CommitAsync(lease, new WorkResult(), Ct));
        Assert.Equal((true, true), await HeldAsync(audit));

        await using var source = NpgsqlDataSource.Create(Connection());
        await SpoilAsync("UPDATE work_item SET epoch = epoch + 1 WHERE idx = 0", (false, false));
        await SpoilAsync("UPDATE work_item SET state = 'leased' WHERE idx = 1; UPDATE work_item SET state = 'done' WHERE idx = 1", (false, false));
        await SpoilAsync("DELETE FROM work_item WHERE idx = 2", (false, false));
        await SpoilAsync("UPDATE work_item SET result = 'another' WHERE idx = 3", (true, false));

        // In a transaction of its own that does not last, so that each fault is seen alone.
        async Task SpoilAsync(string sql, (bool Once, bool Unchanged) expected)
        {
            await using var connection = await source.OpenConnectionAsync(Ct);
            await using var turn = await connection.BeginTransactionAsync(Ct);
            await using (var command = new NpgsqlCommand(sql, connection, turn))
                await command.ExecuteNonQueryAsync(Ct);
            await using var figures = new NpgsqlCommand(Audit.Text("figures"), connection, turn);
            var found = new Dictionary<string, long>();
            await using (var reader = await figures.ExecuteReaderAsync(Ct))
            {
                while (await reader.ReadAsync(Ct))
                    found[reader.GetString(0)] = reader.GetInt64(1);
            }

            var checks = ChaosRun.OfItems(found);
            Assert.True(expected == (checks[0].Held, checks[1].Held), $"{sql}: {checks[0].Detail}; {checks[1].Detail}");
        }
    }

    [Fact]
    public void Files_WhenSomeDiffer_AreNamed()
    {
        var (single, many) = (_folder.CreateSubdirectory("single"), _folder.CreateSubdirectory("many"));
        foreach (var name in (string[])["same", "changed", "lost"])
            File.WriteAllText(Path.Combine(single.FullName, name), name);
        foreach (var (name, text) in ((string, string)[])[("same", "same"), ("changed", "chanqed"), ("invented", "")])
            File.WriteAllText(Path.Combine(many.FullName, name), text);

        Assert.Equal(
            ["lost is missing", "invented should not be there", "changed differs"],
            ResultFiles.Differences(ResultFiles.Of(single.FullName), ResultFiles.Of(many.FullName)));
        Assert.Empty(ResultFiles.Leftovers(many.FullName));

        File.WriteAllText(Path.Combine(many.FullName, Volumes.AtomicFile.TemporaryPrefix + "chunk"), "");
        Assert.Single(ResultFiles.Leftovers(many.FullName));
    }

    private static async Task<(bool Once, bool Unchanged)> HeldAsync(Audit audit)
    {
        var checks = ChaosRun.OfItems(await audit.FiguresAsync(Ct));
        return (checks[0].Held, checks[1].Held);
    }

    private string Connection() =>
        $"Host={_server.SocketFolder};Port={PrivatePostgres.Port};Username={PrivatePostgres.User};Database={PrivatePostgres.Database}";
}
