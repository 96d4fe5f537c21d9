// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>
/// The metadata of one Zarr v2 array: what its <c>.zarray</c> says. Any number of dimensions; the last three are
/// (z, y, x). Holds no voxels and opens no chunk.
/// </summary>
internal sealed class ZarrArray
{
    /// <summary>Chunks above this many bytes are refused: such a header is damaged or not meant for block-wise reading.</summary>
    public const long MaxChunkBytes = 1L << 30;

    public required string Directory { get; init; }

    public required int[] Shape { get; init; }

    public required int[] Chunks { get; init; }

    public required VoxelType Type { get; init; }

    public bool BigEndian { get; init; }

    public char Separator { get; init; } = '/';

    public required Compressor Compressor { get; init; }

    /// <summary>What voxels of a missing chunk are.</summary>
    public ushort FillValue { get; init; }

    public string MetadataFile => Path.Combine(Directory, ".zarray");

    /// <summary>Bytes of a chunk before compression; chunks at the border are as large as the others.</summary>
    public int ChunkBytes => checked((int)(Chunks.Aggregate(1L, static (a, b) => a * b) * Type.Bytes()));

    /// <summary>The file of the chunk at these chunk coordinates, one per dimension.</summary>
    public string ChunkFile(ReadOnlySpan<int> position)
    {
        var text = new System.Text.StringBuilder(Directory).Append(Path.DirectorySeparatorChar);
        for (var i = 0; i < position.Length; i++)
        {
            if (i > 0)
                text.Append(Separator);
            text.Append(CultureInfo.InvariantCulture, $"{position[i]}");
        }

        return text.ToString();
    }

    public string ToJson()
    {
        var json = new JsonObject
        {
            ["zarr_format"] = 2,
            ["shape"] = Numbers(Shape),
            ["chunks"] = Numbers(Chunks),
            ["dtype"] = Type == VoxelType.UInt8 ? "|u1" : BigEndian ? ">u2" : "<u2",
            ["compressor"] = Compressor.ToJson(),
            ["fill_value"] = (int)FillValue,
            ["order"] = "C",
            ["filters"] = null,
            ["dimension_separator"] = Separator.ToString(),
        };
        return json.ToJsonString(TeravoxJson.Indented) + "\n";
    }

    /// <summary>Reads <c>.zarray</c> of an array directory.</summary>
    /// <exception cref="InputException">
    /// No such file, not JSON, or something that this reader does not know; names file and field.
    /// </exception>
    public static ZarrArray Load(string directory)
    {
        var file = Path.Combine(directory, ".zarray");
        var json = JsonFile.ReadObject(file);
        if (Whole(json, file, "zarr_format") != 2)
            throw new InputException($"{file}: zarr_format is {json["zarr_format"]}; " +
                "only Zarr v2 is read, convert the volume to v2");
        var shape = Dimensions(json, file, "shape");
        var chunks = Dimensions(json, file, "chunks");
        if (shape.Length is < 3 or > 5)
            throw new InputException($"{file}: shape has {shape.Length} dimensions; a volume has (z, y, x) or (c, z, y, x)");
        if (chunks.Length != shape.Length)
            throw new InputException($"{file}: chunks has {chunks.Length} entries, shape has {shape.Length}; they must agree");
        var order = json["order"]?.ToString() ?? "C";
        if (order != "C")
            throw new InputException($"{file}: order is {order}; only C order is read, rewrite the volume");
        if (json["filters"] is JsonArray { Count: > 0 } filters)
            throw new InputException($"{file}: filters {filters.ToJsonString(TeravoxJson.Compact)} are not supported; " +
                "rewrite the volume without filters");
        var (type, bigEndian) = (json["dtype"] is JsonValue v ? v.ToString() : null) switch
        {
            "|u1" or "<u1" or ">u1" => (VoxelType.UInt8, false),
            "<u2" => (VoxelType.UInt16, false),
            ">u2" => (VoxelType.UInt16, true),
            _ => throw new InputException($"{file}: dtype is {json["dtype"]?.ToJsonString(TeravoxJson.Compact) ?? "missing"}; " +
                "only 8 and 16-bit unsigned voxels are read"),
        };
        if (chunks.Aggregate(1.0, static (a, b) => a * b) * type.Bytes() > MaxChunkBytes)
            throw new InputException($"{file}: a chunk of {string.Join('x', chunks)} voxels is larger than 1 GiB; " +
                "rewrite the volume with smaller chunks");
        var separator = json["dimension_separator"]?.ToString() ?? ".";
        if (separator is not ("." or "/"))
            throw new InputException($"{file}: dimension_separator is '{separator}'; it must be '.' or '/'");
        return new ZarrArray
        {
            Directory = directory,
            Shape = shape,
            Chunks = chunks,
            Type = type,
            BigEndian = bigEndian,
            Separator = separator[0],
            Compressor = Compressor.FromJson(json["compressor"], file),
            FillValue = Fill(json["fill_value"], file, type),
        };
    }

    private static JsonArray Numbers(int[] values) => new([.. values.Select(static v => (JsonNode)v)]);

    private static int Whole(JsonObject json, string file, string field) =>
        json[field] is JsonValue v && v.TryGetValue<int>(out var n) ? n : throw new InputException($"{file}: " +
            $"{field} is not a whole number");

    private static int[] Dimensions(JsonObject json, string file, string field)
    {
        if (json[field] is not JsonArray array)
            throw new InputException($"{file}: {field} is not a list of whole numbers");
        var values = new int[array.Count];
        for (var i = 0; i < values.Length; i++)
        {
            if (array[i] is not JsonValue v || !v.TryGetValue(out values[i]) || values[i] < 1)
                throw new InputException($"{file}: {field} is {array.ToJsonString()}; " +
                    $"every entry must be a whole number from 1 to {int.MaxValue}");
        }

        return values;
    }

    private static ushort Fill(JsonNode? fill, string file, VoxelType type)
    {
        if (fill is null)
            return 0;
        if (fill is JsonValue v && v.GetValueKind() == JsonValueKind.Number && v.TryGetValue<double>(out var n)
            && n == Math.Floor(n) && n >= 0 && n < type.Levels())
            return (ushort)n;
        throw new InputException($"{file}: fill_value is {fill.ToJsonString(TeravoxJson.Compact)}; " +
            "it must be a grey level of the voxel type");
    }
}
