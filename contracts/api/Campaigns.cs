// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Teravox.Contracts.Api;

/// <summary>Many experiments from one spec: every combination of the grid's values, each repeated with other seeds.</summary>
public sealed record NewCampaign
{
    /// <summary>Unique; letters, digits, '-', '_', '.'; 1..64 characters.</summary>
    public required string Name { get; init; }

    /// <summary>The spec that all share.</summary>
    public required JsonElement Spec { get; init; }

    /// <summary>Spec field to values: <c>{"training.learningRate": [0.001, 0.0001], "network.levels": [3, 4]}</c>.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<JsonElement>> Grid { get; init; } = new Dictionary<string, IReadOnlyList<JsonElement>>();

    /// <summary>Runs of each combination, with the spec's seed, seed + 1, ...; 1..100.</summary>
    public int Repeats { get; init; } = 1;

    /// <summary>Lower is run first.</summary>
    public int Priority { get; init; } = 100;
}

/// <summary>A campaign with a table over its runs.</summary>
public sealed record CampaignInfo
{
    /// <summary>Its number.</summary>
    public required long Id { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The grid's fields in order.</summary>
    public required IReadOnlyList<string> Fields { get; init; }

    /// <summary>Runs per combination.</summary>
    public required int Repeats { get; init; }

    /// <summary>What was submitted; left out of lists.</summary>
    public NewCampaign? Submitted { get; init; }

    /// <summary>Name of the key that submitted it; null without keys.</summary>
    public string? Owner { get; init; }

    /// <summary>When, UTC.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>One row per combination, prediction and class; empty before the first run ended.</summary>
    public IReadOnlyList<CampaignRow> Table { get; init; } = [];

    /// <summary>Its experiments.</summary>
    public IReadOnlyList<ExperimentInfo> Experiments { get; init; } = [];
}

/// <summary>F1 of one class over the repeats of one combination.</summary>
public sealed record CampaignRow
{
    /// <summary>The combination: spec field to value.</summary>
    public required IReadOnlyDictionary<string, JsonElement> Parameters { get; init; }

    /// <summary>"multiclass" or "binary".</summary>
    public required string Prediction { get; init; }

    /// <summary>Name of the class, or "mean" for the mean over the classes.</summary>
    public required string Class { get; init; }

    /// <summary>Runs that have a value.</summary>
    public required int Runs { get; init; }

    /// <summary>Mean F1 of the test region.</summary>
    public double? Mean { get; init; }

    /// <summary>Standard deviation over the runs (n - 1); null below 2 runs.</summary>
    public double? Std { get; init; }

    /// <summary>Smallest.</summary>
    public double? Min { get; init; }

    /// <summary>Largest.</summary>
    public double? Max { get; init; }

    /// <summary>What was published for the preset and the class; null where nothing was.</summary>
    public double? Published { get; init; }
}
