// SPDX-License-Identifier: Apache-2.0
using Npgsql;
using Teravox.Contracts;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;
using Teravox.Grains.Catalog.Postgres;

namespace Teravox.Catalog.Tests;

/// <summary>What concerns PostgreSQL's database and not the rules all catalogs share.</summary>
public sealed class PostgresDatabaseTests(PostgresServer server) : IAsyncLifetime
{
    private static readonly NewExperiment OneStage = new("e", "{}", [new NewStage("s", "kind", [])]);
    private string _address = "";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Schema => PostgresAddress.Parse(_address).Schema!;

    public async ValueTask InitializeAsync() => _address = await server.NewAddressAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task OpenAsync_WhenManyOpenANewDatabaseAtOnce_OneMigrates()
    {
        var catalogs = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(OpenAsync, Ct)));

        Assert.Equal(SqlTexts.Postgres.Newest, await ScalarAsync<long>("SELECT count(*) FROM catalog_version"));
        foreach (var catalog in catalogs)
        {
            await catalog.SubmitAsync([OneStage], Ct);
            await catalog.MigrateAsync(Ct);
            await catalog.DisposeAsync();
        }
    }

    [Fact]
    public async Task OpenAsync_WhenSchemaIsNewer_AsksForANewerTeravox()
    {
        await (await OpenAsync()).DisposeAsync();
        await ExecuteAsync("INSERT INTO catalog_version (version) VALUES (4711)");

        await RefusesAsync("version 4711", "use a newer Teravox");
    }

    [Fact]
    public async Task OpenAsync_WhenTheSchemaIsSomeoneElses_LeavesItAlone()
    {
        await ExecuteAsync($"CREATE SCHEMA {Schema}; CREATE TABLE theirs (x integer)");

        await RefusesAsync("none of Teravox");

        Assert.Equal(1, await ScalarAsync<long>($"SELECT count(*) FROM pg_tables WHERE schemaname = '{Schema}'"));
    }

    [Fact]
    public async Task OpenAsync_WhenTheSchemaIsOfTheTimeBeforeOrleans_LeavesItAlone()
    {
        await ExecuteAsync($"CREATE SCHEMA {Schema}; CREATE TABLE teravox_schema (version integer)");

        await RefusesAsync("of an older Teravox", "use a new database");

        Assert.Equal(1, await ScalarAsync<long>($"SELECT count(*) FROM pg_tables WHERE schemaname = '{Schema}'"));
    }

    [Fact]
    public async Task OpenAsync_WhenTheDatabaseIsMissing_SaysSo()
    {
        _address = _address.Replace("/teravox?", "/nothing_here?", StringComparison.Ordinal);

        await RefusesAsync("no database", "nothing_here");
    }

    [Fact]
    public async Task OpenAsync_WhenAStatementOfOrleansIsNotThisBuilds_PutsItsOwn()
    {
        await (await OpenAsync()).DisposeAsync();
        var own = await ScalarAsync<string>("SELECT querytext FROM orleansquery WHERE querykey = 'WriteToStorageKey'");
        await ExecuteAsync("UPDATE orleansquery SET querytext = 'SELECT 1' WHERE querykey = 'WriteToStorageKey'; DELETE FROM orleansquery WHERE querykey = 'ClearStorageKey'");

        await (await OpenAsync()).DisposeAsync();

        Assert.Equal(own, await ScalarAsync<string>("SELECT querytext FROM orleansquery WHERE querykey = 'WriteToStorageKey'"));
        Assert.Equal(SqlTexts.Files("postgres/orleans/").Count(), await ScalarAsync<long>("SELECT count(*) FROM orleansquery"));
    }

    private Task<ICatalog> OpenAsync() => Catalogs.OpenAsync(_address, Ct);

    private async Task RefusesAsync(params string[] parts)
    {
        var error = await Assert.ThrowsAsync<InputException>(OpenAsync);
        Assert.All(parts, part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }

    private async Task ExecuteAsync(string sql) => await ScalarAsync<object?>(sql);

    private async Task<T> ScalarAsync<T>(string sql)
    {
        var address = PostgresAddress.Parse(_address);
        (address.Connection.Pooling, address.Connection.SearchPath) = (false, address.Schema);
        await using var connection = new NpgsqlConnection(address.Connection.ConnectionString);
        await connection.OpenAsync(Ct);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(Ct))!;
    }
}
