// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace Teravox.Volumes;

/// <summary>
/// Writes PNGs. Level and filters are fixed, and nothing but the image is written, so that the same pixels give the same bytes.
/// </summary>
internal static class PngWriter
{
    private const int Level = 6;

    /// <summary>Length and name before a chunk's body, checksum behind it.</summary>
    private const int ChunkHead = 8, ChunkTail = 4;

    /// <summary>A chunk holds less than 2 GiB; the packed pixels are cut into chunks of this size.</summary>
    private const int MaxChunk = 1 << 30;

    /// <summary>Encodes an image that <see cref="ImageLimits"/> has checked.</summary>
    /// <exception cref="ArgumentException">An index lies beyond the palette.</exception>
    public static byte[] Write(SliceImage image)
    {
        using var file = new MemoryStream();
        file.Write(PngChunks.Signature);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, image.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], image.Height);
        header[8] = (byte)(image.Kind == PixelKind.Grey16 ? 16 : 8);
        header[9] = (byte)(image.Kind == PixelKind.Rgb8 ? 2 : image.Kind == PixelKind.Palette8 ? 3 : 0);
        header[10..].Clear();
        WriteChunk(file, PngChunk.Header, header);
        if (image.Kind == PixelKind.Palette8)
            WritePalette(file, image);

        using var packed = new MemoryStream();
        WritePixels(packed, image);
        for (var bytes = packed.GetBuffer().AsSpan(0, (int)packed.Length); !bytes.IsEmpty;)
        {
            var part = bytes[..Math.Min(bytes.Length, MaxChunk)];
            WriteChunk(file, PngChunk.Data, part);
            bytes = bytes[part.Length..];
        }

        WriteChunk(file, PngChunk.End, []);
        return file.ToArray();
    }

    private static void WritePalette(MemoryStream file, SliceImage image)
    {
        var palette = image.Palette!;
        if (image.Data.AsSpan().ContainsAnyExceptInRange((byte)0, (byte)(palette.Count - 1)))
            throw new ArgumentException("a pixel's index lies beyond the palette", nameof(image));
        var colours = new byte[3 * palette.Count];
        for (var i = 0; i < palette.Count; i++)
            (colours[3 * i], colours[(3 * i) + 1], colours[(3 * i) + 2]) = ((byte)(palette[i] >> 16), (byte)(palette[i] >> 8), (byte)palette[i]);
        WriteChunk(file, PngChunk.Palette, colours);
    }

    /// <summary>Each row less the one above it; indices as they are, since their differences mean nothing.</summary>
    private static void WritePixels(MemoryStream packed, SliceImage image)
    {
        var options = new ZLibCompressionOptions
        {
            CompressionLevel = Level,
            CompressionStrategy = image.Kind == PixelKind.Palette8 ? ZLibCompressionStrategy.Default : ZLibCompressionStrategy.Filtered,
        };
        using var stream = new ZLibStream(packed, options, leaveOpen: true);
        var stride = image.Width * image.Kind.Bytes();
        var filtered = new byte[stride + 1];
        var (row, above) = (new byte[stride], new byte[stride]);
        filtered[0] = image.Kind == PixelKind.Palette8 ? PngFilter.None : PngFilter.Up;
        for (var y = 0; y < image.Height; y++)
        {
            image.Data.AsSpan(y * stride, stride).CopyTo(row);
            if (image.Kind == PixelKind.Grey16 && BitConverter.IsLittleEndian)
            {
                var words = MemoryMarshal.Cast<byte, ushort>(row.AsSpan());
                BinaryPrimitives.ReverseEndianness(words, words);
            }

            if (filtered[0] == PngFilter.Up)
                PngFilter.DoUp(row, above, filtered.AsSpan(1));
            else
                row.CopyTo(filtered.AsSpan(1));
            stream.Write(filtered);
            (row, above) = (above, row);
        }
    }

    private static void WriteChunk(MemoryStream file, uint type, ReadOnlySpan<byte> body)
    {
        Span<byte> head = stackalloc byte[ChunkHead];
        BinaryPrimitives.WriteInt32BigEndian(head, body.Length);
        BinaryPrimitives.WriteUInt32BigEndian(head[4..], type);
        file.Write(head);
        file.Write(body);
        Span<byte> tail = stackalloc byte[ChunkTail];
        BinaryPrimitives.WriteUInt32BigEndian(tail, Crc32.Of(body, Crc32.Of(head[4..])));
        file.Write(tail);
    }
}
