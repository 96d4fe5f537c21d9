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

    /// <summary>
    /// One multiclass network, run on the original test sections and on the same sections degraded and brought back, by bicubic
    /// enlargement and by super-resolution.
    /// </summary>
    Table5,

    /// <summary>Networks trained on degraded sections brought back by bicubic enlargement and by super-resolution, scored on the original.</summary>
    Table6,

    /// <summary>A volume enlarged by super-resolution, section by section.</summary>
    [JsonStringEnumMemberName("super-resolve")]
    SuperResolve,
}

/// <summary>What presets have in common.</summary>
public static class Presets
{
    /// <summary>True for presets that train and score, for which every section needs labels.</summary>
    public static bool NeedsLabels(this Preset preset) => preset is not (Preset.Segment or Preset.SuperResolve);

    /// <summary>True for the presets that compare an original with sections degraded and brought back.</summary>
    public static bool Degrades(this Preset preset) => preset is Preset.Table5 or Preset.Table6;
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

    /// <summary>Path of a .safetensors model, for the preset segment only; on a cluster also "model:NAME".</summary>
    public string? Model { get; init; }

    /// <summary>How sections are degraded, for the presets table5 and table6; their defaults when null.</summary>
    public DegradeOptions? Degrade { get; init; }

    /// <summary>How sections are super-resolved, for the presets table5, table6 and super-resolve; their defaults when null.</summary>
    public SuperResolveOptions? SuperResolve { get; init; }

    /// <summary>What training, inference and super-resolution need of a silo, where that matters.</summary>
    public NeedsOptions Needs { get; init; } = new();

    /// <summary>How often an item may be lost or fail before it is given up.</summary>
    public LimitsOptions Limits { get; init; } = new();
}

/// <summary>When an item is given up, and with it its experiment.</summary>
public sealed record LimitsOptions
{
    /// <summary>Times that an item's work may fail, 1..1000.</summary>
    public int Failures { get; init; } = 3;

    /// <summary>
    /// Times that an item's silo may die or fall silent while it has the item, 1..1000; a training run's count begins anew
    /// with each checkpoint. The limit keeps an item that kills silos from killing all of them; where machines are taken
    /// away all the time, a larger one keeps chance from looking like poison.
    /// </summary>
    public int Deaths { get; init; } = 5;
}

/// <summary>What a silo must have to run an experiment's training, inference and super-resolution.</summary>
public sealed record NeedsOptions
{
    /// <summary>True: a CUDA device.</summary>
    public bool Gpu { get; init; }

    /// <summary>Device memory, bytes; 0 takes any.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>A tag "k=v" that the silo must carry, or null.</summary>
    public string? Tag { get; init; }
}

/// <summary>
/// Where raw and labels come from. JSON: a path to a folder with raw/ and labels/ in it, or an object with
/// <c>raw</c> and <c>labels</c>, or an object with <c>phantom</c>, or on a cluster an object with <c>volume</c>.
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

    /// <summary>Name of a volume of the cluster, instead of paths.</summary>
    public string? Volume { get; init; }

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
        public string? Volume { get; init; }
        public string? Folder { get; init; }
    }

    public override DataSource Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String)
            return new DataSource { Folder = reader.GetString() };
        var f = JsonSerializer.Deserialize<Fields>(ref reader, options) ?? throw new JsonException("expected a path or an object");
        return new DataSource { Raw = f.Raw, Labels = f.Labels, Phantom = f.Phantom, Volume = f.Volume, Folder = f.Folder };
    }

    public override void Write(Utf8JsonWriter writer, DataSource value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, new Fields { Raw = value.Raw, Labels = value.Labels, Phantom = value.Phantom, Volume = value.Volume, Folder = value.Folder }, options);
}
