// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Teravox.Contracts;

/// <summary>Ready-made experiments.</summary>
public enum Preset
{
    /// <summary>One multiclass network: trained, thresholds found, scored on the test region.</summary>
    Train,

    /// <summary>One multiclass network and one binary network per class, F1 side by side.</summary>
    Table4,

    /// <summary>A trained model over a volume without labels.</summary>
    Segment,
}

/// <summary>An experiment as its author writes it; docs/spec.md explains every field.</summary>
public sealed record ExperimentSpec
{
    /// <summary>Name for reports: letters, digits, '-', '_', '.'; 1..64 characters.</summary>
    public required string Name { get; init; }

    /// <summary>What to do.</summary>
    public Preset Preset { get; init; } = Preset.Train;

    /// <summary>Seed of weights, sampling and augmentation: the same seed on the CPU gives the same results.</summary>
    public ulong Seed { get; init; }

    /// <summary>Where raw and labels come from.</summary>
    public required DataSource Data { get; init; }

    /// <summary>Voxel size in nm; the stored volume's or the phantom's own when null, else 1 x 1 x 1.</summary>
    public VoxelSize? VoxelSize { get; init; }

    /// <summary>The classes; null takes them from classes.json beside the data, or from the phantom.</summary>
    public IReadOnlyList<ClassEntry>? Classes { get; init; }

    /// <summary>What a label value outside the class map becomes; used with <see cref="Classes"/>.</summary>
    public Unmapped Unmapped { get; init; } = Unmapped.Error;

    /// <summary>Label values that mean "not labelled"; used with <see cref="Classes"/>.</summary>
    public IReadOnlyList<int>? Ignore { get; init; }

    /// <summary>Which sections train and which test; null: the first 25/32 train, the rest test.</summary>
    public SplitOptions? Split { get; init; }

    /// <summary>The network.</summary>
    public UNetArchitecture Network { get; init; } = new();

    /// <summary>How it is trained.</summary>
    public TrainingOptions Training { get; init; } = new();

    /// <summary>Iterations of a binary network where they differ from the multiclass network's.</summary>
    public int? BinaryIterations { get; init; }

    /// <summary>How volumes are cut into tiles.</summary>
    public InferenceOptions Inference { get; init; } = new();

    /// <summary>How volumes are stored.</summary>
    public StorageOptions Storage { get; init; } = new();

    /// <summary>Path of a .safetensors model, for the preset segment only.</summary>
    public string? Model { get; init; }
}

/// <summary>
/// Where raw and labels come from. JSON: a path to a folder with raw/ and labels/ in it, or an object with
/// <c>raw</c> and <c>labels</c>, or an object with <c>phantom</c>.
/// </summary>
[JsonConverter(typeof(DataSourceJsonConverter))]
public sealed record DataSource
{
    /// <summary>A folder, zip or multi-page TIFF of slices, or an OME-Zarr.</summary>
    public string? Raw { get; init; }

    /// <summary>The same, with labels; null where nothing is labelled (preset segment).</summary>
    public string? Labels { get; init; }

    /// <summary>A generated volume instead of files.</summary>
    public PhantomSource? Phantom { get; init; }

    /// <summary>The folder that holds raw/, labels/ and perhaps classes.json, where one path was given.</summary>
    public string? Folder { get; init; }
}

/// <summary>A phantom: a generated, labelled volume.</summary>
public sealed record PhantomSource
{
    /// <summary>Shape (z, y, x), each at least 8.</summary>
    public Int3 Shape { get; init; } = new(32, 256, 256);

    /// <summary>The seed it grows from.</summary>
    public ulong Seed { get; init; } = 1;
}

/// <summary>Half-open ranges of z sections, [first, one past the last].</summary>
public sealed record SplitOptions
{
    /// <summary>Sections that train and that thresholds are found on.</summary>
    public required IReadOnlyList<int> Train { get; init; }

    /// <summary>Sections that are scored; must not meet the training sections.</summary>
    public required IReadOnlyList<int> Test { get; init; }
}

/// <summary>How volumes are cut into tiles.</summary>
public sealed record InferenceOptions
{
    /// <summary>Core of a tile (z, y, x); a multiple of chunk and network grid. Null: chosen.</summary>
    public Int3? Tile { get; init; }

    /// <summary>Halo (z, y, x) smaller than the network's exact reach, where speed matters more than seams. Null: exact.</summary>
    public Int3? Halo { get; init; }
}

/// <summary>How volumes are stored.</summary>
public sealed record StorageOptions
{
    /// <summary>Chunk (z, y, x). Null: chosen.</summary>
    public Int3? Chunk { get; init; }

    /// <summary>"blosc" or "zlib".</summary>
    public ChunkCompression Compression { get; init; } = ChunkCompression.Blosc;
}

/// <summary>How chunks are compressed.</summary>
public enum ChunkCompression
{
    /// <summary>Blosc with zstd and byte shuffling.</summary>
    Blosc,

    /// <summary>zlib.</summary>
    Zlib,
}

internal sealed class DataSourceJsonConverter : JsonConverter<DataSource>
{
    private sealed record Fields
    {
        public string? Raw { get; init; }
        public string? Labels { get; init; }
        public PhantomSource? Phantom { get; init; }
        public string? Folder { get; init; }
    }

    public override DataSource Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String)
            return new DataSource { Folder = reader.GetString() };
        var f = JsonSerializer.Deserialize<Fields>(ref reader, options) ?? throw new JsonException("expected a path or an object");
        return new DataSource { Raw = f.Raw, Labels = f.Labels, Phantom = f.Phantom, Folder = f.Folder };
    }

    public override void Write(Utf8JsonWriter writer, DataSource value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, new Fields { Raw = value.Raw, Labels = value.Labels, Phantom = value.Phantom, Folder = value.Folder }, options);
}
