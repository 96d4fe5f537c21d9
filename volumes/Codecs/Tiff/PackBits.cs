// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes;

/// <summary>PackBits (TIFF 6.0, section 9): a byte n below 128 before n + 1 literal bytes, one above before a byte that comes 257 - n times.</summary>
internal static class PackBits
{
    /// <summary>Unpacks until <paramref name="bytes"/> is full, whatever follows; false when the packed bytes end too early.</summary>
    public static bool TryFill(ReadOnlySpan<byte> packed, Span<byte> bytes)
    {
        int from = 0, at = 0;
        while (at < bytes.Length)
        {
            if (from >= packed.Length)
                return false;
            int n = packed[from++];
            if (n == 128)
                continue;
            var length = Math.Min(n < 128 ? n + 1 : 257 - n, bytes.Length - at);
            if (n < 128)
            {
                if (!Lz.TryCopyLiteral(packed, ref from, bytes, ref at, length))
                    return false;
            }
            else
            {
                if (from >= packed.Length)
                    return false;
                bytes.Slice(at, length).Fill(packed[from++]);
                at += length;
            }
        }

        return true;
    }
}
