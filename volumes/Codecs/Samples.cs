// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace Teravox.Volumes;

/// <summary>Rows of samples as image files pack them.</summary>
internal static class Samples
{
    /// <summary>Bytes of a row of so many samples.</summary>
    public static long RowBytes(long samples, int bits) => ((samples * bits) + 7) / 8;

    /// <summary>What samples of 1, 2 or 4 bits are multiplied by, so that the largest is 255; 1 for palette indices.</summary>
    public static int Scale(PixelKind kind, int bits) => kind == PixelKind.Palette8 || bits >= 8 ? 1 : 255 / ((1 << bits) - 1);

    /// <summary>Unpacks <paramref name="to"/>.Length samples of 1, 2 or 4 bits, the first one in the highest bits.</summary>
    public static void Unpack(ReadOnlySpan<byte> from, int bits, int scale, Span<byte> to)
    {
        var mask = (1 << bits) - 1;
        for (var x = 0; x < to.Length; x++)
        {
            var bit = (long)x * bits;
            to[x] = (byte)(((from[(int)(bit >> 3)] >> (8 - bits - (int)(bit & 7))) & mask) * scale);
        }
    }

    /// <summary>Takes the first <paramref name="keep"/> of every <paramref name="of"/> bytes: drops alpha.</summary>
    public static void Take(ReadOnlySpan<byte> from, int keep, int of, Span<byte> to)
    {
        for (int source = 0, target = 0; target < to.Length; source += of, target += keep)
        {
            for (var c = 0; c < keep; c++)
                to[target + c] = from[source + c];
        }
    }

    /// <summary>The complement of every byte is the complement of the sample, whatever its size.</summary>
    public static void Invert(Span<byte> bytes)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        for (var i = 0; i < words.Length; i++)
            words[i] = ~words[i];
        for (var i = words.Length * sizeof(ulong); i < bytes.Length; i++)
            bytes[i] = (byte)~bytes[i];
    }
}
