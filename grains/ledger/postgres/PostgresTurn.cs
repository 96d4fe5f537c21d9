// SPDX-License-Identifier: Apache-2.0
using Dapper;
using Npgsql;

namespace Teravox.Grains.Ledger.Postgres;

/// <summary>
/// What the body of one write transaction works with. Parameters of its statements are an anonymous object; @given is
/// <see cref="Given"/>.
/// </summary>
internal sealed class PostgresTurn(NpgsqlConnection connection, NpgsqlTransaction transaction, long? given, TimeSpan timeout)
{
    private readonly List<(long ExperimentId, string Kind, string? Stage, string Text)> _events = [];
    private TimeSpan _timeout = timeout;

    /// <summary>A test's time for <c>clock_ms(@given)</c>, milliseconds since 1970; null: the database's clock.</summary>
    public long? Given { get; } = given;

    /// <summary>Whether others should look for work or news once this is committed.</summary>
    public bool Rings { get; set; }

    /// <summary>Whether all that was written is to be rolled back.</summary>
    public bool IsVoid { get; set; }

    public Task<int> ExecuteAsync(string sql, object? arguments = null) => connection.ExecuteAsync(Command(sql, arguments));

    public Task<T> ScalarAsync<T>(string sql, object? arguments = null) => connection.QuerySingleAsync<T>(Command(sql, arguments));

    public Task<T?> FirstAsync<T>(string sql, object? arguments = null) => connection.QueryFirstOrDefaultAsync<T>(Command(sql, arguments));

    public async Task<List<T>> QueryAsync<T>(string sql, object? arguments = null) =>
        (await connection.QueryAsync<T>(Command(sql, arguments))).AsList();

    /// <summary>An event, written with all others at the end of the transaction.</summary>
    public void Log(long experimentId, string kind, string? stage, string text) => _events.Add((experimentId, kind, stage, text));

    /// <summary>Lets this transaction's statements take longer than is usual.</summary>
    public async Task AllowAsync(TimeSpan timeout)
    {
        await ExecuteAsync(PostgresTexts.TimeoutOff);
        _timeout = timeout;
    }

    /// <summary>Writes the events and rings; nothing else may follow but the commit, as other writers of events wait for it.</summary>
    public async Task EndAsync()
    {
        if (_events.Count > 0)
        {
            Rings = true;
            await ExecuteAsync(
                PostgresTexts.EventsAdd,
                new
                {
                    experiments = _events.Select(row => row.ExperimentId).ToArray(),
                    kinds = _events.Select(row => row.Kind).ToArray(),
                    stages = _events.Select(row => row.Stage).ToArray(),
                    texts = _events.Select(row => row.Text).ToArray(),
                    given = Given,
                });
        }
        else if (Rings)
        {
            await ExecuteAsync(PostgresTexts.Ring);
        }
    }

    private CommandDefinition Command(string sql, object? arguments) =>
        new(sql, arguments, transaction, (int)Math.Ceiling(_timeout.TotalSeconds));
}
