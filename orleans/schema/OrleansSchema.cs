// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Npgsql;
using Teravox.Grains.Ledger.Postgres;

namespace Teravox.Orleans.Schema;

/// <summary>
/// What Orleans needs in the ledger's database: tables and the statements that its AdoNet providers look up there. Brought to
/// the newest version at the start of a silo, one silo at a time; nothing is done where it is there.
/// </summary>
internal static class OrleansSchema
{
    // Any number that nobody else in the database uses for this: "tvxrorln" in letters.
    private const long Turn = 0x74767872_6F726C6E;

    private static readonly (int Version, string Text)[] Migrations =
        [.. Texts("tables/").Select(t => (int.Parse(t.Name[..4], CultureInfo.InvariantCulture), t.Text)).OrderBy(m => m.Item1)];

    private static readonly Dictionary<string, string> Steps = Texts("steps/").ToDictionary(t => t.Name, t => t.Text, StringComparer.Ordinal);

    private static readonly (string Name, string Text)[] Queries = [.. Texts("queries/")];

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

    /// <summary>Brings the schema to the newest version. Where there is nothing to do, it needs no right but to read.</summary>
    /// <exception cref="NpgsqlException">The server does not answer, or refuses.</exception>
    public static async Task ApplyAsync(string connectionString, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var connection = await source.OpenConnectionAsync(ct);
        if (await IsDoneAsync(connection, ct))
            return;
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await ScalarAsync(connection, Steps["lock"], ct, Turn);
        await ScalarAsync(connection, Steps["version_table"], ct);
        var version = (int)(await ScalarAsync(connection, Steps["version_read"], ct))!;
        foreach (var migration in Migrations.Where(m => m.Version > version))
        {
            await ScalarAsync(connection, migration.Text, ct);
            await ScalarAsync(connection, Steps["version_add"], ct, migration.Version);
        }

        await ScalarAsync(connection, Steps["queries_put"], ct, Keys, Values);
        await transaction.CommitAsync(ct);
    }

    private static string[] Keys => [.. Queries.Select(q => q.Name)];

    private static string[] Values => [.. Queries.Select(q => q.Text)];

    private static async Task<bool> IsDoneAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        if (await ScalarAsync(connection, Steps["look"], ct) is not true)
            return false;
        var version = (int)(await ScalarAsync(connection, Steps["version_read"], ct))!;

        // A newer teravox's tables and statements go together: they are left as they are.
        return version > Migrations[^1].Version
            || (version == Migrations[^1].Version && (int)(await ScalarAsync(connection, Steps["queries_missing"], ct, Keys, Values))! == 0);
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken ct, params object[] arguments)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var argument in arguments)
            command.Parameters.Add(new NpgsqlParameter { Value = argument });
        return await command.ExecuteScalarAsync(ct);
    }

    private static IEnumerable<(string Name, string Text)> Texts(string folder)
    {
        var assembly = typeof(OrleansSchema).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith(folder, StringComparison.Ordinal)))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            yield return (name[folder.Length..], reader.ReadToEnd());
        }
    }
}
