// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;

namespace Teravox.Grains.Ledger;

// Rows as both databases give them: times are milliseconds, states are words.
[SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
internal sealed record ExperimentData
{
    public long Id { get; init; }

    public string Name { get; init; } = "";

    public string Spec { get; init; } = "";

    public string State { get; init; } = "";

    public int Priority { get; init; }

    public string? IdempotencyKey { get; init; }

    public string? Owner { get; init; }

    public string? Campaign { get; init; }

    public string? Parameters { get; init; }

    public long Created { get; init; }

    public long? Ended { get; init; }

    public ExperimentRow ToRow() =>
        new(Id, Name, Spec, Words.Experiment(State), Priority, IdempotencyKey, Words.Time(Created), Words.Time(Ended))
        {
            Owner = Owner,
            Campaign = Campaign,
            ParametersJson = Parameters,
        };
}

[SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
internal sealed record StageData
{
    public long Id { get; init; }

    public long ExperimentId { get; init; }

    public int Ordinal { get; init; }

    public string Name { get; init; } = "";

    public string Kind { get; init; } = "";

    public string? Arguments { get; init; }

    public string State { get; init; } = "";

    public int Items { get; init; }

    public int Done { get; init; }

    public int Failed { get; init; }

    public int Leased { get; init; }

    public long? Started { get; init; }

    public long? Ended { get; init; }

    public bool NeedsGpu { get; init; }

    public long NeedsMemory { get; init; }

    public string? NeedsTag { get; init; }

    public string? Blocked { get; init; }

    /// <summary>Names, one a line.</summary>
    public string? After { get; init; }

    public StageRow ToRow() =>
        new(
            Id,
            ExperimentId,
            Ordinal,
            Name,
            Kind,
            Arguments,
            Words.Stage(State),
            Items,
            Done,
            Failed,
            Leased,
            Words.Time(Started),
            Words.Time(Ended))
        {
            Needs = new WorkNeeds(NeedsGpu, NeedsMemory, NeedsTag),
            Blocked = Blocked,
            After = After?.Split('\n') ?? [],
        };
}

/// <summary>The stage a write was about.</summary>
[SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
internal sealed record TouchedStageData
{
    public long ExperimentId { get; init; }

    public string Name { get; init; } = "";
}

/// <summary>A leased item with what decides whether it goes back or is parked.</summary>
[SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
internal sealed record LeasedData
{
    public long Id { get; init; }

    public long StageId { get; init; }

    public int Idx { get; init; }

    public int Failures { get; init; }

    public int Deaths { get; init; }

    public string Holder { get; init; } = "";

    public long ExperimentId { get; init; }

    public string StageName { get; init; } = "";

    public int MaxFailures { get; init; }

    public int MaxDeaths { get; init; }
}

[SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
internal sealed record FailedData
{
    public long Id { get; init; }

    public string StageName { get; init; } = "";

    public int Idx { get; init; }

    public int Failures { get; init; }

    public int Deaths { get; init; }

    public string Error { get; init; } = "";
}

[SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
internal sealed record RunningData
{
    public long Id { get; init; }

    public string StageName { get; init; } = "";

    public int Idx { get; init; }

    public string Holder { get; init; } = "";

    public int Attempt { get; init; }

    public double Fraction { get; init; }

    public string? Note { get; init; }
}

[SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
internal sealed record EventData
{
    public long Id { get; init; }

    public long ExperimentId { get; init; }

    public long At { get; init; }

    public string Kind { get; init; } = "";

    public string? Stage { get; init; }

    public string Text { get; init; } = "";

    public EventRow ToRow() => new(Id, ExperimentId, Words.Time(At), Kind, Stage, Text);
}

[SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
internal sealed record WaitingData
{
    public long StageId { get; init; }

    public int Idx { get; init; }

    public string StageName { get; init; } = "";

    public string Kind { get; init; } = "";

    public bool NeedsGpu { get; init; }

    public long NeedsMemory { get; init; }

    public string? NeedsTag { get; init; }

    public int Priority { get; init; }

    public long PutOff { get; init; }

    public WaitingItem ToRow() => new(
        new ItemPlace(StageId, Idx),
        StageName,
        Kind,
        new WorkNeeds(NeedsGpu, NeedsMemory, NeedsTag),
        Priority,
        TimeSpan.FromMilliseconds(PutOff));
}
