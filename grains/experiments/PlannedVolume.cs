// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Serialization;
using Teravox.Contracts;

namespace Teravox.Grains;

/// <summary>Names of the volumes of an experiment.</summary>
public static class VolumeNames
{
    /// <summary>What was imported.</summary>
    public const string Original = "original";

    /// <summary>The original's training sections, its test sections: each as a volume that knows nothing of the rest.</summary>
    public const string Train = "train", Test = "test";

    /// <summary>Sections of the original, degraded.</summary>
    public const string LowRes = "lowres";

    /// <summary>Low-resolution sections, enlarged by bicubic interpolation.</summary>
    public const string Lr = "lr";

    /// <summary>Low-resolution sections, enlarged by super-resolution.</summary>
    public const string Boosted = "boosted";
}

/// <summary>
/// A volume of an experiment. What shows a part of the original only is a volume of its own: mirrored at its own first and last
/// section, normalised by its own statistics.
/// </summary>
/// <param name="Name">One of <see cref="VolumeNames"/>.</param>
/// <param name="Shape">Shape (z, y, x) in its own voxels.</param>
/// <param name="Region">The part of the original that it shows, in the original's voxels.</param>
/// <param name="VoxelSize">Its own, in nm.</param>
/// <param name="Chunk">Chunk (z, y, x) that it is stored in; a section thick where sections are work items.</param>
public sealed record PlannedVolume(string Name, Int3 Shape, Box3 Region, VoxelSize VoxelSize, Int3 Chunk)
{
    /// <summary>True for parts of the original that have no voxels of their own.</summary>
    [JsonIgnore]
    public bool IsView => Name is VolumeNames.Train or VolumeNames.Test;

    /// <summary>The part of a box of the original that lies in this volume, in its own voxels; for volumes of the original's resolution.</summary>
    public Box3 Own(Box3 original)
    {
        var both = original.Intersect(Region);
        return both with { Start = both.Start - Region.Start };
    }

    /// <summary>Where a box of this volume lies in the original; for volumes of the original's resolution.</summary>
    public Box3 InOriginal(Box3 own) => own with { Start = own.Start + Region.Start };
}

/// <summary>A trained network that is run over another volume than it was trained on.</summary>
/// <param name="Prediction">Name of the prediction that comes of it.</param>
/// <param name="Network">The network.</param>
/// <param name="Volume">The volume it is run over.</param>
public sealed record PlannedApplication(string Prediction, string Network, string Volume);

/// <summary>One network over one volume: a stage.</summary>
/// <param name="Name">What the stage is called by: the network, or the prediction of an application.</param>
/// <param name="Network">The network.</param>
/// <param name="Prediction">The prediction that it is, or is a part of.</param>
/// <param name="Volume">The volume.</param>
/// <param name="IsKept">False where only the counts are wanted, to find thresholds by.</param>
public sealed record PlannedInference(string Name, PlannedNetwork Network, string Prediction, PlannedVolume Volume, bool IsKept);
