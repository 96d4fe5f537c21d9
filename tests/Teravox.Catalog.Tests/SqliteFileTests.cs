// SPDX-License-Identifier: Apache-2.0
using Microsoft.Data.Sqlite;
using Teravox.Contracts;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;

namespace Teravox.Catalog.Tests;

/// <summary>What concerns SQLite's file and not the rules all catalogs share.</summary>
public sealed class SqliteFileTests : IDisposable
{
    private static readonly NewExperiment OneStage = new("e", "{}", [new NewStage("s", "kind", [])]);
    private readonly TempFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string FilePath => _folder["teravox.db"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task OpenAsync_WhenOpenedAgain_EverythingIsStillThere()
    {
        long id;
        await using (var catalog = await OpenAsync())
        {
            id = Assert.Single(await catalog.SubmitAsync([OneStage], Ct));
            await catalog.MigrateAsync(Ct);
        }

        await using var again = await OpenAsync();
        Assert.Equal("e", (await again.FindAsync(id, Ct))!.Name);
        Assert.Single(await again.EventsAsync(id, 0, 10, Ct));
    }

    [Fact]
    public async Task OpenAsync_WhenManyOpenANewFileAtOnce_OneMigrates()
    {
        var catalogs = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => OpenAsync(), Ct)));

        Assert.Equal(SqlTexts.Sqlite.Newest, Query<long>("SELECT count(*) FROM schema_version"));
        foreach (var catalog in catalogs)
        {
            await catalog.SubmitAsync([OneStage], Ct);
            await catalog.DisposeAsync();
        }
    }

    [Fact]
    public async Task OpenAsync_WhenSchemaIsNewer_AsksForANewerTeravox()
    {
        await (await OpenAsync()).DisposeAsync();
        Execute("INSERT INTO schema_version (version, applied) VALUES (4711, 0)");

        await RefusesItAsync("version 4711", "use a newer Teravox");
    }

    [Fact]
    public async Task OpenAsync_WhenTheFileIsOfTheTimeBeforeOrleans_LeavesItAlone()
    {
        // Its mark alone, as where the process died right after it, and the mark with tables.
        Execute($"PRAGMA application_id = {0x5456584C}");
        await RefusesItAsync("of an older Teravox", "choose another folder");
        Execute("CREATE TABLE work_item (id INTEGER)");
        await RefusesItAsync("of an older Teravox", "choose another folder");

        Assert.Equal(1, Query<long>("SELECT count(*) FROM sqlite_schema"));
        Assert.Equal(0x5456584C, Query<long>("PRAGMA application_id"));
    }

    [Theory]
    [InlineData("CREATE TABLE theirs (a)", 1)]
    [InlineData("PRAGMA application_id = 7", 0)]
    public async Task OpenAsync_WhenDatabaseIsAnothers_LeavesItAlone(string sql, long tables)
    {
        Execute(sql);

        await RefusesItAsync("not one of Teravox");

        Assert.Equal(tables, Query<long>("SELECT count(*) FROM sqlite_schema"));
    }

    [Fact]
    public async Task OpenAsync_WhenFileIsNoDatabase_SaysSo()
    {
        await File.WriteAllTextAsync(FilePath, string.Concat(Enumerable.Repeat("not a database ", 500)), Ct);

        await RefusesItAsync("not a database of Teravox");
    }

    [Fact]
    public async Task OpenAsync_WhenFolderIsMissing_SaysSo() => await RefusesAsync(_folder["no/such/teravox.db"], "directory");

    [Fact]
    public async Task OpenAsync_WhenTheDiskIsReadOnly_SaysSo()
    {
        using var disk = TinyDisk.Mount(_folder["disk"]);
        var path = _folder["disk/teravox.db"];
        await (await OpenAsync(path)).DisposeAsync();
        disk.MakeReadOnly();

        await RefusesAsync(path, "writ");
    }

    [Fact]
    public async Task Writes_WhenAnotherProcessHoldsTheFile_AreUnavailableAndReadsGoOn()
    {
        await using var catalog = await OpenAsync();
        var id = Assert.Single(await catalog.SubmitAsync([OneStage], Ct));
        using (var other = Connect())
        {
            using var transaction = other.BeginTransaction();

            var error = await Assert.ThrowsAsync<DatabaseUnavailableException>(() => catalog.RecordAsync(id, ExperimentState.Paused, [], Ct));

            Assert.Contains(FilePath, error.Message, StringComparison.Ordinal);
            Assert.Equal(ExperimentState.Running, (await catalog.FindAsync(id, Ct))!.State);
        }

        await catalog.RecordAsync(id, ExperimentState.Paused, [], Ct);
        Assert.Equal(ExperimentState.Paused, (await catalog.FindAsync(id, Ct))!.State);
    }

    [Fact]
    public async Task Writes_WhenDiskIsFull_NameTheFileAndKeepWhatWasCommitted()
    {
        using var disk = TinyDisk.Mount(_folder["disk"]);
        var path = _folder["disk/teravox.db"];
        await using var catalog = await OpenAsync(path);
        var id = Assert.Single(await catalog.SubmitAsync([OneStage], Ct));
        NewEvent[] events = [.. Enumerable.Range(0, 100).Select(i => new NewEvent($"m{i}", "log", null, new string('x', 20_000)))];

        var error = await Assert.ThrowsAsync<InputException>(() => catalog.RecordAsync(id, ExperimentState.Failed, events, Ct));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains("full", error.Message, StringComparison.Ordinal);
        Assert.Equal(ExperimentState.Running, (await catalog.FindAsync(id, Ct))!.State);
        Assert.Single(await catalog.EventsAsync(id, 0, 10, Ct));
        await catalog.RecordAsync(id, ExperimentState.Failed, [new NewEvent("m0", "failed", null, "small")], Ct);
        Assert.Equal(2, (await catalog.EventsAsync(id, 0, 10, Ct)).Count);
    }

    private static Task<ICatalog> OpenAsync(string path) => Catalogs.OpenAsync("sqlite:" + path, Ct);

    private static async Task RefusesAsync(string path, string part)
    {
        var error = await Assert.ThrowsAsync<InputException>(() => OpenAsync(path));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    private async Task RefusesItAsync(params string[] parts)
    {
        foreach (var part in parts)
            await RefusesAsync(FilePath, part);
    }

    private Task<ICatalog> OpenAsync() => OpenAsync(FilePath);

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
