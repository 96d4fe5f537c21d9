// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Serialization;
using Teravox.Contracts;

namespace Teravox.Grains;

/// <summary>
/// A spec that was checked whole, with everything that its stages need to know worked out: stored state keeps it as the
/// experiment's spec. Paths in it are absolute.
/// </summary>
public sealed record ExperimentPlan
{
    /// <summary>The spec, paths made absolute.</summary>
    public required ExperimentSpec Spec { get; init; }

    /// <summary>Shape (z, y, x) of the volume.</summary>
    public required Int3 Shape { get; init; }

    /// <summary>What raw is stored as.</summary>
    public required VoxelType Type { get; init; }

    /// <summary>Voxel size in nm.</summary>
    public required VoxelSize VoxelSize { get; init; }

    /// <summary>The class map, by which labels are read.</summary>
    public required ClassMap Classes { get; init; }

    /// <summary>Training region; empty shape where nothing is trained.</summary>
    public Box3 Train { get; init; }

    /// <summary>Test region; empty shape where nothing is scored.</summary>
    public Box3 Test { get; init; }

    /// <summary>Networks to train and run, in order.</summary>
    public required IReadOnlyList<PlannedNetwork> Networks { get; init; }

    /// <summary>Chunk of every stored volume (z, y, x).</summary>
    public required Int3 Chunk { get; init; }

    /// <summary>Core of a tile (z, y, x).</summary>
    public required Int3 Tile { get; init; }

    /// <summary>Halo (z, y, x) read around a core, before rounding up to the grid.</summary>
    public required Int3 Halo { get; init; }

    /// <summary>Product of the pooling factors (z, y, x): block origins and shapes are multiples of it.</summary>
    public required Int3 Grid { get; init; }

    /// <summary>True when the halo covers the network's reach and the network has no group norm: seams cannot be seen.</summary>
    public bool HaloIsExact { get; init; }

    /// <summary>True when raw is an OME-Zarr that is read where it lies.</summary>
    public bool RawInPlace { get; init; }

    /// <summary>True when the labels that the data came with are stored beside raw.</summary>
    [JsonIgnore]
    public bool HasTruth => Spec.Data.Phantom is null ? Spec.Data.Labels is not null : Classes.Count > 0;

    /// <summary>The volumes beside the original; null where there is none.</summary>
    public IReadOnlyList<PlannedVolume>? Volumes { get; init; }

    /// <summary>
    /// Networks run over other volumes, whose predictions are what is labelled and scored; null where each network's prediction
    /// over its own volume is.
    /// </summary>
    public IReadOnlyList<PlannedApplication>? Applications { get; init; }

    /// <summary>What the author should know that the spec does not say, a sentence each; null when there is nothing.</summary>
    public IReadOnlyList<string>? Notes { get; init; }

    /// <summary>
    /// Names of the predictions of networks over their own volumes, on which thresholds are found: "multiclass", and "binary"
    /// where there are binary networks.
    /// </summary>
    public IEnumerable<string> Predictions() => Networks.Select(n => n.Prediction).Distinct();

    /// <summary>Names of the predictions that are labelled and, where there is truth, scored.</summary>
    public IEnumerable<string> Scored() => Applications?.Select(a => a.Prediction) ?? Predictions();

    /// <summary>The prediction whose thresholds a scored prediction is called by.</summary>
    public string ThresholdsOf(string prediction) => Application(prediction) is { } a ? Network(a.Network).Prediction : prediction;

    /// <summary>Every network over every volume it is run over.</summary>
    public IEnumerable<PlannedInference> Inferences() =>
    [
        .. Networks.Select(n => new PlannedInference(n.Name, n, n.Prediction, Volume(n.Volume ?? VolumeNames.Original), Applications is null)),
        .. (Applications ?? []).Select(a => new PlannedInference(a.Prediction, Network(a.Network), a.Prediction, Volume(a.Volume), true)),
    ];

    /// <summary>The inferences that make a prediction: one, or one per class.</summary>
    public IReadOnlyList<PlannedInference> InferencesOf(string prediction) => [.. Inferences().Where(i => i.Prediction == prediction)];

    /// <summary>The volume that a prediction is of.</summary>
    public PlannedVolume VolumeOf(string prediction) => InferencesOf(prediction)[0].Volume;

    /// <summary>Number of channels of a prediction's probabilities: the classes, or 1 for a single binary model.</summary>
    public int ChannelsOf(string prediction) =>
        InferencesOf(prediction) is [{ Network: { OutChannels: 1, Channel: 0 } }] ? 1 : Classes.Count;

    /// <summary>The volume of this name.</summary>
    public PlannedVolume Volume(string name) => name == VolumeNames.Original
        ? new PlannedVolume(name, Shape, Box3.Whole(Shape), VoxelSize, Chunk)
        : Volumes!.First(v => v.Name == name);

    /// <summary>True when the experiment has a volume of this name.</summary>
    public bool HasVolume(string name) => name == VolumeNames.Original || Volumes?.Any(v => v.Name == name) == true;

    /// <summary>The network of this name.</summary>
    public PlannedNetwork Network(string name) => Networks.First(n => n.Name == name);

    /// <summary>The inference that a stage with these arguments runs.</summary>
    public PlannedInference Inference(StageArguments arguments) =>
        Inferences().First(i => i.Name == (arguments.Prediction ?? arguments.Network));

    private PlannedApplication? Application(string prediction) => Applications?.FirstOrDefault(a => a.Prediction == prediction);
}

/// <summary>One network of an experiment.</summary>
/// <param name="Name">"multiclass" or "binary-&lt;class&gt;": file names and stage names.</param>
/// <param name="Prediction">The probability volume that it writes into.</param>
/// <param name="TargetClass">The class it calls against the rest; null for multiclass.</param>
/// <param name="Channel">The first channel that it writes.</param>
/// <param name="OutChannels">The number of channels it writes.</param>
/// <param name="Iterations">Training iterations; 0 for a model that is given.</param>
/// <param name="Volume">The volume that it is trained on and that its thresholds are found on; null: the original.</param>
public sealed record PlannedNetwork(string Name, string Prediction, int? TargetClass, int Channel, int OutChannels, int Iterations, string? Volume = null);

/// <summary>Which network, prediction or level a stage works on; for a network over another volume than its own both of the former.</summary>
public sealed record StageArguments(string? Network = null, string? Prediction = null, int? Level = null);
