// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Contracts.Api;

/// <summary>A volume of the cluster; a spec names it as <c>"data": {"volume": NAME}</c>.</summary>
[GenerateSerializer]
[Immutable]
public sealed record VolumeInfo
{
    /// <summary>Its number.</summary>
    [Id(0)]
    public long Id { get; init; }

    /// <summary>Unique; letters, digits, '-', '_', '.'; 1..64 characters.</summary>
    [Id(1)]
    public required string Name { get; init; }

    /// <summary>Where raw lies: a folder, zip or multi-page TIFF of slices, or an OME-Zarr.</summary>
    [Id(2)]
    public required string Raw { get; init; }

    /// <summary>Where the labels lie, the same; null when nothing is labelled.</summary>
    [Id(3)]
    public string? Labels { get; init; }

    /// <summary>Where the class map of the labels lies; null when there is none.</summary>
    [Id(4)]
    public string? Classes { get; init; }

    /// <summary>Shape (z, y, x), voxels.</summary>
    [Id(5)]
    public required Int3 Shape { get; init; }

    /// <summary>uint8 or uint16.</summary>
    [Id(6)]
    public required VoxelType Type { get; init; }

    /// <summary>Voxel size in nm.</summary>
    [Id(7)]
    public required VoxelSize VoxelSize { get; init; }

    /// <summary>Name of the key that registered it; null without keys.</summary>
    [Id(8)]
    public string? Owner { get; init; }

    /// <summary>When, UTC.</summary>
    [Id(9)]
    public DateTimeOffset Created { get; init; }
}

/// <summary>Asks to register a volume that lies under a configured root.</summary>
[GenerateSerializer]
[Immutable]
public sealed record RegisterVolume
{
    /// <summary>As <see cref="VolumeInfo.Name"/>.</summary>
    [Id(0)]
    public required string Name { get; init; }

    /// <summary>Absolute, or relative to the first root: a folder with raw/ and labels/, or raw itself.</summary>
    [Id(1)]
    public required string Path { get; init; }

    /// <summary>Labels, where they do not lie beside raw.</summary>
    [Id(2)]
    public string? Labels { get; init; }

    /// <summary>nm; the stored volume's own when left out, else 1 x 1 x 1.</summary>
    [Id(3)]
    public VoxelSize? VoxelSize { get; init; }
}

/// <summary>What a volume's grey levels are like.</summary>
/// <param name="Mean">Mean grey level.</param>
/// <param name="Std">Standard deviation.</param>
/// <param name="Min">Smallest level there is.</param>
/// <param name="Max">Largest level there is.</param>
/// <param name="Histogram">Voxels per grey level, or per 256 levels of uint16; 256 counts.</param>
/// <param name="Slices">z sections that were read: all, or evenly spread ones of a large volume.</param>
[GenerateSerializer]
[Immutable]
public sealed record VolumeStatistics(double Mean, double Std, int Min, int Max, IReadOnlyList<long> Histogram, int Slices);

/// <summary>Announces files that will be uploaded and become a volume: raw/..., labels/..., classes.json.</summary>
public sealed record NewUpload
{
    /// <summary>Name of the volume to be.</summary>
    public required string Name { get; init; }

    /// <summary>All files, each path relative with '/', first part "raw" or "labels", or "classes.json".</summary>
    public required IReadOnlyList<UploadFile> Files { get; init; }

    /// <summary>nm, as in <see cref="RegisterVolume.VoxelSize"/>.</summary>
    public VoxelSize? VoxelSize { get; init; }
}

/// <summary>A file of an upload.</summary>
/// <param name="Path">Relative, with '/': "raw/z0001.tif".</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">Hex; checked at the end when given.</param>
public sealed record UploadFile(string Path, long Bytes, string? Sha256 = null);

/// <summary>How far an upload is. After a break, ask for this and go on at <see cref="UploadedFile.Received"/>.</summary>
public sealed record UploadInfo
{
    /// <summary>Its number.</summary>
    public required long Id { get; init; }

    /// <summary>Name of the volume to be.</summary>
    public required string Name { get; init; }

    /// <summary>Most bytes of a slab, one PUT.</summary>
    public required int SlabBytes { get; init; }

    /// <summary>The files with what has arrived of them.</summary>
    public required IReadOnlyList<UploadedFile> Files { get; init; }

    /// <summary>True when all has arrived.</summary>
    public bool Complete => Files.All(f => f.Received == f.Bytes);
}

/// <summary>What has arrived of a file.</summary>
public sealed record UploadedFile(string Path, long Bytes, long Received);

/// <summary>A model of the cluster; a spec names it as <c>"model": "model:NAME"</c>.</summary>
public sealed record ModelInfo
{
    /// <summary>Its number.</summary>
    public long Id { get; init; }

    /// <summary>Unique; as <see cref="VolumeInfo.Name"/>.</summary>
    public required string Name { get; init; }

    /// <summary>Where the .safetensors file lies.</summary>
    public required string Path { get; init; }

    /// <summary>SHA-256 of the file, hex.</summary>
    public required string Sha256 { get; init; }

    /// <summary>What the file says of itself; null for imported checkpoints.</summary>
    public ModelCard? Card { get; init; }

    /// <summary>The experiment that trained it.</summary>
    public long? Experiment { get; init; }

    /// <summary>Name of the key that registered it; null without keys.</summary>
    public string? Owner { get; init; }

    /// <summary>When, UTC.</summary>
    public DateTimeOffset Created { get; init; }
}

/// <summary>Asks to register a model: from an experiment's results, or a file under a configured root.</summary>
public sealed record RegisterModel
{
    /// <summary>As <see cref="ModelInfo.Name"/>.</summary>
    public required string Name { get; init; }

    /// <summary>The experiment that trained it, with <see cref="Network"/>; or null with <see cref="Path"/>.</summary>
    public long? Experiment { get; init; }

    /// <summary>"multiclass" or "binary-CLASS".</summary>
    public string? Network { get; init; }

    /// <summary>A .safetensors file under a configured root.</summary>
    public string? Path { get; init; }
}
