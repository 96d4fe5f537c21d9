// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;
using Teravox.Grains.Ledger.Sqlite;

namespace Teravox.Ledger.Tests;

/// <summary>The rules every ledger keeps, kept by the SQLite one.</summary>
public sealed class SqliteLedgerTests : LedgerConformance
{
    private readonly TempFolder _folder = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    private protected override async Task<ILedger> OpenAsync(string name, TimeProvider time, TimeSpan retryDelay) =>
        await SqliteLedger.OpenAsync(_folder[name + ".db"], new SqliteLedgerOptions { Time = time, RetryDelay = retryDelay }, Ct);
}
