// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Teravox.Contracts.Api;

/// <summary>A page of a list, from the newest.</summary>
/// <param name="Items">The entries.</param>
/// <param name="Next">Give as <c>cursor</c> for the next page; null on the last one.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next);

/// <summary>Asks for an experiment.</summary>
public sealed record SubmitExperiment
{
    /// <summary>An <see cref="ExperimentSpec"/>, as in a spec file; docs/spec.md explains every field.</summary>
    public required JsonElement Spec { get; init; }

    /// <summary>Lower is run first; 100 when left out.</summary>
    public int Priority { get; init; } = 100;
}

/// <summary>An experiment.</summary>
public sealed record ExperimentInfo
{
    /// <summary>Its number.</summary>
    public required long Id { get; init; }

    /// <summary>Its name, not unique.</summary>
    public required string Name { get; init; }

    /// <summary>running, paused, succeeded, failed or cancelled.</summary>
    public required string State { get; init; }

    /// <summary>Lower is run first.</summary>
    public required int Priority { get; init; }

    /// <summary>Name of the key that submitted it; null without keys.</summary>
    public string? Owner { get; init; }

    /// <summary>The campaign it belongs to.</summary>
    public string? Campaign { get; init; }

    /// <summary>Its place in the campaign's grid: spec field to value.</summary>
    public IReadOnlyDictionary<string, JsonElement>? Parameters { get; init; }

    /// <summary>When it was submitted, UTC.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>When it ended, UTC.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>In answer to a submission only: why no silo of now can run it; null when one can.</summary>
    public string? Blocked { get; init; }
}

/// <summary>How far an experiment is.</summary>
public sealed record ExperimentProgress
{
    /// <summary>The experiment.</summary>
    public required ExperimentInfo Experiment { get; init; }

    /// <summary>Its stages in order.</summary>
    public required IReadOnlyList<StageProgress> Stages { get; init; }

    /// <summary>What is being worked on.</summary>
    public required IReadOnlyList<RunningInfo> Running { get; init; }

    /// <summary>What failed, at most 100.</summary>
    public required IReadOnlyList<FailureInfo> Failures { get; init; }
}

/// <summary>How far a stage is.</summary>
public sealed record StageProgress
{
    /// <summary>Unique in the experiment.</summary>
    public required string Name { get; init; }

    /// <summary>The grain that runs its items: import, train, infer, threshold, label, report.</summary>
    public required string Kind { get; init; }

    /// <summary>Names of the stages that must be done before it.</summary>
    public required IReadOnlyList<string> After { get; init; }

    /// <summary>waiting, ready, running, done or failed.</summary>
    public required string State { get; init; }

    /// <summary>Number of items; 0 before it is known.</summary>
    public required int Items { get; init; }

    /// <summary>Items committed.</summary>
    public required int Done { get; init; }

    /// <summary>Items failed.</summary>
    public required int Failed { get; init; }

    /// <summary>Items being worked on.</summary>
    public required int Leased { get; init; }

    /// <summary>0..1: items done and the fractions of those being worked on.</summary>
    public required double Fraction { get; init; }

    /// <summary>Items per second since the stage started; null before the first.</summary>
    public double? ItemsPerSecond { get; init; }

    /// <summary>Seconds until the stage is done at that rate; null when it cannot be said.</summary>
    public double? SecondsLeft { get; init; }

    /// <summary>Why no silo can run it, as "needs a CUDA device; no silo has one"; null when one can.</summary>
    public string? Blocked { get; init; }

    /// <summary>When its items were made, UTC.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>When it was done or failed, UTC.</summary>
    public DateTimeOffset? Ended { get; init; }
}

/// <summary>An item that a silo has.</summary>
public sealed record RunningInfo(string Stage, int Index, string Silo, int Attempt, double Fraction, string? Note);

/// <summary>An item that failed; index -1 is the stage itself.</summary>
public sealed record FailureInfo(string Stage, int Index, int Failures, int Deaths, string Error);

/// <summary>A line of an experiment's log.</summary>
public sealed record EventInfo(long Id, long Experiment, DateTimeOffset At, string Kind, string? Stage, string Text);

/// <summary>A file of an experiment's results.</summary>
/// <param name="Path">Relative, with '/': "scores.json", "models/multiclass.safetensors".</param>
/// <param name="Bytes">Its size.</param>
public sealed record ResultFile(string Path, long Bytes);
