// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Runtime.Intrinsics;

namespace Teravox.Volumes;

/// <summary>
/// The n-th bits of all elements together, eight elements to a byte, the first one in its lowest bit. A block whose number of elements
/// is not a multiple of 8 stays as it is, as do bytes after the last whole element.
/// </summary>
internal static class BitShuffle
{
    /// <param name="typeSize">Bytes of an element.</param>
    /// <param name="from">A block.</param>
    /// <param name="to">As large.</param>
    /// <param name="planes">As large, for what lies between; unused where an element has one byte.</param>
    public static void Do(int typeSize, ReadOnlySpan<byte> from, Span<byte> to, Span<byte> planes)
    {
        var count = from.Length / typeSize;
        if (count % 8 != 0)
        {
            from.CopyTo(to);
            return;
        }

        var whole = count * typeSize;
        from[whole..].CopyTo(to[whole..]);
        var source = from[..whole];
        if (typeSize > 1)
        {
            ByteShuffle.Do(typeSize, source, planes[..whole]);
            source = planes[..whole];
        }

        for (var n = 0; n < typeSize; n++)
            ToRows(source.Slice(n * count, count), to.Slice(n * count, count));
    }

    /// <summary>The other way round; the parameters are those of <see cref="Do"/>.</summary>
    public static void Undo(int typeSize, ReadOnlySpan<byte> from, Span<byte> to, Span<byte> planes)
    {
        var count = from.Length / typeSize;
        if (count % 8 != 0)
        {
            from.CopyTo(to);
            return;
        }

        var whole = count * typeSize;
        from[whole..].CopyTo(to[whole..]);
        var target = typeSize > 1 ? planes[..whole] : to[..whole];
        for (var n = 0; n < typeSize; n++)
            FromRows(from.Slice(n * count, count), target.Slice(n * count, count));
        if (typeSize > 1)
            ByteShuffle.Undo(typeSize, target, to[..whole]);
    }

    /// <summary>Eight rows, one for each bit of the bytes.</summary>
    private static void ToRows(ReadOnlySpan<byte> bytes, Span<byte> rows)
    {
        var row = bytes.Length / 8;
        var i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            for (; i <= bytes.Length - 32; i += 32)
            {
                var lanes = Vector256.Create(bytes.Slice(i, 32));
                for (var bit = 7; bit >= 0; bit--)
                {
                    BinaryPrimitives.WriteUInt32LittleEndian(rows[((bit * row) + (i / 8))..], lanes.ExtractMostSignificantBits());
                    lanes += lanes;
                }
            }
        }

        for (; i < bytes.Length; i += 8)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var sum = 0;
                for (var k = 0; k < 8; k++)
                    sum |= ((bytes[i + k] >> bit) & 1) << k;
                rows[(bit * row) + (i / 8)] = (byte)sum;
            }
        }
    }

    private static void FromRows(ReadOnlySpan<byte> rows, Span<byte> bytes)
    {
        var row = bytes.Length / 8;
        var i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            // Four bytes of a row become 32 lanes, each with the byte that has its bit. A lane of the upper half looks at the upper half.
            var spread = Vector256.Create(
                0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 18, 18, 18, 18, 18, 18, 18, 18, 19, 19, 19, 19, 19, 19, 19, (byte)19);
            var own = Vector256.Create(
                1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, (byte)128);
            for (; i <= bytes.Length - 32; i += 32)
            {
                var sum = Vector256<byte>.Zero;
                for (var bit = 0; bit < 8; bit++)
                {
                    var four = BinaryPrimitives.ReadUInt32LittleEndian(rows[((bit * row) + (i / 8))..]);
                    var lanes = Vector256.Shuffle(Vector256.Create(BitConverter.IsLittleEndian ? four : BinaryPrimitives.ReverseEndianness(four)).AsByte(), spread);
                    sum |= Vector256.Equals(lanes & own, own) & Vector256.Create((byte)(1 << bit));
                }

                sum.CopyTo(bytes[i..]);
            }
        }

        for (; i < bytes.Length; i += 8)
        {
            for (var k = 0; k < 8; k++)
            {
                var sum = 0;
                for (var bit = 0; bit < 8; bit++)
                    sum |= ((rows[(bit * row) + (i / 8)] >> k) & 1) << bit;
                bytes[i + k] = (byte)sum;
            }
        }
    }
}
