// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using Teravox.Contracts;
using Teravox.Contracts.Api;

namespace Teravox.Grains.Ledger;

// Rows of the roster, the catalogue and the key ring, as both ledgers give them: times are milliseconds.
[SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
internal sealed record SiloData
{
    // While a cluster is upgraded, silos of a newer version may say more of themselves than this one knows.
    private static readonly JsonSerializerOptions Lenient = new(TeravoxJson.Compact) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip };

    public string Entry { get; init; } = "";

    public string Status { get; init; } = "";

    public long Started { get; init; }

    public long LastSeen { get; init; }

    public long Silent { get; init; }

    public SiloRow ToRow() =>
        new(
            JsonSerializer.Deserialize<SiloEntry>(Entry, Lenient)!,
            JsonSerializer.Deserialize<SiloStatus>(Status, Lenient)!,
            Words.Time(Started),
            Words.Time(LastSeen),
            TimeSpan.FromMilliseconds(Silent));
}

[SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
internal sealed record EntryData
{
    public long Id { get; init; }

    public string Kind { get; init; } = "";

    public string Name { get; init; } = "";

    public string? Owner { get; init; }

    public string Document { get; init; } = "";

    public long Version { get; init; }

    public long Created { get; init; }

    public long Changed { get; init; }

    public CatalogueRow ToRow() =>
        new(Id, Kind, Name, Owner, Document, Version, Words.Time(Created), Words.Time(Changed));
}

[SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
internal sealed record KeyData
{
    public long Id { get; init; }

    public string Name { get; init; } = "";

    public string Role { get; init; } = "";

    public long Created { get; init; }

    public long? Revoked { get; init; }

    public KeyRow ToRow() => new(Id, Name, Words.Role(Role), Words.Time(Created), Words.Time(Revoked));
}

/// <summary>Number of experiments in a state.</summary>
internal sealed record StateCountData
{
    public required string State { get; init; }

    public required long Count { get; init; }
}

/// <summary>Items of a kind of stage.</summary>
internal sealed record KindCountData
{
    public required string Kind { get; init; }

    public required long Waiting { get; init; }

    public required long Leased { get; init; }

    public required long Done { get; init; }

    public required long Failed { get; init; }

    public KindCount ToRow() => new(Kind, Waiting, Leased, Done, Failed);
}
