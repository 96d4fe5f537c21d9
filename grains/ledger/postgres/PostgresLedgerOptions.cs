// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains.Ledger.Postgres;

/// <summary>Settings of a <see cref="PostgresLedger"/>.</summary>
public sealed record PostgresLedgerOptions
{
    /// <summary>Time for tests. Null, the default: the database's clock.</summary>
    public TimeProvider? Time { get; init; }

    /// <summary>
    /// Delay before an item that failed once may be claimed again; it doubles with every further failure, up to 60 times
    /// this, times 0.5 to 1.5 at random so that items that failed together do not come back together. Default 1 s.
    /// </summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a call goes on trying after it first failed, where trying again can not write twice: no connection to be
    /// had, a deadlock, a restart of the server before anything was sent. Then it says that the ledger is unavailable. Default 3 s.
    /// </summary>
    public TimeSpan TryFor { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a connection may take to be made, or to come free in the pool. Default 5 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the server works on a statement, waits for locks included. Default 10 s.</summary>
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long the server keeps a transaction whose client says nothing: one that was stopped or cut off in the middle must
    /// not hold its locks for longer. Default 5 s.
    /// </summary>
    public TimeSpan IdleInTransactionTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the few long transactions may take: a migration, a stage of millions of items. Default 10 min.</summary>
    public TimeSpan LongTimeout { get; init; } = TimeSpan.FromMinutes(10);
}
