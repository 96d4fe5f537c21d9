// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Buffers.Binary;

namespace Teravox.Volumes;

/// <summary>Unpacks blosc 1 buffers, those of every codec and shuffle that c-blosc 1.21 writes.</summary>
internal static class BloscReader
{
    /// <summary>Unpacks exactly <paramref name="bytes"/>.Length bytes; returns what is wrong, or null.</summary>
    /// <remarks>Takes memory for two blocks at most, and no block is larger than <paramref name="bytes"/>.</remarks>
    public static string? Decompress(ReadOnlySpan<byte> packed, Span<byte> bytes)
    {
        if (packed.IsEmpty)
            return "it is empty";
        if (!BloscHeader.TryRead(packed, out var header))
            return "the bytes are not a whole blosc buffer";
        if (header.Bytes != bytes.Length)
            return $"the blosc buffer holds {header.Bytes} bytes instead of {bytes.Length}";
        if (bytes.IsEmpty)
            return null;
        var codec = Enum.IsDefined(header.Format) ? header.Format.ToString() : "unknown";
        return TryUnpack(packed, header, bytes) ? null : $"the blosc buffer cannot be unpacked (codec {codec})";
    }

    private static bool TryUnpack(ReadOnlySpan<byte> packed, in BloscHeader header, Span<byte> bytes)
    {
        if (header.BlockBytes < 1 || header.BlockBytes > bytes.Length || header.TypeSize < 1 || !header.IsKnown)
            return false;
        if (header.IsStored)
        {
            if (packed.Length != BloscHeader.Size + bytes.Length)
                return false;
            packed[BloscHeader.Size..].CopyTo(bytes);
            return true;
        }

        if (!Enum.IsDefined(header.Format) || header.FirstBlock > packed.Length)
            return false;
        var shuffled = IsShuffled(header);
        var scratch = shuffled ? ArrayPool<byte>.Shared.Rent(header.BlockBytes) : [];
        var planes = shuffled && header.Shuffle == BloscShuffle.Bit && header.TypeSize > 1 ? ArrayPool<byte>.Shared.Rent(header.BlockBytes) : [];
        try
        {
            for (var block = 0; block < header.Blocks; block++)
            {
                var at = block * header.BlockBytes;
                var part = bytes.Slice(at, Math.Min(header.BlockBytes, bytes.Length - at));
                var start = BinaryPrimitives.ReadInt32LittleEndian(packed[(BloscHeader.Size + (4 * block))..]);
                var into = shuffled ? scratch.AsSpan(0, part.Length) : part;
                if (!TryUnpackBlock(packed, start, header, into))
                    return false;
                if (shuffled)
                    Unshuffle(header, into, part, planes.AsSpan(0, Math.Min(planes.Length, part.Length)));
            }

            return true;
        }
        finally
        {
            if (scratch.Length > 0)
                ArrayPool<byte>.Shared.Return(scratch);
            if (planes.Length > 0)
                ArrayPool<byte>.Shared.Return(planes);
        }
    }

    private static bool IsShuffled(in BloscHeader header) => header.Shuffle switch
    {
        BloscShuffle.Byte => header.TypeSize > 1,
        BloscShuffle.Bit => true,
        _ => false,
    };

    private static void Unshuffle(in BloscHeader header, ReadOnlySpan<byte> from, Span<byte> to, Span<byte> planes)
    {
        if (header.Shuffle == BloscShuffle.Byte)
            ByteShuffle.Undo(header.TypeSize, from, to);
        else
            BitShuffle.Undo(header.TypeSize, from, to, planes);
    }

    private static bool TryUnpackBlock(ReadOnlySpan<byte> packed, int start, in BloscHeader header, Span<byte> block)
    {
        // The last block is whole unless it is as long as the others.
        var splits = header.Split && block.Length == header.BlockBytes && BloscHeader.CanSplit(header.TypeSize, block.Length) ? header.TypeSize : 1;
        var splitBytes = block.Length / splits;
        if (start < 0)
            return false;
        long at = start;
        for (var split = 0; split < splits; split++)
        {
            if (at > packed.Length - 4)
                return false;
            var length = BinaryPrimitives.ReadInt32LittleEndian(packed[(int)at..]);
            at += 4;
            if (length < 0 || length > packed.Length - at)
                return false;
            var from = packed.Slice((int)at, length);
            var into = block.Slice(split * splitBytes, splitBytes);
            if (length == splitBytes)
                from.CopyTo(into);
            else if (!BloscCodecs.TryUnpack(header.Format, from, into))
                return false;
            at += length;
        }

        // Bytes that the splits leave over are none: a block is a multiple of the element.
        return splitBytes * splits == block.Length;
    }
}
