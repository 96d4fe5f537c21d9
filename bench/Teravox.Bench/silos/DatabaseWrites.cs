// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Npgsql;
using Teravox.Grains.Catalog;
using Teravox.Grains.Catalog.Postgres;

namespace Teravox.Bench.Silos;

/// <summary>Counts the rows that the states of grains, experiments and events took so far.</summary>
internal static class DatabaseWrites
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(15);

    /// <summary>Counts them in the database that the address names.</summary>
    public static async Task<long> CountAsync(string address, CancellationToken ct)
    {
        if (Catalogs.SqliteFile(address) is not { } file)
            return await CountPostgresAsync(address, ct);
        await using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ConnectionString);
        await connection.OpenAsync(ct);
        await using var command = connection.CreateCommand();
        command.CommandText = Text("writes_sqlite.sql");
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    private static async Task<long> CountPostgresAsync(string address, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(OrleansQueries.ConnectionString(address));
        for (var since = Stopwatch.GetTimestamp(); ; await Task.Delay(500, ct))
        {
            await using var command = source.CreateCommand(Text("writes_postgres.sql"));
            await using var reader = await command.ExecuteReaderAsync(ct);
            await reader.ReadAsync(ct);
            var (counted, least) = (reader.GetFieldValue<decimal>(0), reader.GetFieldValue<decimal>(1));
            if (counted >= least || Stopwatch.GetElapsedTime(since) > LongestWait)
                return (long)Math.Max(counted, least);
        }
    }

    private static string Text(string name)
    {
        using var reader = new StreamReader(typeof(DatabaseWrites).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
