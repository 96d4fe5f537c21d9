// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains.Ledger.Postgres;
using Teravox.Grains.Ledger.Sqlite;

namespace Teravox.Grains.Ledger;

/// <summary>Opens the ledger that an address names.</summary>
public static class Ledgers
{
    /// <summary>Opens a ledger and brings its schema up to date.</summary>
    /// <param name="address"><c>postgres://user:password@host:port/database?option=value</c> (options: <c>sslmode</c>, <c>sslrootcert</c>,
    /// <c>pool</c>, <c>schema</c>, <c>durable</c>, <c>host</c>; see docs/deploy.md), or <c>sqlite:FILE</c>.</param>
    /// <param name="ct">Stops the opening.</param>
    /// <exception cref="LedgerUnavailableException">The server does not answer.</exception>
    /// <exception cref="InputException">The address is not one, or the database cannot be used.</exception>
    public static async Task<ILedger> OpenAsync(string address, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.StartsWith("sqlite:", StringComparison.Ordinal))
            return await SqliteLedger.OpenAsync(address["sqlite:".Length..], ct: ct);
        if (PostgresAddress.Is(address))
            return await PostgresLedger.OpenAsync(address, ct: ct);
        throw new InputException("--ledger: expected postgres://user:password@host:port/database or sqlite:FILE.");
    }
}
