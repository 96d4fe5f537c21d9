// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;

namespace Teravox.Volumes;

/// <summary>The checksum of PNG's chunks (ISO 3309, reflected polynomial 0xEDB88320), eight bytes at a time by tables.</summary>
internal static class Crc32
{
    private const int Step = 8;

    /// <summary>At 256 n + b: what byte b does to the checksum when n more bytes follow in the same step.</summary>
    private static readonly uint[] Table = MakeTable();

    /// <summary>The checksum of <paramref name="bytes"/>, which follow others when <paramref name="before"/> is their checksum.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes, uint before = 0)
    {
        var crc = ~before;
        var table = Table.AsSpan();
        for (; bytes.Length >= Step; bytes = bytes[Step..])
        {
            var low = BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ crc;
            var high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            crc = table[(int)(0x700 | (low & 255))] ^ table[(int)(0x600 | ((low >> 8) & 255))] ^
                table[(int)(0x500 | ((low >> 16) & 255))] ^ table[(int)(0x400 | (low >> 24))] ^
                table[(int)(0x300 | (high & 255))] ^ table[(int)(0x200 | ((high >> 8) & 255))] ^
                table[(int)(0x100 | ((high >> 16) & 255))] ^ table[(int)(high >> 24)];
        }

        foreach (var b in bytes)
            crc = (crc >> 8) ^ table[(int)((crc ^ b) & 255)];
        return ~crc;
    }

    private static uint[] MakeTable()
    {
        var table = new uint[256 * Step];
        for (var b = 0u; b < 256; b++)
        {
            var crc = b;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
            table[b] = crc;
        }

        for (var i = 256; i < table.Length; i++)
            table[i] = (table[i - 256] >> 8) ^ table[table[i - 256] & 255];
        return table;
    }
}
