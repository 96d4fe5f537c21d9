// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks;

/// <summary>The checksum of zip's records (PKWARE APPNOTE 4.4.7), which .NET does not compare when it reads one.</summary>
internal static class Crc32
{
    private static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(i =>
    {
        var value = (uint)i;
        for (var bit = 0; bit < 8; bit++)
            value = (value >> 1) ^ ((value & 1) * 0xedb88320);
        return value;
    })];

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var value = uint.MaxValue;
        foreach (var b in bytes)
            value = (value >> 8) ^ Table[(byte)value ^ b];
        return ~value;
    }
}
