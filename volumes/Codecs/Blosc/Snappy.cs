// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes;

/// <summary>
/// Snappy's raw format: the unpacked size in groups of 7 bits, then elements whose first byte's lower two bits say what they are: literal
/// bytes, or a match with a distance of 11, 16 or 32 bits.
/// </summary>
internal static class Snappy
{
    /// <summary>Unpacks exactly <paramref name="bytes"/>.Length bytes; false when the packed ones are damaged.</summary>
    public static bool TryUnpack(ReadOnlySpan<byte> packed, Span<byte> bytes)
    {
        int from = 0, at = 0;
        if (!TrySize(packed, ref from, out var size) || size != bytes.Length)
            return false;
        while (from < packed.Length)
        {
            var tag = packed[from++];
            var upper = tag >> 2;
            bool sound;
            switch (tag & 3)
            {
                case 0:
                    // Lengths above 60 stand in 1 to 4 bytes of their own.
                    var length = upper;
                    sound = upper < 60 || TryNumber(packed, ref from, upper - 59, out length);
                    sound = sound && length < int.MaxValue && Lz.TryCopyLiteral(packed, ref from, bytes, ref at, length + 1);
                    break;
                case 1:
                    sound = TryNumber(packed, ref from, 1, out var near) &&
                        Lz.TryCopyMatch(bytes, ref at, ((tag >> 5) << 8) | near, 4 + (upper & 7));
                    break;
                default:
                    sound = TryNumber(packed, ref from, (tag & 3) == 2 ? 2 : 4, out var far) && Lz.TryCopyMatch(bytes, ref at, far, upper + 1);
                    break;
            }

            if (!sound)
                return false;
        }

        return at == bytes.Length;
    }

    private static bool TrySize(ReadOnlySpan<byte> packed, ref int from, out long size)
    {
        size = 0;
        for (var shift = 0; shift <= 28 && from < packed.Length; shift += 7)
        {
            var part = packed[from++];
            size |= (long)(part & 127) << shift;
            if (part < 128)
                return true;
        }

        return false;
    }

    /// <summary>A little-endian number of 1 to 4 bytes; false beyond 31 bits, which nothing here can be.</summary>
    private static bool TryNumber(ReadOnlySpan<byte> packed, ref int from, int count, out int number)
    {
        number = 0;
        if (count > packed.Length - from)
            return false;
        for (var i = 0; i < count; i++)
            number |= packed[from++] << (8 * i);
        return number >= 0;
    }
}
