// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Contracts;

/// <summary>What a model file says of itself beside its weights and architecture: JSON in the safetensors header, key "teravox.card".</summary>
public sealed record ModelCard
{
    /// <summary>"multiclass" or "binary-&lt;class&gt;".</summary>
    public required string Name { get; init; }

    /// <summary>All classes of the class map the model was trained with.</summary>
    public required IReadOnlyList<ClassEntry> Classes { get; init; }

    /// <summary>The class a one-output network calls against the rest; null for multiclass.</summary>
    public int? TargetClass { get; init; }

    /// <summary>How voxels become input: "standardise" = (voxel - mean) / std of the whole volume.</summary>
    public string Normalisation { get; init; } = "standardise";

    /// <summary>
    /// What the model was trained on where that was not the original: "lr" or "boosted", sections degraded and brought back.
    /// </summary>
    public string? Volume { get; init; }

    /// <summary>Voxel size of the training volume in nm.</summary>
    public VoxelSize VoxelSize { get; init; } = VoxelSize.Unit;

    /// <summary>Grey level 1..255 per output channel at and above which a voxel is called; null before thresholds were found.</summary>
    public IReadOnlyList<int>? Thresholds { get; init; }

    /// <summary>How it was trained.</summary>
    public TrainingOptions? Training { get; init; }

    /// <summary>Seed of weights, sampling and augmentation.</summary>
    public ulong Seed { get; init; }

    /// <summary>SHA-256 of what it was trained on: raw and labels as stored, hex.</summary>
    public IReadOnlyDictionary<string, string>? Inputs { get; init; }
}
