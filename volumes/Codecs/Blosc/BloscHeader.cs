// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;

namespace Teravox.Volumes;

/// <summary>How the blocks of a blosc buffer are packed: the upper three bits of its flags.</summary>
internal enum BloscFormat
{
    BloscLz = 0,

    /// <summary>What lz4 and lz4hc write.</summary>
    Lz4 = 1,
    Snappy = 2,
    Zlib = 3,
    Zstd = 4,
}

/// <summary>
/// The 16 bytes that a blosc 1 buffer begins with: version, version of the codec, flags, bytes of an element, then three little-endian
/// numbers: unpacked size, size of a block, packed size. The starts of the blocks follow, 4 bytes each. A block is one packed part, or
/// as many as an element has bytes; each has its packed size before it, and is stored as it is when that is its unpacked size.
/// </summary>
internal readonly record struct BloscHeader
{
    public const int Size = 16;

    /// <summary>The largest buffer that blosc takes.</summary>
    public const int MaxBytes = int.MaxValue - Size;

    /// <summary>The most splits of a block, and the least bytes of one.</summary>
    private const int MaxSplits = 16, MinSplitBytes = 128;

    private const byte Version = 2, CodecVersion = 1;
    private const byte ByteShuffled = 0x01, Stored = 0x02, BitShuffled = 0x04, Reserved = 0x08, NotSplit = 0x10;

    public required int TypeSize { get; init; }

    /// <summary>Unpacked size.</summary>
    public required int Bytes { get; init; }

    public required int BlockBytes { get; init; }

    /// <summary>Packed size, this header included.</summary>
    public required int PackedBytes { get; init; }

    public required BloscFormat Format { get; init; }

    public required BloscShuffle Shuffle { get; init; }

    /// <summary>Whether blocks are split into as many parts as an element has bytes.</summary>
    public required bool Split { get; init; }

    /// <summary>Whether the bytes follow as they are.</summary>
    public required bool IsStored { get; init; }

    /// <summary>Whether this reader knows the codec's version and all flags.</summary>
    public bool IsKnown { get; private init; }

    public int Blocks => (int)(((long)Bytes + BlockBytes - 1) / BlockBytes);

    /// <summary>Where the first block can lie: after the starts of all.</summary>
    public long FirstBlock => Size + (4L * Blocks);

    /// <summary>Whether a block of this many bytes may be split; buffers older than the flag for it go by this alone.</summary>
    public static bool CanSplit(int typeSize, int blockBytes) => typeSize <= MaxSplits && blockBytes / typeSize >= MinSplitBytes;

    /// <summary>Reads the header of a whole buffer; false when the bytes are none.</summary>
    public static bool TryRead(ReadOnlySpan<byte> packed, out BloscHeader header)
    {
        header = default;
        if (packed.Length < Size || packed[0] != Version)
            return false;
        var flags = packed[2];
        header = new BloscHeader
        {
            TypeSize = packed[3],
            Bytes = BinaryPrimitives.ReadInt32LittleEndian(packed[4..]),
            BlockBytes = BinaryPrimitives.ReadInt32LittleEndian(packed[8..]),
            PackedBytes = BinaryPrimitives.ReadInt32LittleEndian(packed[12..]),
            Format = (BloscFormat)(flags >> 5),
            Shuffle = (flags & ByteShuffled) != 0 ? BloscShuffle.Byte : (flags & BitShuffled) != 0 ? BloscShuffle.Bit : BloscShuffle.None,
            Split = (flags & NotSplit) == 0,
            IsStored = (flags & Stored) != 0,
            IsKnown = (flags & Reserved) == 0 && packed[1] == CodecVersion,
        };
        return header.PackedBytes == packed.Length && header.Bytes is >= 0 and <= MaxBytes;
    }

    public void Write(Span<byte> packed)
    {
        packed[0] = Version;
        packed[1] = CodecVersion;
        packed[2] = (byte)(((int)Format << 5) | (IsStored ? Stored : 0) | (Split ? 0 : NotSplit) |
            (Shuffle == BloscShuffle.Byte ? ByteShuffled : Shuffle == BloscShuffle.Bit ? BitShuffled : 0));
        packed[3] = (byte)TypeSize;
        BinaryPrimitives.WriteInt32LittleEndian(packed[4..], Bytes);
        BinaryPrimitives.WriteInt32LittleEndian(packed[8..], BlockBytes);
        BinaryPrimitives.WriteInt32LittleEndian(packed[12..], PackedBytes);
    }
}
