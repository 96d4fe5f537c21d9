// SPDX-License-Identifier: Apache-2.0
using Npgsql;
using Teravox.Silo.Local;

namespace Teravox.Chaos;

/// <summary>Triggers and queries beside the ledger, in the harness's own database: what happened, independent of the ledger's code.</summary>
internal sealed class Audit(PrivatePostgres server) : IAsyncDisposable
{
    private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(Connection(server));

    public async Task InstallAsync(CancellationToken ct)
    {
        await using var command = _source.CreateCommand(Text("audit"));
        await command.ExecuteNonQueryAsync(ct);
    }

    public async Task<Dictionary<string, long>> FiguresAsync(CancellationToken ct) =>
        (await RowsAsync("figures", r => (Name: r.GetString(0), Count: r.GetInt64(1)), ct)).ToDictionary(r => r.Name, r => r.Count, StringComparer.Ordinal);

    /// <summary>Every item of an experiment in words.</summary>
    public Task<List<string>> ItemsAsync(long experiment, CancellationToken ct) =>
        RowsAsync("experiment_items", r => r.GetString(0), ct, new NpgsqlParameter("experiment", experiment));

    /// <summary>The items that a silo has under lease.</summary>
    public Task<List<long>> HeldAsync(string holder, CancellationToken ct) =>
        RowsAsync("holder_of", r => r.GetInt64(0), ct, new NpgsqlParameter("holder", holder));

    /// <summary>Who committed these items.</summary>
    public Task<List<string>> CommittersAsync(IReadOnlyList<long> items, CancellationToken ct) =>
        RowsAsync("commits_of", r => r.GetString(0), ct, new NpgsqlParameter("items", items.ToArray()));

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private async Task<List<T>> RowsAsync<T>(string script, Func<NpgsqlDataReader, T> row, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = _source.CreateCommand(Text(script));
        command.Parameters.AddRange(parameters);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var rows = new List<T>();
        while (await reader.ReadAsync(ct))
            rows.Add(row(reader));
        return rows;
    }

    // No pool: the server is restarted again and again.
    private static string Connection(PrivatePostgres server) => new NpgsqlConnectionStringBuilder
    {
        Host = server.SocketFolder,
        Port = PrivatePostgres.Port,
        Username = PrivatePostgres.User,
        Database = PrivatePostgres.Database,
        Pooling = false,
    }.ConnectionString;

    internal static string Text(string name)
    {
        using var stream = typeof(Audit).Assembly.GetManifestResourceStream($"chaos/{name}.sql")!;
        return new StreamReader(stream).ReadToEnd();
    }
}
