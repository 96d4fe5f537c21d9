// SPDX-License-Identifier: Apache-2.0
using Npgsql;
using Teravox.Grains.Ledger.Postgres;

namespace Teravox.Orleans.Schema;

/// <summary>
/// What Orleans needs in the ledger's database: tables and the statements that its AdoNet providers look up there. Brought to
/// the newest version at the start of a silo, one silo at a time; nothing is done where it is there.
/// </summary>
internal static class OrleansSchema
{
    private const string Tables = "schema/";
    private const string Queries = "queries/";

    // Any number that nobody else in the database uses for this: "teravox orleans" hashed.
    private const long Turn = 0x74767872_6F726C6E;

    /// <summary>A connection string for Orleans' own connections: few, and with none of the ledger's planner settings.</summary>
    public static string ConnectionString(string ledger)
    {
        var address = PostgresAddress.Parse(ledger);
        var connection = address.Connection;
        connection.SearchPath = address.Schema;
        connection.ApplicationName = "teravox orleans";
        connection.MaxPoolSize = 10;
        connection.Timeout = 5;
        connection.CommandTimeout = 5;
        return connection.ConnectionString;
    }

    /// <summary>Brings the schema to the newest version.</summary>
    /// <exception cref="NpgsqlException">The server does not answer, or refuses.</exception>
    public static async Task ApplyAsync(string connectionString, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await ExecuteAsync("SELECT pg_advisory_xact_lock($1)", Turn);
        await ExecuteAsync("CREATE TABLE IF NOT EXISTS orleans_schema (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT clock_timestamp())");
        var version = (int)(await ScalarAsync("SELECT coalesce(max(version), 0) FROM orleans_schema"))!;
        var migrations = Named(Tables).Select(name => (Version: int.Parse(name[..4], System.Globalization.CultureInfo.InvariantCulture), Name: name)).OrderBy(m => m.Version).ToList();
        foreach (var migration in migrations.Where(m => m.Version > version))
        {
            await ExecuteAsync(Text(Tables + migration.Name));
            await ExecuteAsync("INSERT INTO orleans_schema (version) VALUES ($1)", migration.Version);
        }

        // A newer teravox's statements are for its own tables: they are left as they are.
        if (version <= migrations[^1].Version)
        {
            foreach (var name in Named(Queries))
            {
                await ExecuteAsync(
                    """
                    INSERT INTO orleansquery AS q (querykey, querytext) VALUES ($1, $2)
                    ON CONFLICT (querykey) DO UPDATE SET querytext = excluded.querytext WHERE q.querytext <> excluded.querytext
                    """,
                    name,
                    Text(Queries + name));
            }
        }

        await transaction.CommitAsync(ct);

        async Task ExecuteAsync(string sql, params object[] arguments)
        {
            await using var command = Command(sql, arguments);
            await command.ExecuteNonQueryAsync(ct);
        }

        async Task<object?> ScalarAsync(string sql)
        {
            await using var command = Command(sql, []);
            return await command.ExecuteScalarAsync(ct);
        }

        NpgsqlCommand Command(string sql, object[] arguments)
        {
            var command = new NpgsqlCommand(sql, connection, transaction);
            foreach (var argument in arguments)
                command.Parameters.Add(new NpgsqlParameter { Value = argument });
            return command;
        }
    }

    private static IEnumerable<string> Named(string prefix) => typeof(OrleansSchema).Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
        .Select(name => name[prefix.Length..]);

    private static string Text(string name)
    {
        using var stream = typeof(OrleansSchema).Assembly.GetManifestResourceStream(name)!;
        return new StreamReader(stream).ReadToEnd();
    }
}
