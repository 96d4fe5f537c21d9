// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;

namespace Teravox.Grains.Ledger;

/// <summary>Counts as the ledgers keep them: little-endian int64, one after the other.</summary>
internal static class Sums
{
    /// <summary>The bytes of <paramref name="counts"/>.</summary>
    public static byte[] Encode(ReadOnlySpan<long> counts)
    {
        var bytes = new byte[counts.Length * sizeof(long)];
        for (var i = 0; i < counts.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(i * sizeof(long)), counts[i]);
        }

        return bytes;
    }

    /// <summary>The counts in <paramref name="bytes"/>.</summary>
    public static long[] Decode(ReadOnlySpan<byte> bytes)
    {
        var counts = new long[bytes.Length / sizeof(long)];
        for (var i = 0; i < counts.Length; i++)
        {
            counts[i] = BinaryPrimitives.ReadInt64LittleEndian(bytes[(i * sizeof(long))..]);
        }

        return counts;
    }

    /// <summary>Element-wise sum.</summary>
    /// <exception cref="InvalidOperationException">The lengths differ, or a count leaves int64.</exception>
    public static long[] Add(string name, long[] stored, long[] more)
    {
        if (stored.Length != more.Length)
        {
            throw new InvalidOperationException(
                $"Sum '{name}' has {stored.Length} counts in its stage, but an item brings {more.Length}.");
        }

        var sum = new long[stored.Length];
        for (var i = 0; i < sum.Length; i++)
        {
            try
            {
                sum[i] = checked(stored[i] + more[i]);
            }
            catch (OverflowException e)
            {
                throw new InvalidOperationException($"Count {i} of sum '{name}' does not fit 64 bits.", e);
            }
        }

        return sum;
    }
}
