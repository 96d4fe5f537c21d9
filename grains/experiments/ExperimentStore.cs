// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;
using Teravox.Volumes;

namespace Teravox.Grains;

/// <summary>What every item needs to know of its experiment: plan, folder, and what earlier stages left.</summary>
/// <param name="catalog">The catalog.</param>
/// <param name="grains">The grains of the experiments; null where only plans and folders are asked for.</param>
/// <param name="rootOf">The folder of an experiment.</param>
public sealed class ExperimentStore(ICatalog catalog, IGrainFactory? grains, Func<long, string> rootOf)
{
    // Enough for the stages that are worked on at a time; what is final does not change, so what is dropped is only asked again.
    private const int MostSums = 64;
    private readonly ConcurrentDictionary<long, ExperimentPlan> plans = new();
    private readonly ConcurrentDictionary<(long Experiment, string Stage), IReadOnlyDictionary<string, long[]>> sums = new();

    /// <summary>The experiment's folder.</summary>
    public ExperimentFolder Folder(long experimentId) => new(rootOf(experimentId));

    /// <summary>The experiment's plan; it never changes, so it is read once.</summary>
    /// <exception cref="InvalidOperationException">There is no such experiment.</exception>
    public async Task<ExperimentPlan> PlanAsync(long experimentId, CancellationToken ct)
    {
        if (plans.TryGetValue(experimentId, out var plan))
            return plan;
        var row = await catalog.FindAsync(experimentId, ct) ?? throw new InvalidOperationException($"experiment {experimentId} is not in the catalog");
        return plans.GetOrAdd(experimentId, JsonSerializer.Deserialize<ExperimentPlan>(row.SpecJson, TeravoxJson.Compact)!);
    }

    /// <summary>The sums of a stage, so far.</summary>
    /// <exception cref="InvalidOperationException">There is no such stage.</exception>
    public async Task<IReadOnlyDictionary<string, long[]>> SumsAsync(long experimentId, string stage, CancellationToken ct)
    {
        if (sums.TryGetValue((experimentId, stage), out var known))
            return known;
        var found = await Experiment(experimentId).SumsAsync(stage).WaitAsync(ct)
            ?? throw new InvalidOperationException($"experiment {experimentId} has no stage {stage}");
        var unpacked = found.Counts.ToDictionary(s => s.Key, s => SumCodec.Unpack(s.Value));
        if (found.IsFinal)
        {
            if (sums.Count >= MostSums)
                sums.Clear();
            sums[(experimentId, stage)] = unpacked;
        }

        return unpacked;
    }

    /// <summary>The results of a stage's items by index.</summary>
    public async Task<IReadOnlyDictionary<int, T>> ResultsAsync<T>(long experimentId, string stage, CancellationToken ct)
    {
        var results = await Experiment(experimentId).ResultsAsync(stage).WaitAsync(ct);
        return results.ToDictionary(r => r.Key, r => JsonSerializer.Deserialize<T>(r.Value, TeravoxJson.Compact)!);
    }

    /// <summary>Grey levels of a volume, which the stage that made it summed.</summary>
    public async Task<VoxelHistogram> HistogramAsync(long experimentId, string volume, CancellationToken ct)
    {
        var (stage, sum) = volume switch
        {
            VolumeNames.Lr => (StageNames.Enlarge, SlabGrain.HistogramSum),
            VolumeNames.Boosted => (StageNames.SuperResolve, SlabGrain.HistogramSum),
            VolumeNames.Original => (StageNames.Import, SlabGrain.HistogramSum),
            _ => (StageNames.Import, SlabGrain.HistogramOf(volume)),
        };
        return new VoxelHistogram((await SumsAsync(experimentId, stage, ct))[sum]);
    }

    /// <summary>
    /// Mean and standard deviation of a whole volume. Every volume goes by its own, also one that shows a part of the original at
    /// another resolution: who has such a volume has nothing else to go by, and a model is run over it as over any other.
    /// </summary>
    public async Task<(float Mean, float Std)> NormalisationAsync(long experimentId, string volume, CancellationToken ct)
    {
        var histogram = await HistogramAsync(experimentId, volume, ct);

        // A volume of one grey level has nothing to standardise by; 1 keeps its input at 0.
        return ((float)histogram.Mean, histogram.Std > 0 ? (float)histogram.Std : 1f);
    }

    private IExperimentGrain Experiment(long id) => (grains ?? throw new InvalidOperationException("there are no grains to ask"))
        .GetGrain<IExperimentGrain>(id.ToString(CultureInfo.InvariantCulture));

    /// <summary>The arguments of a turn's stage.</summary>
    public static StageArguments Arguments(string? json) =>
        json is null ? new StageArguments() : JsonSerializer.Deserialize<StageArguments>(json, TeravoxJson.Compact)!;
}

/// <summary>Names of the stages.</summary>
public static class StageNames
{
    /// <summary>Raw and labels into the store, with statistics.</summary>
    public const string Import = "import";

    /// <summary>Sections to a lower resolution.</summary>
    public const string Degrade = "degrade";

    /// <summary>Sections to a higher resolution by bicubic interpolation.</summary>
    public const string Enlarge = "enlarge";

    /// <summary>Sections to a higher resolution by super-resolution.</summary>
    public const string SuperResolve = "super-resolve";

    /// <summary>How near to the original the sections came that were brought back.</summary>
    public const string Compare = "compare";

    /// <summary>The report folder.</summary>
    public const string Report = "report";

    /// <summary>A coarser level of every volume that has it, 1 or more.</summary>
    public static string Pyramid(int level) => string.Create(CultureInfo.InvariantCulture, $"pyramid-{level}");

    /// <summary>The stage that makes a volume.</summary>
    public static string Making(string volume) => volume switch
    {
        VolumeNames.LowRes => Degrade,
        VolumeNames.Lr => Enlarge,
        VolumeNames.Boosted => SuperResolve,
        _ => Import,
    };

    /// <summary>Training a network.</summary>
    public static string Train(string network) => "train-" + network;

    /// <summary>Running a network over all tiles of a volume; <see cref="PlannedInference.Name"/>.</summary>
    public static string Infer(string inference) => "infer-" + inference;

    /// <summary>Finding a prediction's thresholds on the training region.</summary>
    public static string Threshold(string prediction) => "threshold-" + prediction;

    /// <summary>Turning a prediction's probabilities into class ids.</summary>
    public static string Label(string prediction) => "label-" + prediction;
}
