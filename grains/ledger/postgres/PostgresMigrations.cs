// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using Teravox.Contracts;

namespace Teravox.Grains.Ledger.Postgres;

/// <summary>Brings a database's schema to the newest version, or says why it can not be used.</summary>
internal static class PostgresMigrations
{
    private const int OldestServer = 140000;

    /// <summary>The newest version this build knows.</summary>
    public static int Newest => PostgresTexts.Migrations[^1].Version;

    /// <summary>Whether there is nothing to do; takes no lock and needs no right but to read.</summary>
    /// <exception cref="InputException">The database can not be used.</exception>
    public static async Task<bool> IsDoneAsync(PostgresTurn turn, PostgresAddress address)
    {
        var look = await LookAsync(turn, address);
        return look.IsLedger && await VersionAsync(turn, address) == Newest;
    }

    /// <exception cref="InputException">The database is of a newer teravox, not a ledger, or on a server that is too old.</exception>
    public static async Task ApplyAsync(PostgresTurn turn, PostgresAddress address)
    {
        await turn.ExecuteAsync(PostgresTexts.SchemaLock);
        var look = await LookAsync(turn, address);
        if (look.Schema is null)
        {
            if (address.Schema is null)
                throw new InputException($"The user of ledger {address.Shown} has no schema there; name one with option schema.");
            await turn.ExecuteAsync(PostgresTexts.SchemaMake.Replace("NAME", address.Schema, StringComparison.Ordinal));
        }
        else if (!look.IsLedger && look.HasTables)
        {
            throw new InputException(
                $"{address.Shown} has tables, but is not a teravox ledger; use a database of its own, or name a new schema with option schema.");
        }

        if (!look.IsLedger)
            await turn.ExecuteAsync(PostgresTexts.SchemaVersionTable);
        var version = await VersionAsync(turn, address);
        foreach (var migration in PostgresTexts.Migrations.Where(migration => migration.Version > version))
        {
            await turn.ExecuteAsync(migration.Text);
            await turn.ExecuteAsync(PostgresTexts.SchemaVersionAdd, new { version = migration.Version, given = turn.Given });
        }
    }

    private static async Task<Look> LookAsync(PostgresTurn turn, PostgresAddress address)
    {
        var look = await turn.ScalarAsync<Look>(PostgresTexts.SchemaLook);
        return look.Server >= OldestServer
            ? look
            : throw new InputException(
                $"Ledger {address.Shown} is on PostgreSQL {look.Server / 10000}; teravox needs {OldestServer / 10000} or newer.");
    }

    private static async Task<int> VersionAsync(PostgresTurn turn, PostgresAddress address)
    {
        var version = await turn.ScalarAsync<int>(PostgresTexts.SchemaVersionRead);
        return version <= Newest
            ? version
            : throw new InputException(
                $"Ledger {address.Shown} has schema version {version}, this teravox knows versions up to {Newest}; use a newer teravox.");
    }

    [SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
    private sealed record Look
    {
        public int Server { get; init; }

        public string? Schema { get; init; }

        public bool IsLedger { get; init; }

        public bool HasTables { get; init; }
    }
}
