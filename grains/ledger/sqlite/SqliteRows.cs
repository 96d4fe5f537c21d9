// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;

namespace Teravox.Grains.Ledger.Sqlite;

// Rows that only SQLite gives; its integers are long.
[SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
internal sealed record ClaimedData
{
    public long Id { get; init; }

    public long StageId { get; init; }

    public int Idx { get; init; }

    public long Epoch { get; init; }

    public int Attempt { get; init; }
}

[SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
internal sealed record ClaimedStageData
{
    public long ExperimentId { get; init; }

    public int Ordinal { get; init; }

    public string Name { get; init; } = "";

    public string Kind { get; init; } = "";

    public string? Arguments { get; init; }

    public int Priority { get; init; }

    public string? Blocked { get; init; }
}
