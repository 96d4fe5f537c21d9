// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;

namespace Teravox.Grains.Ledger.Postgres;

// Rows that only PostgreSQL gives.
/// <summary>A lease that lapsed.</summary>
[SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
internal sealed record LapsedData
{
    public long Id { get; init; }

    public long ExperimentId { get; init; }
}

/// <summary>An item that is done under the lease that was asked for.</summary>
[SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
internal sealed record DoneData
{
    public long Id { get; init; }

    public long Epoch { get; init; }

    public long StageId { get; init; }
}
