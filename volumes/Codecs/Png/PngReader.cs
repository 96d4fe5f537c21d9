// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>
/// Reads PNGs: grey of 1 to 16 bits, palette, RGB of 8 bits, with alpha (which is dropped) or not, interlaced or not. Checksums of the
/// chunks that make the image must be right, and its last chunk must be there; what follows the last row of pixels in the packed
/// stream does not matter.
/// </summary>
internal static class PngReader
{
    /// <summary>Where Adam7's passes begin in x and y, and their steps.</summary>
    private static readonly (int X, int Y, int StepX, int StepY)[] Passes =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    private static readonly (int X, int Y, int StepX, int StepY)[] OnePass = [(0, 0, 1, 1)];

    /// <summary>Size and kind; <paramref name="file"/> may be only the beginning of <paramref name="fileSize"/> bytes.</summary>
    /// <exception cref="InputException">Damaged, of a kind that is not read, or longer before its pixels than what is given.</exception>
    public static ImageHeader ReadHeader(ReadOnlySpan<byte> file, long fileSize, string name)
    {
        var chunks = new PngChunks(file, name);
        return PngHeader.Read(ref chunks, fileSize, name).Image;
    }

    /// <summary>Decodes a whole file.</summary>
    /// <exception cref="InputException">Truncated, damaged, or of a kind that is not read.</exception>
    public static SliceImage Read(ReadOnlySpan<byte> file, string name)
    {
        var chunks = new PngChunks(file, name);
        var header = PngHeader.Read(ref chunks, file.Length, name);
        var packed = ArrayPool<byte>.Shared.Rent(file.Length);
        try
        {
            var length = 0;
            for (; chunks.Type == PngChunk.Data; chunks.MoveNext())
            {
                var body = chunks.Body();
                body.CopyTo(packed.AsSpan(length));
                length += body.Length;
            }

            // Pixels that do not follow each other are not read any more; the image must be whole without them.
            for (; chunks.Type != PngChunk.End; chunks.MoveNext())
            {
                if (chunks.Type is not (PngChunk.Data or PngChunk.Palette))
                    chunks.Skip();
            }

            chunks.Body();
            var pixels = new byte[header.Image.Width * header.Image.Height * header.Image.Kind.Bytes()];
            if (ReadPixels(packed, length, header, pixels) is { } problem)
                throw chunks.Damaged(problem);
            return new SliceImage(header.Image.Width, header.Image.Height, header.Image.Kind, pixels, header.Palette);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packed);
        }
    }

    /// <summary>Unpacks all passes; returns what is wrong, or null.</summary>
    private static string? ReadPixels(byte[] packed, int length, PngHeader header, byte[] pixels)
    {
        // One filter byte before each row.
        var widest = checked((int)Samples.RowBytes((long)header.Image.Width * header.Channels, header.Image.Bits)) + 1;
        var rows = ArrayPool<byte>.Shared.Rent(2 * widest);
        var line = ArrayPool<byte>.Shared.Rent(header.Image.Width * header.Image.Kind.Bytes());
        try
        {
            using var memory = new MemoryStream(packed, 0, length, writable: false);
            using var stream = new ZLibStream(memory, CompressionMode.Decompress);
            foreach (var pass in header.Interlaced ? Passes : OnePass)
            {
                if (ReadPass(stream, header, pass, rows.AsSpan(0, widest), rows.AsSpan(widest, widest), line, pixels) is { } problem)
                    return problem;
            }

            return null;
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            return "its pixels cannot be unpacked";
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rows);
            ArrayPool<byte>.Shared.Return(line);
        }
    }

    private static string? ReadPass(
        ZLibStream stream, PngHeader header, (int X, int Y, int StepX, int StepY) pass, Span<byte> row, Span<byte> above, byte[] line, byte[] pixels)
    {
        var (width, height, size) = (header.Image.Width, header.Image.Height, header.Image.Kind.Bytes());
        var columns = (width - pass.X + pass.StepX - 1) / pass.StepX;
        if (columns <= 0 || pass.Y >= height)
            return null;
        var length = 1 + (int)Samples.RowBytes((long)columns * header.Channels, header.Image.Bits);
        row = row[..length];
        above = above[..length];
        above.Clear();
        for (var y = pass.Y; y < height; y += pass.StepY)
        {
            if (stream.ReadAtLeast(row, length, throwOnEndOfStream: false) < length)
                return "its pixels are truncated";
            if (!PngFilter.TryUndo(row[0], row[1..], above[1..], Math.Max(1, header.PackedBits / 8)))
                return $"row {y} has an unknown filter";
            var target = pixels.AsSpan(y * width * size, width * size);
            if (pass.StepX == 1)
            {
                Convert(header, row[1..], target);
            }
            else
            {
                Convert(header, row[1..], line.AsSpan(0, columns * size));
                for (var x = 0; x < columns; x++)
                    line.AsSpan(x * size, size).CopyTo(target[((pass.X + (x * pass.StepX)) * size)..]);
            }

            var last = row;
            row = above;
            above = last;
        }

        return null;
    }

    /// <summary>A row of samples as the file has them becomes pixels.</summary>
    private static void Convert(PngHeader header, ReadOnlySpan<byte> row, Span<byte> pixels)
    {
        var (kind, bits) = (header.Image.Kind, header.Image.Bits);
        var colours = kind == PixelKind.Rgb8 ? 3 : 1;
        if (bits < 8)
            Samples.Unpack(row, bits, Samples.Scale(kind, bits), pixels);
        else if (header.Channels == colours)
            row[..pixels.Length].CopyTo(pixels);
        else
            Samples.Take(row, colours * bits / 8, header.PackedBits / 8, pixels);
        if (bits == 16 && BitConverter.IsLittleEndian)
        {
            var words = MemoryMarshal.Cast<byte, ushort>(pixels);
            BinaryPrimitives.ReverseEndianness(words, words);
        }
    }
}
