// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>What packs the bytes of a chunk.</summary>
public enum CompressorKind
{
    /// <summary>Nothing: chunks are stored as they are.</summary>
    None,

    /// <summary>Blosc 1: shuffle, then lz4, lz4hc, zstd or zlib; blosclz and snappy are read, and written as lz4.</summary>
    Blosc,

    /// <summary>A zlib stream.</summary>
    Zlib,

    /// <summary>
    /// A gzip stream; read only from volumes that others wrote, but written too where such a volume is continued.
    /// </summary>
    Gzip,
}

/// <summary>How blosc rearranges bytes before it packs them.</summary>
public enum BloscShuffle
{
    /// <summary>Not at all.</summary>
    None = 0,

    /// <summary>The n-th bytes of all voxels together; does nothing for uint8.</summary>
    Byte = 1,

    /// <summary>The n-th bits of all voxels together.</summary>
    Bit = 2,
}

/// <summary>A chunk compressor and its settings, as in a Zarr v2 <c>.zarray</c>.</summary>
/// <param name="Kind">Which one.</param>
/// <param name="Codec">For blosc: "lz4", "lz4hc", "zstd", "zlib", "blosclz" or "snappy".</param>
/// <param name="Level">0..9; higher packs tighter and slower.</param>
/// <param name="Shuffle">For blosc.</param>
public sealed record Compressor(CompressorKind Kind, string Codec, int Level, BloscShuffle Shuffle)
{
    /// <summary>
    /// Blosc with zstd, level 1 and byte shuffle: what Teravox writes unless told otherwise. Probabilities and labels shrink
    /// well with it; raw grey levels of electron microscopy hardly shrink with anything, so a higher level only costs time.
    /// </summary>
    public static Compressor Default { get; } = Blosc();

    /// <summary>No compression.</summary>
    public static Compressor None { get; } = new(CompressorKind.None, "", 0, BloscShuffle.None);

    /// <summary>Blosc with one of its codecs, "zstd" or "lz4" as a rule, level 0..9.</summary>
    public static Compressor Blosc(string codec = "zstd", int level = 1, BloscShuffle shuffle = BloscShuffle.Byte) =>
        new(CompressorKind.Blosc, codec, level, shuffle);

    /// <summary>A zlib stream at level 0..9.</summary>
    public static Compressor Zlib(int level = 1) => new(CompressorKind.Zlib, "", level, BloscShuffle.None);

    /// <summary>The <c>compressor</c> field of a <c>.zarray</c>.</summary>
    internal JsonObject? ToJson() => Kind switch
    {
        CompressorKind.None => null,
        CompressorKind.Blosc => new JsonObject
        {
            ["id"] = "blosc",
            ["cname"] = Codec,
            ["clevel"] = Level,
            ["shuffle"] = (int)Shuffle,
            ["blocksize"] = 0,
        },
        CompressorKind.Zlib => new JsonObject { ["id"] = "zlib", ["level"] = Level },
        _ => new JsonObject { ["id"] = "gzip", ["level"] = Level },
    };

    /// <summary>Reads the <c>compressor</c> field of <paramref name="file"/>.</summary>
    /// <exception cref="InputException">An unknown compressor.</exception>
    internal static Compressor FromJson(JsonNode? json, string file)
    {
        if (json is null)
            return None;
        var id = json is JsonObject o ? o["id"]?.ToString() : null;
        switch (id)
        {
            case "zlib":
                return Zlib(Whole(json, "level", 1));
            case "gzip":
                return new(CompressorKind.Gzip, "", Whole(json, "level", 1), BloscShuffle.None);
            case "blosc":
                // -1 is numcodecs' automatic choice; it matters to writers only, the chunk itself says what was done.
                var shuffle = Whole(json, "shuffle", 1);
                return Blosc(json["cname"]?.ToString() ?? "lz4", Whole(json, "clevel", 5), shuffle is 0 or 2 ? (BloscShuffle)shuffle : BloscShuffle.Byte);
            default:
                throw new InputException(
                    $"{file}: compressor {json.ToJsonString(TeravoxJson.Compact)} is not supported; " +
                        "rewrite the volume with blosc, zlib, gzip or no compressor");
        }
    }

    private static int Whole(JsonNode json, string field, int fallback) =>
        json[field] is JsonValue v && v.GetValueKind() == JsonValueKind.Number && v.TryGetValue<int>(out var n) ? n : fallback;
}
