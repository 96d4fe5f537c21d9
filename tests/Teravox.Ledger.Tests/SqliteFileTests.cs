// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Teravox.Contracts;
using Teravox.Grains.Ledger;
using Teravox.Grains.Ledger.Sqlite;

namespace Teravox.Ledger.Tests;

/// <summary>What concerns SQLite's file and not the rules all ledgers share.</summary>
public sealed class SqliteFileTests : IDisposable
{
    private static readonly NewExperiment OneStage = new("e", "{}", [new NewStage("s", "kind", [])]);
    private readonly TempFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string FilePath => _folder["ledger.db"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task OpenAsync_WhenOpenedAgain_EverythingIsStillThere()
    {
        long id;
        await using (var ledger = await OpenAsync())
        {
            id = await ledger.SubmitAsync(OneStage, Ct);
            await ledger.MigrateAsync(Ct);
        }

        await using var again = await OpenAsync();
        Assert.Equal("e", (await again.FindAsync(id, Ct))!.Name);
    }

    [Fact]
    public async Task CommitAsync_WhenACountLeaves64Bits_WritesNothingOfIt()
    {
        await using var ledger = await OpenAsync();
        var id = await ledger.SubmitAsync(OneStage, Ct);
        var stage = Assert.Single(await ledger.StagesAsync(id, Ct)).Id;
        await ledger.ExpandAsync(stage, 2, Ct);
        var leases = await ledger.ClaimAsync(new ClaimRequest("a", 2, TimeSpan.FromMinutes(1)), Ct);
        WorkResult Counts(long count) => new(Sums: new Dictionary<string, long[]> { ["n"] = [count] });
        await ledger.CommitAsync(leases[0], Counts(long.MaxValue), Ct);

        await Assert.ThrowsAsync<InvalidOperationException>(() => ledger.CommitAsync(leases[1], Counts(1), Ct));

        Assert.Equal(new long[] { long.MaxValue }, (await ledger.SumsAsync(stage, Ct))["n"]);
        Assert.Equal(WriteOutcome.Written, await ledger.CommitAsync(leases[1], Counts(-1), Ct));
    }

    [Fact]
    public async Task OpenAsync_WhenManyOpenANewFileAtOnce_OneMigrates()
    {
        var ledgers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(OpenAsync, Ct)));

