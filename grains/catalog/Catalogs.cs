// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains.Catalog.Postgres;
using Teravox.Grains.Catalog.Sqlite;

namespace Teravox.Grains.Catalog;

/// <summary>Opens the catalog that an address names.</summary>
public static class Catalogs
{
    private const string SqlitePrefix = "sqlite:";

    /// <summary>Opens a catalog and brings its schema up to date.</summary>
    /// <param name="address"><c>postgres://user:password@host:port/database?option=value</c> (options: <c>sslmode</c>, <c>sslrootcert</c>,
    /// <c>pool</c>, <c>schema</c>, <c>durable</c>, <c>host</c>; see docs/deploy.md), or <c>sqlite:FILE</c>.</param>
    /// <param name="ct">Stops the opening.</param>
    /// <exception cref="DatabaseUnavailableException">The server does not answer.</exception>
    /// <exception cref="InputException">The address is not one, or the database cannot be used.</exception>
    public static async Task<ICatalog> OpenAsync(string address, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(address);
        CatalogDatabase database = SqliteFile(address) is { } file ? await SqliteDatabase.ConnectAsync(file)
            : PostgresAddress.Is(address) ? new PostgresDatabase(PostgresAddress.Parse(address))
            : throw new InputException("--database: expected postgres://user:password@host:port/database or sqlite:FILE.");
        return await OpenAsync(database, ct);
    }

    /// <summary>The file of an address <c>sqlite:FILE</c>; null for another.</summary>
    public static string? SqliteFile(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return address.StartsWith(SqlitePrefix, StringComparison.Ordinal) ? address[SqlitePrefix.Length..] : null;
    }

    internal static async Task<SqlCatalog> OpenAsync(CatalogDatabase database, CancellationToken ct)
    {
        try
        {
            await database.MigrateAsync(ct);
            return new SqlCatalog(database);
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }
}
