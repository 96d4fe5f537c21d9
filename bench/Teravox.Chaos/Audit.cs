// SPDX-License-Identifier: Apache-2.0
using Npgsql;
using Teravox.Silo.Local;

namespace Teravox.Chaos;

/// <summary>A trigger beside the states of grains, in the harness's own database: what was stored, independent of the code that stores it.</summary>
internal sealed class Audit(PrivatePostgres server) : IAsyncDisposable
{
    private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(Connection(server));

    /// <summary>Puts the trigger in place; the tables must be there, and nothing be stored yet.</summary>
    public async Task InstallAsync(CancellationToken ct)
    {
        await using var command = _source.CreateCommand(Text("audit"));
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Every version that was stored, grain by grain in the order of the writes.</summary>
    public Task<List<StoredVersion>> StatesAsync(CancellationToken ct) => RowsAsync("states", Version, ct);

    /// <summary>The states as they are now.</summary>
    public Task<List<StoredVersion>> LastStatesAsync(CancellationToken ct) => RowsAsync("last_states", Version, ct);

    /// <summary>How often each kind of line is in the log.</summary>
    public async Task<Dictionary<string, long>> LogAsync(CancellationToken ct) =>
        (await RowsAsync("log", r => (Kind: r.GetString(0), Count: r.GetInt64(1)), ct)).ToDictionary(r => r.Kind, r => r.Count, StringComparer.Ordinal);

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    /// <summary>A connection string of the server.</summary>
    internal static string Connection(PrivatePostgres server) => new NpgsqlConnectionStringBuilder
    {
        Host = server.SocketFolder,
        Port = PrivatePostgres.Port,
        Username = PrivatePostgres.User,
        Database = PrivatePostgres.Database,

        // The server is restarted again and again.
        Pooling = false,
    }.ConnectionString;

    private static StoredVersion Version(NpgsqlDataReader row) =>
        new(row.GetString(0), row.GetString(1), row.GetInt32(2), row.GetBoolean(3), row.IsDBNull(4) ? null : row.GetFieldValue<byte[]>(4));

    private static string Text(string name)
    {
        using var stream = typeof(Audit).Assembly.GetManifestResourceStream($"chaos/{name}.sql")!;
        return new StreamReader(stream).ReadToEnd();
    }

    private async Task<List<T>> RowsAsync<T>(string script, Func<NpgsqlDataReader, T> row, CancellationToken ct)
    {
        await using var command = _source.CreateCommand(Text(script));
        await using var reader = await command.ExecuteReaderAsync(ct);
        var rows = new List<T>();
        while (await reader.ReadAsync(ct))
            rows.Add(row(reader));
        return rows;
    }
}

/// <summary>A stored version of a grain's state.</summary>
/// <param name="Type">What is stored; see <see cref="StateAudit"/>.</param>
/// <param name="Grain">Key of the grain.</param>
/// <param name="Number">1 for the first.</param>
/// <param name="Removed">Whether the row was removed.</param>
/// <param name="State">The state; null where there is none.</param>
internal sealed record StoredVersion(string Type, string Grain, int Number, bool Removed, byte[]? State);
