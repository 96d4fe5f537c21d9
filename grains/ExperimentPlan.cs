// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Grains;

/// <summary>
/// A spec that was checked whole, with everything that its stages need to know worked out: the ledger keeps it as the
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

    /// <summary>Names of the predictions: "multiclass", and "binary" where there are binary networks.</summary>
    public IEnumerable<string> Predictions() => Networks.Select(n => n.Prediction).Distinct();

    /// <summary>Number of channels of a prediction's probabilities: the classes, or 1 for a single binary model.</summary>
    public int ChannelsOf(string prediction)
    {
        var networks = Networks.Where(n => n.Prediction == prediction).ToList();
        return networks is [{ OutChannels: 1, Channel: 0 }] ? 1 : Classes.Count;
    }

    /// <summary>The network of this name.</summary>
    public PlannedNetwork Network(string name) => Networks.First(n => n.Name == name);
}

/// <summary>One network of an experiment.</summary>
/// <param name="Name">"multiclass" or "binary-&lt;class&gt;": file names and stage names.</param>
/// <param name="Prediction">The probability volume that it writes into.</param>
/// <param name="TargetClass">The class it calls against the rest; null for multiclass.</param>
/// <param name="Channel">The first channel that it writes.</param>
/// <param name="OutChannels">The number of channels it writes.</param>
/// <param name="Iterations">Training iterations; 0 for a model that is given.</param>
public sealed record PlannedNetwork(string Name, string Prediction, int? TargetClass, int Channel, int OutChannels, int Iterations);

/// <summary>Which network or prediction a stage works on.</summary>
public sealed record StageArguments(string? Network = null, string? Prediction = null);
