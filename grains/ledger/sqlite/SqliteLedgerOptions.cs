// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains.Ledger.Sqlite;

/// <summary>Settings of a <see cref="SqliteLedger"/>.</summary>
public sealed record SqliteLedgerOptions
{
    /// <summary>Time for tests. Null, the default: the database's clock.</summary>
    public TimeProvider? Time { get; init; }

    /// <summary>How long a statement waits for another process's transaction. Default 5 s.</summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Delay before an item that failed once may be claimed again; it doubles with every further failure, up to 60 times
    /// this, times 0.5 to 1.5 at random so that items that failed together do not come back together. Default 1 s.
    /// </summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);
}