        Assert.Equal(SqliteMigrations.Newest, Query<long>("SELECT count(*) FROM schema_version"));
        foreach (var ledger in ledgers)
        {
            await ledger.SubmitAsync(OneStage, Ct);
            await ledger.DisposeAsync();
        }
    }

    [Fact]
    public async Task OpenAsync_WhenTheFileIsOfTheFirstVersion_KeepsWhatItHasAndGoesOn()
    {
        Execute($"""
            PRAGMA application_id = {0x5456584C};
            {SqlTexts.SchemaVersionTable};
            {SqlTexts.Migrations[0].Text}
            INSERT INTO schema_version (version, applied) VALUES (1, 0);
            INSERT INTO experiment (name, spec, state, priority, created) VALUES ('old', '[]', 'running', 100, 0);
            INSERT INTO stage (experiment_id, ordinal, name, kind, needs_gpu, needs_memory, max_failures, max_deaths, state)
            VALUES (1, 0, 's', 'kind', 0, 0, 3, 5, 'ready');
            """);

        await using var ledger = await OpenAsync();

        var old = Assert.Single(await ledger.ListAsync(new ExperimentQuery(), Ct));
        Assert.Equal(("old", null, null, null), (old.Name, old.Owner, old.Campaign, old.ParametersJson));
        var stage = Assert.Single(await ledger.ReadyStagesAsync(Ct));
        Assert.True(await ledger.ExpandAsync(stage.Id, 1, Ct));
        Assert.True(await ledger.BlockAsync(stage.Id, "no silo", Ct));
        Assert.Equal(SqliteMigrations.Newest, Query<long>("SELECT max(version) FROM schema_version"));
    }

    [Fact]
    public async Task OpenAsync_WhenSchemaIsNewer_AsksForANewerTeravox()
    {
        await (await OpenAsync()).DisposeAsync();
        Execute("INSERT INTO schema_version (version, applied) VALUES (4711, 0)");

        var error = await Assert.ThrowsAsync<InputException>(OpenAsync);

        Assert.Contains(FilePath, error.Message, StringComparison.Ordinal);
        Assert.Contains("4711", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAsync_WhenDatabaseIsAnothers_LeavesItAlone()
    {
        Execute("CREATE TABLE theirs (a)");

        var error = await Assert.ThrowsAsync<InputException>(OpenAsync);

        Assert.Contains("not a teravox ledger", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, Query<long>("SELECT count(*) FROM sqlite_schema"));
    }

    [Fact]
    public async Task OpenAsync_WhenFileIsNoDatabase_SaysSo()
    {
        await File.WriteAllTextAsync(FilePath, string.Concat(Enumerable.Repeat("not a database ", 500)), Ct);

        var error = await Assert.ThrowsAsync<InputException>(OpenAsync);

        Assert.Contains(FilePath, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAsync_WhenFolderIsMissing_SaysSo()
    {
        var error = await Assert.ThrowsAsync<InputException>(() => SqliteLedger.OpenAsync(_folder["no/such/ledger.db"], ct: Ct));

        Assert.Contains("directory", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Writes_WhenAnotherProcessHoldsTheFile_AreUnavailableAndReadsGoOn()
    {
        await using var ledger = await SqliteLedger.OpenAsync(FilePath, new SqliteLedgerOptions { BusyTimeout = TimeSpan.FromMilliseconds(50) }, Ct);
        var id = await ledger.SubmitAsync(OneStage, Ct);
        using (var other = Connect())
        {
            using var transaction = other.BeginTransaction();

            var error = await Assert.ThrowsAsync<LedgerUnavailableException>(() => ledger.PauseAsync(id, Ct));

            Assert.Contains(FilePath, error.Message, StringComparison.Ordinal);
            Assert.Equal(ExperimentState.Running, (await ledger.FindAsync(id, Ct))!.State);
        }

        Assert.True(await ledger.PauseAsync(id, Ct));
    }

    [Fact]
    public async Task Writes_WhenDiskIsFull_NameTheFileAndKeepWhatWasCommitted()
    {
        using var disk = TinyDisk.Mount(_folder["disk"]);
        var path = Path.Combine(_folder["disk"], "ledger.db");
        await using var ledger = await SqliteLedger.OpenAsync(path, ct: Ct);
        var id = await ledger.SubmitAsync(OneStage, Ct);
        var stage = Assert.Single(await ledger.StagesAsync(id, Ct));

        var error = await Assert.ThrowsAsync<InputException>(() => ledger.ExpandAsync(stage.Id, 1_000_000, Ct));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Equal(StageState.Ready, Assert.Single(await ledger.StagesAsync(id, Ct)).State);
        Assert.True(await ledger.ExpandAsync(stage.Id, 10, Ct));
    }

    [Fact]
    public async Task ClaimAsync_WhenStageHasAMillionItems_TakesTheFirstAndCommitsCount()
    {
        const int Million = 1_000_000;
        await using var ledger = await OpenAsync();
        var id = await ledger.SubmitAsync(OneStage, Ct);
        var stageId = Assert.Single(await ledger.StagesAsync(id, Ct)).Id;
        var watch = Stopwatch.StartNew();
        Assert.True(await ledger.ExpandAsync(stageId, Million, Ct));
        var expand = watch.Elapsed;

        var times = new List<double>();
        for (var round = 0; round < 200; round++)
        {
            watch.Restart();
            var lease = Assert.Single(await ledger.ClaimAsync(new ClaimRequest("h", 1, TimeSpan.FromMinutes(1)), Ct));
            Assert.Equal(round, lease.Index);
            Assert.Equal(WriteOutcome.Written, await ledger.CommitAsync(lease, new WorkResult(), Ct));
            times.Add(watch.Elapsed.TotalMilliseconds);
        }

        times.Sort();
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"expand {expand.TotalSeconds:F2} s, claim + commit median {times[100]:F2} ms, p99 {times[197]:F2} ms");
        var stage = Assert.Single(await ledger.StagesAsync(id, Ct));
        Assert.Equal((Million, 200, 0), (stage.Items, stage.Done, stage.Leased));
        Assert.Equal(200, Query<long>("SELECT count(*) FROM work_item WHERE state = 'done'"));
    }

    [Fact]
    public async Task ItemsClaim_WhenPlanned_WalksTheIndexesInClaimOrder()
    {
        await (await OpenAsync()).DisposeAsync();
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = "EXPLAIN QUERY PLAN " + SqlTexts.ItemsClaim;
        foreach (var name in new[] { "holder", "slots", "ttl", "hasGpu", "memory", "tags", "kinds", "experimentId", "now" })
        {
            command.Parameters.AddWithValue(name, DBNull.Value);
        }

        var plan = new List<string>();
        using var reader = await command.ExecuteReaderAsync(Ct);
        while (await reader.ReadAsync(Ct))
        {
            plan.Add(reader.GetString(3));
        }

        Assert.Contains(plan, line => line.Contains("experiment_in_claim_order", StringComparison.Ordinal));
        Assert.Contains(plan, line => line.StartsWith("SEARCH s USING INDEX", StringComparison.Ordinal));
        Assert.Contains(plan, line => line.Contains("work_item_in_claim_order", StringComparison.Ordinal));
        Assert.DoesNotContain(plan, line => line.Contains("TEMP B-TREE", StringComparison.Ordinal));
        Assert.DoesNotContain(plan, line => line.StartsWith("SCAN i", StringComparison.Ordinal) || line.StartsWith("SCAN work_item", StringComparison.Ordinal));
    }

    [Fact]
    public void SqlTexts_WhenComparedWithTheFiles_EachFileHasOneName()
    {
        var names = typeof(SqlTexts).GetProperties().Where(property => property.PropertyType == typeof(string)).Select(property => property.Name).ToList();

        Assert.Equal(SqlFiles.Names("sqlite").Order(), names.Select(SqlFiles.NameOf).Order());
        Assert.Equal(Enumerable.Range(1, SqlTexts.Migrations.Count), SqlTexts.Migrations.Select(migration => migration.Version));
    }

    [Fact]
    public void SqlTexts_WhenComparedWithTheCode_EachIsUsed()
    {
        var folder = Path.Combine(typeof(SqliteFileTests).Assembly.GetCustomAttributes(false).OfType<System.Reflection.AssemblyMetadataAttribute>().Single(data => data.Key == "RepoRoot").Value!, "grains", "ledger", "sqlite");
        var code = string.Concat(Directory.GetFiles(folder, "*.cs").Select(File.ReadAllText));

        foreach (var property in typeof(SqlTexts).GetProperties())
        {
            Assert.Matches($@"SqlTexts\.{property.Name}\b", code);
        }
    }

    private Task<SqliteLedger> OpenAsync() => SqliteLedger.OpenAsync(FilePath, ct: Ct);

    private SqliteConnection Connect()
    {
        var connection = new SqliteConnection($"Data Source={FilePath};Pooling=false");
        connection.Open();
        return connection;
    }

    private void Execute(string sql)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private T Query<T>(string sql)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (T)command.ExecuteScalar()!;
    }
}
