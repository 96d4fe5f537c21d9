// SPDX-License-Identifier: Apache-2.0
using Npgsql;
using Teravox.Cluster.Tests;
using Teravox.Orleans.Schema;

namespace Teravox.Orleans.Tests;

/// <summary>Orleans' tables and statements in the ledger's database.</summary>
public sealed class SchemaTests(Database database)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ApplyAsync_WhenManyComeAtOnceAndAgain_MakesItOnce()
    {
        await using var cluster = await database.NewAsync();
        var connection = OrleansSchema.ConnectionString(cluster.Address);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => OrleansSchema.ApplyAsync(connection, Ct)));
        await OrleansSchema.ApplyAsync(connection, Ct);

        Assert.Equal(1L, await ScalarAsync(connection, "SELECT count(*) FROM orleans_schema"));
        Assert.Equal(20L, await ScalarAsync(connection, "SELECT count(*) FROM orleansquery"));
    }

    [Fact]
    public async Task ApplyAsync_WhenAStatementIsOfAnOlderBuild_BringsTheNewOne()
    {
        await using var cluster = await database.NewAsync();
        var connection = OrleansSchema.ConnectionString(cluster.Address);
        await OrleansSchema.ApplyAsync(connection, Ct);
        await ScalarAsync(connection, "UPDATE orleansquery SET querytext = 'SELECT 1' WHERE querykey = 'GatewaysQueryKey'");
        await OrleansSchema.ApplyAsync(connection, Ct);
        Assert.Contains("orleans_silo", (string)(await ScalarAsync(connection, "SELECT querytext FROM orleansquery WHERE querykey = 'GatewaysQueryKey'"))!, StringComparison.Ordinal);

        // A newer build's are its own.
        await ScalarAsync(connection, "INSERT INTO orleans_schema (version) VALUES (9999)");
        await ScalarAsync(connection, "UPDATE orleansquery SET querytext = 'SELECT 2' WHERE querykey = 'GatewaysQueryKey'");
        await OrleansSchema.ApplyAsync(connection, Ct);
        Assert.Equal("SELECT 2", await ScalarAsync(connection, "SELECT querytext FROM orleansquery WHERE querykey = 'GatewaysQueryKey'"));
    }

    private static async Task<object?> ScalarAsync(string connection, string sql)
    {
        await using var source = NpgsqlDataSource.Create(connection);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Ct);
    }
}
