// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Net;
using Npgsql;

namespace Teravox.Grains.Catalog.Postgres;

/// <summary>
/// The statements that Orleans' AdoNet providers look up in the table orleansquery, and the connection that they use. The
/// migrations make their tables.
/// </summary>
public static class OrleansQueries
{
    private static readonly (string Name, string Text)[] All = [.. SqlTexts.Files("postgres/orleans/")];

    /// <summary>Keys and texts, for statements that take them as arrays.</summary>
    internal static object Arguments { get; } = new { keys = All.Select(q => q.Name).ToArray(), texts = All.Select(q => q.Text).ToArray() };

    /// <summary>A connection string for Orleans' own connections.</summary>
    /// <param name="address">The address of the database.</param>
    /// <exception cref="Contracts.InputException">The address is not one.</exception>
    public static string ConnectionString(string address)
    {
        var parsed = PostgresAddress.Parse(address);
        var connection = parsed.Connection;
        connection.SearchPath = parsed.Schema;
        connection.ApplicationName = "teravox orleans";
        connection.MaxPoolSize = 20;
        connection.Timeout = 5;
        connection.CommandTimeout = 5;
        connection.MaxAutoPrepare = 40;
        connection.AutoPrepareMinUsages = 2;
        if (!parsed.Durable)
            connection.Options = "-c synchronous_commit=off";
        return connection.ConnectionString;
    }

    /// <summary>
    /// Orleans tells silos of one address apart by a number that grows, its generation: the database's time, or one more than the last
    /// silo had there.
    /// </summary>
    /// <param name="address">The address of the database.</param>
    /// <param name="silo">Where other silos reach the silo.</param>
    /// <param name="ct">Stops waiting for the database.</param>
    /// <exception cref="NpgsqlException">The database does not answer.</exception>
    public static async Task<int> NextNumberAsync(string address, IPEndPoint silo, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(silo);
        await using var connection = new NpgsqlConnection(ConnectionString(address));
        await connection.OpenAsync(ct);
        await using var command = new NpgsqlCommand(SqlTexts.Files("postgres/silo/").Single(f => f.Name == "next_number").Text, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = silo.Address.ToString() });
        command.Parameters.Add(new NpgsqlParameter { Value = silo.Port });
        return Convert.ToInt32(await command.ExecuteScalarAsync(ct), CultureInfo.InvariantCulture);
    }
}
