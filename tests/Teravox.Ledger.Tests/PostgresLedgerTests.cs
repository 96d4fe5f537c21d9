// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using Teravox.Grains.Ledger;
using Teravox.Grains.Ledger.Postgres;

namespace Teravox.Ledger.Tests;

/// <summary>The rules every ledger keeps, kept by the PostgreSQL one.</summary>
public sealed class PostgresLedgerTests(PostgresServer server) : LedgerConformance
{
    private readonly ConcurrentDictionary<string, Task<string>> _addresses = new();

    /// <summary>Each takes a schema of its own, which costs more than its steps.</summary>
    private protected override int Sequences => 40;

    private protected override async Task<ILedger> OpenAsync(string name, TimeProvider time, TimeSpan retryDelay) =>
        await PostgresLedger.OpenAsync(
            await _addresses.GetOrAdd(name, _ => server.NewGuardedAddressAsync()),
            new PostgresLedgerOptions { Time = time, RetryDelay = retryDelay },
            Ct);
}
