// SPDX-License-Identifier: Apache-2.0
using Microsoft.Data.Sqlite;
using Teravox.Contracts;

namespace Teravox.Grains.Ledger.Sqlite;

/// <summary>Brings a file's schema to the newest version, or says why it can not be used.</summary>
internal static class SqliteMigrations
{
    /// <summary>Marks the file as a ledger in SQLite's header: "TVXL".</summary>
    private const int ApplicationId = 0x5456584C;

    /// <summary>The newest version this build knows.</summary>
    public static int Newest => SqlTexts.Migrations[^1].Version;

    /// <summary>
    /// Runs in a write transaction, so that of two processes that open a new file one migrates and one finds it done.
    /// </summary>
    /// <exception cref="InputException">The file is of a newer teravox or not a ledger.</exception>
    public static void Apply(WriteTurn turn, string path)
    {
        var marked = turn.Scalar<int>("PRAGMA application_id");
        if (marked != ApplicationId)
        {
            if (marked != 0 || turn.Scalar<long>("SELECT count(*) FROM sqlite_schema") > 0)
            {
                throw new InputException($"{path} is a database, but not a teravox ledger; choose another file.");
            }

            turn.Execute($"PRAGMA application_id = {ApplicationId}");
        }

        turn.Execute(SqlTexts.SchemaVersionTable);
        var version = turn.Scalar<int>(SqlTexts.SchemaVersionRead);
        if (version > Newest)
        {
            throw new InputException(
                $"Ledger {path} has schema version {version}, this teravox knows versions up to {Newest}; use a newer teravox.");
        }

        foreach (var migration in SqlTexts.Migrations.Where(migration => migration.Version > version))
        {
            turn.Execute(migration.Text);
            turn.Execute(SqlTexts.SchemaVersionAdd, new { version = migration.Version, now = turn.Now });
        }
    }

    /// <summary>Settings that belong to a connection, not to the file, except for WAL, which the file keeps.</summary>
    /// <remarks>
    /// WAL lets readers go on while the one writer commits. synchronous = NORMAL: a commit is in the operating system's
    /// hands when it returns, so kill -9 loses none; it is flushed to disk at checkpoints only, so a power cut may take the
    /// last commits back, but leaves the file whole. That is sound here, because an item whose commit went missing is run
    /// again and gives the same result, and it spares a flush for every item.
    /// </remarks>
    public static void Configure(SqliteConnection connection, TimeSpan busyTimeout, bool readOnly)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"""
            PRAGMA busy_timeout = {(long)busyTimeout.TotalMilliseconds};
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = NORMAL;
            PRAGMA foreign_keys = ON;
            PRAGMA query_only = {(readOnly ? "ON" : "OFF")};
            """;
        command.ExecuteNonQuery();
    }
}
