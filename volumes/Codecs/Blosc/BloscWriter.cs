// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Buffers.Binary;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>
/// Packs blosc 1 buffers that c-blosc and everything built on it reads. Blocks are cut as c-blosc 1.21 cuts them, so that readers which
/// unpack single blocks find the sizes they are used to. The same bytes always give the same buffer.
/// </summary>
internal static class BloscWriter
{
    /// <summary>Buffers below this are stored as they are.</summary>
    private const int MinBytes = 128;

    private const int FirstLevelCache = 32 << 10, MaxSplitBytes = 256 << 10, MinSplitBlock = 64 << 10, MaxSplitBlock = 1 << 20;

    /// <summary>The most bytes that this many bytes can take when packed.</summary>
    public static int Bound(int bytes) => checked(bytes + BloscHeader.Size);

    /// <summary>Packs; returns the number of bytes in <paramref name="packed"/>, which has room for <see cref="Bound"/>.</summary>
    /// <exception cref="InputException">An unknown codec.</exception>
    /// <exception cref="ArgumentException">A level outside 0..9, an element outside 1..255 bytes, nothing to pack, no room.</exception>
    public static int Compress(Compressor compressor, int typeSize, ReadOnlySpan<byte> bytes, Span<byte> packed)
    {
        var codec = BloscCodecs.Named(compressor.Codec);
        if (compressor.Level is < 0 or > 9)
            throw new ArgumentException("compressor blosc: the level must be 0..9", nameof(compressor));
        if (typeSize is < 1 or > 255)
            throw new ArgumentException("compressor blosc: an element has 1..255 bytes", nameof(typeSize));
        if (bytes.IsEmpty || bytes.Length > BloscHeader.MaxBytes || packed.Length < Bound(bytes.Length))
            throw new ArgumentException("compressor blosc: size out of range or buffer too small", nameof(packed));

        var blockBytes = BlockBytes(codec, compressor.Level, typeSize, bytes.Length);
        var header = new BloscHeader
        {
            TypeSize = typeSize,
            Bytes = bytes.Length,
            BlockBytes = blockBytes,
            PackedBytes = 0,
            Format = codec.Format,
            Shuffle = compressor.Shuffle,
            Split = IsSplit(codec, typeSize, blockBytes),
            IsStored = false,
        };
        var length = compressor.Level == 0 || bytes.Length < MinBytes
            ? 0
            : PackBlocks(codec, compressor.Level, header, bytes, packed[..Bound(bytes.Length)]);
        var stored = length == 0;
        if (stored)
        {
            bytes.CopyTo(packed[BloscHeader.Size..]);
            length = Bound(bytes.Length);
        }

        (header with { PackedBytes = length, IsStored = stored }).Write(packed);
        return length;
    }

    /// <summary>Packs block after block; 0 when all of them together do not shrink.</summary>
    private static int PackBlocks(BloscCodec codec, int level, in BloscHeader header, ReadOnlySpan<byte> bytes, Span<byte> packed)
    {
        if (header.FirstBlock > packed.Length)
            return 0;
        var at = (int)header.FirstBlock;
        var scratch = ArrayPool<byte>.Shared.Rent(header.BlockBytes);
        var planes = ArrayPool<byte>.Shared.Rent(header.BlockBytes);
        try
        {
            for (var block = 0; block < header.Blocks; block++)
            {
                BinaryPrimitives.WriteInt32LittleEndian(packed[(BloscHeader.Size + (4 * block))..], at);
                var start = block * header.BlockBytes;
                var from = bytes.Slice(start, Math.Min(header.BlockBytes, bytes.Length - start));
                var shuffled = Shuffled(header, from, scratch, planes);
                var splits = header.Split && from.Length == header.BlockBytes ? header.TypeSize : 1;
                var splitBytes = from.Length / splits;
                for (var split = 0; split < splits; split++)
                {
                    if (!TryPackSplit(codec, level, shuffled.Slice(split * splitBytes, splitBytes), packed, ref at))
                        return 0;
                }
            }

            return at;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
            ArrayPool<byte>.Shared.Return(planes);
        }
    }

    private static ReadOnlySpan<byte> Shuffled(in BloscHeader header, ReadOnlySpan<byte> from, byte[] scratch, byte[] planes)
    {
        var into = scratch.AsSpan(0, from.Length);
        switch (header.Shuffle)
        {
            case BloscShuffle.Byte when header.TypeSize > 1:
                ByteShuffle.Do(header.TypeSize, from, into);
                return into;
            case BloscShuffle.Bit:
                BitShuffle.Do(header.TypeSize, from, into, planes.AsSpan(0, from.Length));
                return into;
            default:
                return from;
        }
    }

    private static bool TryPackSplit(BloscCodec codec, int level, ReadOnlySpan<byte> from, Span<byte> packed, ref int at)
    {
        var room = Math.Min(from.Length, packed.Length - at - 4);
        if (room <= 0)
            return false;
        var into = packed.Slice(at + 4, room);
        var length = codec.Pack(from, level, into);

        // A part of its unpacked size counts as stored, so a packed one may not be as long.
        if (length == 0 || length == from.Length)
        {
            if (!from.TryCopyTo(into))
                return false;
            length = from.Length;
        }

        BinaryPrimitives.WriteInt32LittleEndian(packed[at..], length);
        at += 4 + length;
        return true;
    }

    private static bool IsSplit(BloscCodec codec, int typeSize, int blockBytes) =>
        codec.Format != BloscFormat.Zstd && BloscHeader.CanSplit(typeSize, blockBytes);

    /// <summary>Small blocks at low levels, which stay in the cache; twice as large for codecs that pack tightly.</summary>
    private static int BlockBytes(BloscCodec codec, int level, int typeSize, int bytes)
    {
        if (bytes < typeSize)
            return 1;
        var block = bytes;
        if (bytes >= FirstLevelCache)
        {
            block = codec.PacksTightly ? 2 * FirstLevelCache : FirstLevelCache;
            block = level switch
            {
                0 => block / 4,
                1 => block / 2,
                2 => block,
                3 => block * 2,
                4 or 5 => block * 4,
                9 when codec.PacksTightly => block * 16,
                _ => block * 8,
            };
        }

        if (level > 0 && IsSplit(codec, typeSize, block))
            block = Math.Clamp(Math.Min(block, MaxSplitBytes) * typeSize, MinSplitBlock, MaxSplitBlock);
        block = Math.Min(block, bytes);
        return block > typeSize ? block / typeSize * typeSize : block;
    }
}
