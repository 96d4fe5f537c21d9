// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes;

/// <summary>
/// Blosc's own codec. The upper three bits of a control byte are 0 before 1 to 32 literal bytes, and say the length of a match
/// otherwise: less 2, or 7 when bytes that are added follow, up to the first below 255. The lower five bits and the next byte are the
/// distance less 1; when all of them are set, two bytes follow with what lies beyond 8191.
/// </summary>
internal static class BloscLz
{
    private const int FarDistance = 8191;

    /// <summary>Unpacks exactly <paramref name="bytes"/>.Length bytes; false when the packed ones are damaged.</summary>
    public static bool TryUnpack(ReadOnlySpan<byte> packed, Span<byte> bytes)
    {
        int from = 0, at = 0;
        if (packed.IsEmpty)
            return false;

        // The first byte's upper bits mark the format: it is always literal.
        for (var control = packed[from++] & 31; ; control = packed[from++])
        {
            if (control < 32 ? !Lz.TryCopyLiteral(packed, ref from, bytes, ref at, control + 1) : !TryMatch(control, packed, ref from, bytes, ref at))
                return false;
            if (from >= packed.Length)
                return at == bytes.Length;
        }
    }

    private static bool TryMatch(int control, ReadOnlySpan<byte> packed, ref int from, Span<byte> bytes, ref int at)
    {
        var length = (control >> 5) + 2;
        if (control >> 5 == 7)
        {
            byte more;
            do
            {
                if (from >= packed.Length || length > bytes.Length)
                    return false;
                more = packed[from++];
                length += more;
            }
            while (more == 255);
        }

        if (from >= packed.Length)
            return false;
        var distance = ((control & 31) << 8) + packed[from++];
        if (distance == FarDistance)
        {
            if (packed.Length - from < 2)
                return false;
            distance += (packed[from] << 8) + packed[from + 1];
            from += 2;
        }

        return Lz.TryCopyMatch(bytes, ref at, distance + 1, length);
    }
}
