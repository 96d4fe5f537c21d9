// SPDX-License-Identifier: Apache-2.0
using Dapper;
using Microsoft.Data.Sqlite;

namespace Teravox.Grains.Ledger.Sqlite;

/// <summary>What the body of one write transaction works with.</summary>
internal sealed class WriteTurn(SqliteConnection connection, SqliteTransaction transaction, long now)
{
    /// <summary>The transaction's time, milliseconds since 1970, from the database's clock or a test's.</summary>
    public long Now { get; } = now;

    /// <summary>Whether others should look for work or news once this is committed.</summary>
    public bool Rings { get; set; }

    public int Execute(string sql, object? arguments = null) => connection.Execute(sql, arguments, transaction);

    public T Scalar<T>(string sql, object? arguments = null) => connection.QuerySingle<T>(sql, arguments, transaction);

    public T? First<T>(string sql, object? arguments = null) => connection.QueryFirstOrDefault<T>(sql, arguments, transaction);

    public List<T> Query<T>(string sql, object? arguments = null) => connection.Query<T>(sql, arguments, transaction).AsList();

    public void Log(long experimentId, string kind, string? stage, string text)
    {
        Execute(SqlTexts.EventAdd, new { experimentId, now = Now, kind, stage, text });
        Rings = true;
    }
}
