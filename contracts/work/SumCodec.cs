// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Contracts.Work;

/// <summary>
/// Counts as they travel and are stored: the number of counts, then for each run of zeros a 0 and its length, and for every other
/// count itself; all as 7-bit groups, the lowest first. Counts of a tile are mostly zeros or small.
/// </summary>
public static class SumCodec
{
    /// <summary>Most counts of one sum: more than any has, and few enough that a damaged length does not exhaust the memory.</summary>
    public const int MostCounts = 1 << 22;

    /// <summary>Packs counts, at most <see cref="MostCounts"/>.</summary>
    public static byte[] Pack(ReadOnlySpan<long> counts)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(counts.Length, MostCounts, nameof(counts));
        var bytes = new List<byte>(16 + counts.Length);
        Write(bytes, (ulong)counts.Length);
        for (var i = 0; i < counts.Length;)
        {
            if (counts[i] != 0)
            {
                Write(bytes, (ulong)counts[i++]);
                continue;
            }

            var from = i;
            while (i < counts.Length && counts[i] == 0)
                i++;
            Write(bytes, 0);
            Write(bytes, (ulong)(i - from));
        }

        return [.. bytes];
    }

    /// <summary>The counts that were packed.</summary>
    /// <exception cref="FormatException">The bytes are not packed counts.</exception>
    public static long[] Unpack(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        var length = Read(bytes, ref at);
        if (length > MostCounts)
            throw new FormatException("packed counts are damaged: too many");
        var counts = new long[length];
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
            i += (int)zeros;
        }

        return at == bytes.Length ? counts : throw new FormatException("packed counts are damaged: bytes are left over");
    }

    /// <summary>Adds counts element by element.</summary>
    /// <exception cref="InvalidOperationException">The lengths differ, or a count leaves 64 bits; <paramref name="into"/> is as it was.</exception>
    public static void Add(string name, long[] into, ReadOnlySpan<long> more)
    {
        if (into.Length != more.Length)
            throw new InvalidOperationException($"Sum '{name}' has {into.Length} counts in its stage, but an item brings {more.Length}.");
        for (var i = 0; i < into.Length; i++)
        {
            if (more[i] > 0 ? into[i] > long.MaxValue - more[i] : into[i] < long.MinValue - more[i])
                throw new InvalidOperationException($"Count {i} of sum '{name}' does not fit 64 bits.");
        }

        for (var i = 0; i < into.Length; i++)
            into[i] += more[i];
    }

    private static void Write(List<byte> bytes, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
    }

    private static ulong Read(ReadOnlySpan<byte> bytes, ref int at)
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
