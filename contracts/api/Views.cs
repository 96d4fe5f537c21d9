// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Serialization;

namespace Teravox.Contracts.Api;

/// <summary>What there is to look at of an experiment or a volume.</summary>
public sealed record ViewsInfo
{
    /// <summary>Shape (z, y, x) of the volume, voxels.</summary>
    public required Int3 Shape { get; init; }

    /// <summary>Voxel size in nm.</summary>
    public required VoxelSize VoxelSize { get; init; }

    /// <summary>The classes by id; none where there is no class map.</summary>
    public required IReadOnlyList<ViewClass> Classes { get; init; }

    /// <summary>Where was trained, in voxels of the volume; null where nothing was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public Box3? Train { get; init; }

    /// <summary>Where was tested, likewise.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public Box3? Test { get; init; }

    /// <summary>What can be looked at by now.</summary>
    public required IReadOnlyList<ViewInfo> Views { get; init; }
}

/// <summary>A class as it is shown.</summary>
/// <param name="Id">Class id.</param>
/// <param name="Name">Class name.</param>
/// <param name="Colour">"#rrggbb".</param>
public sealed record ViewClass(int Id, string Name, string Colour);

/// <summary>A volume to look at, served as OME-Zarr.</summary>
public sealed record ViewInfo
{
    /// <summary>"raw", "truth", "labels", "probabilities-binary" ...; unique among the views.</summary>
    public required string Name { get; init; }

    /// <summary>"image", "labels" or "probabilities".</summary>
    public required string Kind { get; init; }

    /// <summary>The prediction that it shows; null for what is no prediction.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Prediction { get; init; }

    /// <summary>Where its OME-Zarr lies: path on this server, without a slash at its end.</summary>
    public required string Url { get; init; }

    /// <summary>Where its first voxel lies (z, y, x), in voxels of the volume.</summary>
    public required Int3 Start { get; init; }

    /// <summary>"uint8" or "uint16".</summary>
    public required string Type { get; init; }

    /// <summary>Number of channels, one a class for probabilities.</summary>
    public required int Channels { get; init; }

    /// <summary>Resolutions that are whole, the finest first.</summary>
    public required IReadOnlyList<ViewLevel> Levels { get; init; }

    /// <summary>False while voxels are still being written.</summary>
    public required bool Ready { get; init; }
}

/// <summary>One resolution of a view.</summary>
/// <param name="Path">Of its array, under the view's url.</param>
/// <param name="Shape">Shape (z, y, x), voxels.</param>
/// <param name="VoxelSize">nm.</param>
/// <param name="Chunk">Chunk (z, y, x), voxels.</param>
[GenerateSerializer]
[Immutable]
public sealed record ViewLevel(string Path, Int3 Shape, VoxelSize VoxelSize, Int3 Chunk);

/// <summary>A prediction's outputs against the truth, as far as they are counted.</summary>
/// <param name="Classes">The classes that something was counted of.</param>
public sealed record CountsInfo(IReadOnlyList<ClassCounts> Classes);

/// <summary>Counts of one class.</summary>
/// <param name="Id">Class id.</param>
/// <param name="Train">In the training region; all 0 where the prediction does not reach it.</param>
/// <param name="Test">In the test region, likewise.</param>
public sealed record ClassCounts(int Id, GreyCounts Train, GreyCounts Test);

/// <summary>Voxels by the grey level 0..255 of the class's output; voxels that nobody labelled are left out.</summary>
/// <param name="Yes">Those that are of the class, 256 counts.</param>
/// <param name="No">Those that are not, 256 counts.</param>
public sealed record GreyCounts(IReadOnlyList<long> Yes, IReadOnlyList<long> No);

/// <summary>How the losses of an experiment's networks fell.</summary>
/// <param name="Networks">The networks that are trained, in order.</param>
public sealed record LossesInfo(IReadOnlyList<NetworkLosses> Networks);

/// <summary>Losses of one network.</summary>
/// <param name="Name">"multiclass" or "binary-CLASS".</param>
/// <param name="Iterations">Iterations that it is trained for.</param>
/// <param name="Done">Iterations that the losses are of: up to its newest checkpoint while it trains.</param>
/// <param name="Losses">Mean loss of each of at most 2000 equal spans of the iterations done.</param>
public sealed record NetworkLosses(string Name, int Iterations, int Done, IReadOnlyList<double> Losses);
