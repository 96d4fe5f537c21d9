// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Teravox.Contracts.Work;

/// <summary>
/// Counts as they travel and are stored: the number of counts, then for each run of zeros a 0 and its length, and for every other
/// count itself; all as 7-bit groups, the lowest first. Counts of a tile are mostly zeros or small.
/// </summary>
public static class SumCodec
{
    /// <summary>Most counts of one sum: more than any has, and few enough that a damaged length does not exhaust the memory.</summary>
    public const int MostCounts = 1 << 22;

    // Bytes of the longest number.
    private const int Longest = 10;

    /// <summary>Packs counts, at most <see cref="MostCounts"/>.</summary>
    public static byte[] Pack(ReadOnlySpan<long> counts)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(counts.Length, MostCounts, nameof(counts));
        var buffer = ArrayPool<byte>.Shared.Rent(checked(Longest * (counts.Length + 1)));
        try
        {
            var at = 0;
            Write(buffer, ref at, (ulong)counts.Length);
            for (var i = 0; i < counts.Length;)
            {
                if (counts[i] != 0)
                {
                    Write(buffer, ref at, (ulong)counts[i++]);
                    continue;
                }

                var from = i;
                while (i < counts.Length && counts[i] == 0)
                    i++;
                Write(buffer, ref at, 0);
                Write(buffer, ref at, (ulong)(i - from));
            }

            return buffer[..at];
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The counts that were packed.</summary>
    /// <exception cref="FormatException">The bytes are not packed counts.</exception>
    public static long[] Unpack(ReadOnlySpan<byte> bytes)
    {
        var counts = new long[LengthOf(bytes)];
        Unpack(bytes, counts);
        return counts;
    }

    /// <summary>Number of counts that were packed.</summary>
    /// <exception cref="FormatException">The bytes are not packed counts.</exception>
    public static int LengthOf(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        var length = Read(bytes, ref at);
        return length <= MostCounts ? (int)length : throw new FormatException("packed counts are damaged: too many");
    }

    /// <summary>Unpacks counts into memory of their number, <see cref="LengthOf"/>.</summary>
    /// <exception cref="FormatException">The bytes are not packed counts of this number; what the memory holds is then undefined.</exception>
    public static void Unpack(ReadOnlySpan<byte> bytes, Span<long> counts)
    {
        var at = 0;
        if (Read(bytes, ref at) != (ulong)counts.Length)
            throw new FormatException("packed counts are damaged: another number of them");
        for (var i = 0; i < counts.Length;)
        {
            var value = Read(bytes, ref at);
            if (value != 0)
            {
                counts[i++] = (long)value;
                continue;
            }

            var zeros = Read(bytes, ref at);
            if (zeros == 0 || zeros > (ulong)(counts.Length - i))
                throw new FormatException("packed counts are damaged: a run of zeros is too long");
            counts.Slice(i, (int)zeros).Clear();
            i += (int)zeros;
        }

        if (at != bytes.Length)
            throw new FormatException("packed counts are damaged: bytes are left over");
    }

    /// <summary>Adds counts element by element.</summary>
    /// <exception cref="InvalidOperationException">The lengths differ, or a count leaves 64 bits; <paramref name="into"/> is as it was.</exception>
    public static void Add(string name, Span<long> into, ReadOnlySpan<long> more)
    {
        Check(name, into, more);
        for (var i = 0; i < into.Length; i++)
            into[i] += more[i];
    }

    /// <summary>Checks that counts can be added.</summary>
    /// <exception cref="InvalidOperationException">The lengths differ, or a count leaves 64 bits.</exception>
    public static void Check(string name, ReadOnlySpan<long> into, ReadOnlySpan<long> more)
    {
        if (into.Length != more.Length)
            throw new InvalidOperationException($"Sum '{name}' has {into.Length} counts in its stage, but an item brings {more.Length}.");
        if (AreSurelyRoomy(into, more))
            return;
        for (var i = 0; i < into.Length; i++)
        {
            if (more[i] > 0 ? into[i] > long.MaxValue - more[i] : into[i] < long.MinValue - more[i])
                throw new InvalidOperationException($"Count {i} of sum '{name}' does not fit 64 bits.");
        }
    }

    // Counts are not negative; then a sum that is not either has not left 64 bits.
    private static bool AreSurelyRoomy(ReadOnlySpan<long> into, ReadOnlySpan<long> more)
    {
        var (signs, i) = (Vector<long>.Zero, 0);
        for (; i <= into.Length - Vector<long>.Count; i += Vector<long>.Count)
        {
            var (a, b) = (new Vector<long>(into[i..]), new Vector<long>(more[i..]));
            signs |= a | b | (a + b);
        }

        var rest = 0L;
        for (; i < into.Length; i++)
            rest |= into[i] | more[i] | unchecked(into[i] + more[i]);
        return rest >= 0 && Vector.GreaterThanOrEqualAll(signs, Vector<long>.Zero);
    }

    private static void Write(Span<byte> bytes, ref int at, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            bytes[at++] = (byte)(value | 0x80);
        bytes[at++] = (byte)value;
    }

    // Most counts are one byte.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Read(ReadOnlySpan<byte> bytes, ref int at) =>
        (uint)at < (uint)bytes.Length && bytes[at] < 0x80 ? bytes[at++] : ReadLong(bytes, ref at);

    private static ulong ReadLong(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (at >= bytes.Length)
                throw new FormatException("packed counts are damaged: they end too soon");
            var part = bytes[at++];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
                return value;
        }

        throw new FormatException("packed counts are damaged: a number is too long");
    }
}
