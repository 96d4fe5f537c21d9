// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Teravox.Volumes;

/// <summary>
/// The n-th bytes of all elements together: the upper bytes of 16-bit voxels hardly differ, and pack well side by side. Bytes after
/// the last whole element stay where they are.
/// </summary>
internal static class ByteShuffle
{
    public static void Do(int typeSize, ReadOnlySpan<byte> from, Span<byte> to)
    {
        var count = from.Length / typeSize;
        var whole = count * typeSize;
        from[whole..].CopyTo(to[whole..]);
        if (typeSize == 1)
        {
            from[..whole].CopyTo(to);
            return;
        }

        var done = typeSize == 2 ? Part(from[..whole], to[..count], to.Slice(count, count)) : 0;
        for (var n = 0; n < typeSize; n++)
        {
            var plane = to.Slice(n * count, count);
            for (int i = done, source = (done * typeSize) + n; i < plane.Length; i++, source += typeSize)
                plane[i] = from[source];
        }
    }

    public static void Undo(int typeSize, ReadOnlySpan<byte> from, Span<byte> to)
    {
        var count = from.Length / typeSize;
        var whole = count * typeSize;
        from[whole..].CopyTo(to[whole..]);
        if (typeSize == 1)
        {
            from[..whole].CopyTo(to);
            return;
        }

        var done = typeSize == 2 ? Join(from[..count], from.Slice(count, count), to[..whole]) : 0;
        for (var n = 0; n < typeSize; n++)
        {
            var plane = from.Slice(n * count, count);
            for (int i = done, target = (done * typeSize) + n; i < plane.Length; i++, target += typeSize)
                to[target] = plane[i];
        }
    }

    /// <summary>Parts 16-bit elements, 32 at a time; returns how many.</summary>
    private static int Part(ReadOnlySpan<byte> from, Span<byte> low, Span<byte> high)
    {
        if (!Vector256.IsHardwareAccelerated || !BitConverter.IsLittleEndian)
            return 0;
        var words = MemoryMarshal.Cast<byte, ushort>(from);
        var mask = Vector256.Create((ushort)0xff);
        var i = 0;
        for (; i <= words.Length - 32; i += 32)
        {
            var (a, b) = (Vector256.Create(words.Slice(i, 16)), Vector256.Create(words.Slice(i + 16, 16)));
            Vector256.Narrow(a & mask, b & mask).CopyTo(low[i..]);
            Vector256.Narrow(a >>> 8, b >>> 8).CopyTo(high[i..]);
        }

        return i;
    }

    /// <summary>The other way round.</summary>
    private static int Join(ReadOnlySpan<byte> low, ReadOnlySpan<byte> high, Span<byte> to)
    {
        if (!Vector256.IsHardwareAccelerated || !BitConverter.IsLittleEndian)
            return 0;
        var words = MemoryMarshal.Cast<byte, ushort>(to);
        var i = 0;
        for (; i <= low.Length - 32; i += 32)
        {
            var (a, b) = (Vector256.Create(low.Slice(i, 32)), Vector256.Create(high.Slice(i, 32)));
            (Vector256.WidenLower(a) | (Vector256.WidenLower(b) << 8)).CopyTo(words[i..]);
            (Vector256.WidenUpper(a) | (Vector256.WidenUpper(b) << 8)).CopyTo(words[(i + 16)..]);
        }

        return i;
    }
}
