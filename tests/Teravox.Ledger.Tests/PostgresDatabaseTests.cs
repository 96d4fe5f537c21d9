// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Teravox.Contracts;
using Teravox.Grains.Ledger;
using Teravox.Grains.Ledger.Postgres;

namespace Teravox.Ledger.Tests;

/// <summary>What concerns PostgreSQL's database and not the rules all ledgers share.</summary>
public sealed class PostgresDatabaseTests(PostgresServer server) : IAsyncLifetime
{
    private static readonly NewExperiment OneStage = new("e", "{}", [new NewStage("s", "kind", [])]);
    private string _address = "";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _address = await server.NewAddressAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task OpenAsync_WhenManyOpenANewDatabaseAtOnce_OneMigrates()
    {
        var ledgers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => OpenAsync(), Ct)));

        Assert.Equal(PostgresMigrations.Newest, await ScalarAsync<long>("SELECT count(*) FROM teravox_schema"));
        foreach (var ledger in ledgers)
        {
            await ledger.SubmitAsync(OneStage, Ct);
            await ledger.MigrateAsync(Ct);
            await ledger.DisposeAsync();
        }
    }

    [Fact]
    public async Task OpenAsync_WhenSchemaIsNewer_AsksForANewerTeravox()
    {
        await (await OpenAsync()).DisposeAsync();
        await ExecuteAsync("INSERT INTO teravox_schema (version, applied) VALUES (4711, 0)");

        var error = await Assert.ThrowsAsync<InputException>(OpenAsync);

        Assert.Contains("4711", error.Message, StringComparison.Ordinal);
        Assert.Contains("newer teravox", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAsync_WhenTheSchemaIsSomeoneElses_LeavesItAlone()
    {
        var schema = PostgresAddress.Parse(_address).Schema;
        await ExecuteAsync($"CREATE SCHEMA {schema}; CREATE TABLE {schema}.theirs (x integer)");

        var error = await Assert.ThrowsAsync<InputException>(OpenAsync);

        Assert.Contains("not a teravox ledger", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAsync_WhenTheDatabaseIsMissing_SaysSo()
    {
        var error = await Assert.ThrowsAsync<InputException>(
            () => Ledgers.OpenAsync(_address.Replace("/teravox?", "/nothing_here?", StringComparison.Ordinal), Ct));

        Assert.Contains("no database", error.Message, StringComparison.Ordinal);
        Assert.Contains("nothing_here", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ItemsClaim_WhenManyItemsWaitAndManyAreDone_WalksTheIndexInClaimOrder()
    {
        const int Items = 200_000;
        await using var ledger = await OpenAsync();
        var stage = await ExpandAsync(ledger, Items);
        await ExecuteAsync(
            string.Create(CultureInfo.InvariantCulture, $"UPDATE work_item SET state = 'done', ended = 0 WHERE idx < {Items / 2}"));

        // Once without statistics and once with them.
        foreach (var analyze in new[] { false, true })
        {
            if (analyze)
            {
                await ExecuteAsync("ANALYZE work_item");
            }

            var plan = await ExplainAsync(PostgresTexts.ItemsClaim, "silo", 4, 30_000L, true, 0L, Array.Empty<string>(), new[] { "kind" }, null, null, 0L, 0);

            Assert.Contains("Index Scan using work_item_in_claim_order on work_item w", plan, StringComparison.Ordinal);
            Assert.Contains("Index Scan using work_item_pkey on work_item w", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("Seq Scan on work_item", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("Bitmap", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("Sort Key: w.idx", plan, StringComparison.Ordinal);

            // Both ways the rows of the claim alone are touched, not those that wait behind them.
            Assert.DoesNotMatch(@"work_item w.*rows=\d{3,}", plan);
        }

        Assert.Equal(Items / 2, Assert.Single(await ledger.ClaimAsync(new ClaimRequest("a", 1, TimeSpan.FromMinutes(1)), Ct)).Index);
        Assert.Equal(stage, Assert.Single(await ledger.WaitingStagesAsync(Ct)).Id);
    }

    [Fact]
    public async Task ItemsCommit_WhenNoneWasLeasedAtTheLastCount_FindsItemsByTheirIds()
    {
        await using var ledger = await OpenAsync();
        await ExpandAsync(ledger, 2000);
        await ExecuteAsync("VACUUM ANALYZE work_item");
        var leases = await ledger.ClaimAsync(new ClaimRequest("a", 64, TimeSpan.FromMinutes(1)), Ct);

        var plan = await ExplainAsync(
            PostgresTexts.ItemsCommit,
            new NpgsqlParameter("items", leases.Select(lease => lease.ItemId).ToArray()),
            new NpgsqlParameter("epochs", leases.Select(lease => lease.Epoch).ToArray()),
            new NpgsqlParameter("holders", leases.Select(lease => lease.Holder).ToArray()),
            new NpgsqlParameter("results", leases.Select(_ => "{}").ToArray()),
            new NpgsqlParameter("given", NpgsqlDbType.Bigint) { Value = DBNull.Value });

        Assert.Contains("Index Scan using work_item_pkey on work_item i", plan, StringComparison.Ordinal);
        Assert.Contains("Index Cond: (id = ANY", plan, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"Rows Removed by Filter: [1-9]", plan);
        Assert.DoesNotContain("work_item_leased", plan, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SumsAsync_WhenTheWholeLeaves64Bits_SaysSo()
    {
        await using var first = await OpenAsync();
        var stage = await ExpandAsync(first, 2);
        await using var second = await OpenAsync();
        var leases = await first.ClaimAsync(new ClaimRequest("a", 2, TimeSpan.FromMinutes(1)), Ct);
        var most = new WorkResult(Sums: new Dictionary<string, long[]> { ["n"] = [long.MaxValue] });

        // In one part the commit says it, in two the reader.
        async Task BothAsync()
        {
            await first.CommitAsync(leases[0], most, Ct);
            await second.CommitAsync(leases[1], most, Ct);
            await first.SumsAsync(stage, Ct);
        }

        var error = await Assert.ThrowsAsync<InvalidOperationException>(BothAsync);
        Assert.Contains("64 bits", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PostgresTexts_WhenComparedWithTheFiles_EachFileHasOneNameAndIsUsed()
    {
        var names = typeof(PostgresTexts).GetProperties().Where(property => property.PropertyType == typeof(string)).Select(property => property.Name).ToList();
        var folder = Path.Combine(typeof(PostgresDatabaseTests).Assembly.GetCustomAttributes(false).OfType<System.Reflection.AssemblyMetadataAttribute>().Single(data => data.Key == "RepoRoot").Value!, "grains", "ledger", "postgres");
        var code = string.Concat(Directory.GetFiles(folder, "*.cs").Select(File.ReadAllText));

        Assert.Equal(SqlFiles.Names("postgres").Order(), names.Select(SqlFiles.NameOf).Order());
        Assert.Equal(Enumerable.Range(1, PostgresTexts.Migrations.Count), PostgresTexts.Migrations.Select(migration => migration.Version));
        Assert.All(names, name => Assert.Matches($@"PostgresTexts\.{name}\b", code));
    }

    private static async Task<long> ExpandAsync(ILedger ledger, int count)
    {
        var stage = Assert.Single(await ledger.StagesAsync(await ledger.SubmitAsync(OneStage, Ct), Ct)).Id;
        Assert.True(await ledger.ExpandAsync(stage, count, Ct));
        return stage;
    }

    private Task<PostgresLedger> OpenAsync() => PostgresLedger.OpenAsync(_address, ct: Ct);

    /// <summary>The plan of a statement that really runs, and is then undone, under the ledger's own settings.</summary>
    private async Task<string> ExplainAsync(string sql, params object?[] parameters)
    {
        await using var connection = await ConnectAsync();
        await using var transaction = await connection.BeginTransactionAsync(Ct);
        await using var command = new NpgsqlCommand("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + sql, connection);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter as NpgsqlParameter ?? (parameter is null
                ? new NpgsqlParameter { NpgsqlDbType = command.Parameters.Count == 6 ? NpgsqlDbType.Array | NpgsqlDbType.Text : NpgsqlDbType.Bigint, Value = DBNull.Value }
                : new NpgsqlParameter { Value = parameter }));
        }

        var plan = new List<string>();
        await using var reader = await command.ExecuteReaderAsync(Ct);
        while (await reader.ReadAsync(Ct))
        {
            plan.Add(reader.GetString(0));
        }

        return string.Join('\n', plan);
    }

    private async Task<NpgsqlConnection> ConnectAsync()
    {
        var address = PostgresAddress.Parse(_address);
        PostgresLedger.Configure(address, new PostgresLedgerOptions { StatementTimeout = TimeSpan.FromMinutes(5) });
        address.Connection.Pooling = false;
        var connection = new NpgsqlConnection(address.Connection.ConnectionString);
        await connection.OpenAsync(Ct);
        return connection;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = await ConnectAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Ct);
    }

    private async Task<T> ScalarAsync<T>(string sql)
    {
        await using var connection = await ConnectAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(Ct))!;
    }
}
