// SPDX-License-Identifier: Apache-2.0
using K4os.Compression.LZ4;
using Teravox.Contracts;
using ZstdSharp;

namespace Teravox.Volumes;

/// <summary>Packs one part of a block; returns the number of bytes, or 0 when they have no room in <paramref name="packed"/>.</summary>
internal delegate int PackPart(ReadOnlySpan<byte> bytes, int level, Span<byte> packed);

/// <summary>A codec as a <c>.zarray</c> names it.</summary>
/// <param name="Format">What it writes.</param>
/// <param name="PacksTightly">Whether it is slow and made for large blocks.</param>
/// <param name="Pack">How it packs.</param>
internal sealed record BloscCodec(BloscFormat Format, bool PacksTightly, PackPart Pack);

/// <summary>The codecs of blosc.</summary>
internal static class BloscCodecs
{
    private static readonly BloscCodec Lz4 = new(BloscFormat.Lz4, false, static (bytes, _, packed) => Math.Max(0, LZ4Codec.Encode(bytes, packed)));

    private static readonly Dictionary<string, BloscCodec> All = new(StringComparer.Ordinal)
    {
        ["lz4"] = Lz4,
        ["lz4hc"] = new(BloscFormat.Lz4, true, static (bytes, level, packed) => Math.Max(0, LZ4Codec.Encode(bytes, packed, (LZ4Level)Math.Max(level, (int)LZ4Level.L03_HC)))),
        ["zlib"] = new(BloscFormat.Zlib, true, Zlib.Deflate),
        ["zstd"] = new(BloscFormat.Zstd, true, PackZstd),

        // Only read: a buffer says itself how it is packed, and lz4 is as fast and packs better.
        ["blosclz"] = Lz4,
        ["snappy"] = Lz4,
    };

    // Making a context costs more than packing a block with it.
    [ThreadStatic]
    private static ZstdSharp.Compressor? _zstd;

    [ThreadStatic]
    private static Decompressor? _unzstd;

    /// <summary>The codec of this name.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public static BloscCodec Named(string name) => All.TryGetValue(name, out var codec)
        ? codec
        : throw new InputException($"compressor blosc: there is no codec {name}; use one of {string.Join(", ", All.Keys)}");

    /// <summary>Unpacks a part that holds exactly <paramref name="bytes"/>.Length bytes; false when it does not.</summary>
    public static bool TryUnpack(BloscFormat format, ReadOnlySpan<byte> packed, Span<byte> bytes) => format switch
    {
        BloscFormat.BloscLz => BloscLz.TryUnpack(packed, bytes),
        BloscFormat.Lz4 => LZ4Codec.Decode(packed, bytes) == bytes.Length,
        BloscFormat.Snappy => Snappy.TryUnpack(packed, bytes),
        BloscFormat.Zlib => Zlib.TryInflate(packed, bytes),
        BloscFormat.Zstd => TryUnpackZstd(packed, bytes),
        _ => false,
    };

    private static int PackZstd(ReadOnlySpan<byte> bytes, int level, Span<byte> packed)
    {
        _zstd ??= new ZstdSharp.Compressor();
        _zstd.Level = level < 9 ? (level * 2) - 1 : ZstdSharp.Compressor.MaxCompressionLevel;
        return _zstd.TryWrap(bytes, packed, out var written) ? written : 0;
    }

    private static bool TryUnpackZstd(ReadOnlySpan<byte> packed, Span<byte> bytes)
    {
        _unzstd ??= new Decompressor();
        try
        {
            return _unzstd.TryUnwrap(packed, bytes, out var written) && written == bytes.Length;
        }
        catch (ZstdException)
        {
            return false;
        }
    }
}
