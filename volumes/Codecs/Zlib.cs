// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.IO.Compression;

namespace Teravox.Volumes;

/// <summary>Zlib streams between spans, for parts of files whose unpacked size is known.</summary>
internal static unsafe class Zlib
{
    /// <summary>
    /// Unpacks until <paramref name="bytes"/> is full, whatever follows in the stream; false when the stream is damaged or ends
    /// too early.
    /// </summary>
    public static bool TryFill(ReadOnlySpan<byte> packed, Span<byte> bytes) => TryInflate(packed, bytes, whole: false);

    /// <summary>Unpacks a stream that holds <paramref name="bytes"/>.Length bytes and whose checksum fits; else false.</summary>
    public static bool TryInflate(ReadOnlySpan<byte> packed, Span<byte> bytes) => TryInflate(packed, bytes, whole: true);

    /// <summary>Packs; returns the number of bytes, or 0 when <paramref name="packed"/> has no room for them.</summary>
    public static int Deflate(ReadOnlySpan<byte> bytes, int level, Span<byte> packed)
    {
        // Room for the worst case: a stream that runs out of room throws, which is slow where data do not shrink.
        var room = ArrayPool<byte>.Shared.Rent(checked(bytes.Length + (bytes.Length / 4) + 64));
        try
        {
            using var memory = new MemoryStream(room);
            using (var stream = new ZLibStream(memory, new ZLibCompressionOptions { CompressionLevel = level }, leaveOpen: true))
                stream.Write(bytes);
            var length = (int)memory.Position;
            if (length > packed.Length)
                return 0;
            room.AsSpan(0, length).CopyTo(packed);
            return length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(room);
        }
    }

    private static bool TryInflate(ReadOnlySpan<byte> packed, Span<byte> bytes, bool whole)
    {
        // An empty span has no address to read from.
        if (packed.IsEmpty)
            return false;
        fixed (byte* start = packed)
        {
            using var memory = new UnmanagedMemoryStream(start, packed.Length);
            using var stream = new ZLibStream(memory, CompressionMode.Decompress);
            try
            {
                return stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length && (!whole || stream.ReadByte() < 0);
            }
            catch (Exception e) when (e is InvalidDataException or IOException)
            {
                return false;
            }
        }
    }
}
