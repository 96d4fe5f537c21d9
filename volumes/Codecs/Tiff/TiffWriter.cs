// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace Teravox.Volumes;

/// <summary>
/// Writes little-endian TIFFs of one page in strips: the header, the strips, then the page's directory. Level and size of strips are
/// fixed and nothing but the image is written, so that the same image gives the same bytes.
/// </summary>
internal static class TiffWriter
{
    private const int StripBytes = 256 << 10, Level = 6;

    /// <summary>Where the header says where the directory lies.</summary>
    private const int DirectoryAt = 4;

    /// <summary>More than header, directory and palette take.</summary>
    private const int SpareBytes = 4096;

    /// <summary>Types of a field's values: numbers of 2 and of 4 bytes.</summary>
    private const ushort Short = 3, Long = 4;

    /// <summary>Encodes an image that <see cref="ImageLimits"/> has checked.</summary>
    public static byte[] Write(SliceImage image, bool deflate)
    {
        var stride = image.Width * image.Kind.Bytes();
        var rows = Math.Min(image.Height, Math.Max(1, StripBytes / stride));
        var strips = (image.Height + rows - 1) / rows;
        var pixels = LittleEndian(image);
        using var file = new MemoryStream(deflate ? 0 : (int)Math.Min(Array.MaxLength, pixels.Length + (8L * strips) + SpareBytes));

        // It writes little-endian on every machine.
        using var writer = new BinaryWriter(file);
        writer.Write("II*\0"u8);
        writer.Write(0);
        var (offsets, counts) = (new uint[strips], new uint[strips]);
        for (var strip = 0; strip < strips; strip++)
        {
            var y = strip * rows;
            offsets[strip] = (uint)file.Position;
            WriteStrip(file, pixels.AsSpan(y * stride, stride * Math.Min(rows, image.Height - y)), deflate);
            counts[strip] = (uint)(file.Position - offsets[strip]);
        }

        WriteDirectory(writer, Fields(image, rows, deflate, offsets, counts));
        return file.ToArray();
    }

    private static void WriteStrip(MemoryStream file, ReadOnlySpan<byte> strip, bool deflate)
    {
        if (!deflate)
        {
            file.Write(strip);
            return;
        }

        using var stream = new ZLibStream(file, new ZLibCompressionOptions { CompressionLevel = Level }, leaveOpen: true);
        stream.Write(strip);
    }

    /// <summary>All fields, by their numbers as readers expect them.</summary>
    private static (TiffField Field, ushort Type, uint[] Values)[] Fields(SliceImage image, int rows, bool deflate, uint[] offsets, uint[] counts)
    {
        var samples = image.Kind == PixelKind.Rgb8 ? 3 : 1;
        var colours = image.Kind switch { PixelKind.Rgb8 => TiffColours.Rgb, PixelKind.Palette8 => TiffColours.Indexed, _ => TiffColours.Black };
        List<(TiffField Field, ushort Type, uint[] Values)> fields =
        [
            (TiffField.ImageWidth, Long, [(uint)image.Width]),
            (TiffField.ImageLength, Long, [(uint)image.Height]),
            (TiffField.BitsPerSample, Short, Each(image.Kind == PixelKind.Grey16 ? 16u : 8)),
            (TiffField.Compression, Short, [deflate ? TiffCompression.AdobeDeflate : (uint)TiffCompression.None]),
            (TiffField.PhotometricInterpretation, Short, [(uint)colours]),
            (TiffField.StripOffsets, Long, offsets),
            (TiffField.SamplesPerPixel, Short, [(uint)samples]),
            (TiffField.RowsPerStrip, Long, [(uint)rows]),
            (TiffField.StripByteCounts, Long, counts),
            (TiffField.PlanarConfiguration, Short, [1]),
        ];
        if (image.Kind == PixelKind.Palette8)
            fields.Add((TiffField.ColorMap, Short, [.. Table(image, 16), .. Table(image, 8), .. Table(image, 0)]));
        fields.Add((TiffField.SampleFormat, Short, Each(1)));
        return [.. fields];

        uint[] Each(uint value) => [.. Enumerable.Repeat(value, samples)];
    }

    /// <summary>Always 256 entries: a TIFF's palette has as many as a sample has values. Times 257 maps 255 to 65535.</summary>
    private static uint[] Table(SliceImage image, int shift)
    {
        var table = new uint[ImageLimits.MaxPalette];
        for (var i = 0; i < image.Palette!.Count; i++)
            table[i] = ((image.Palette[i] >> shift) & 255) * 257;
        return table;
    }

    /// <summary>Values of more than 4 bytes go before the directory, the others into it.</summary>
    private static void WriteDirectory(BinaryWriter writer, (TiffField Field, ushort Type, uint[] Values)[] fields)
    {
        var places = new uint[fields.Length];
        for (var i = 0; i < fields.Length; i++)
        {
            var (_, type, values) = fields[i];
            if (values.Length * Bytes(type) <= 4)
                continue;
            Align(writer);
            places[i] = (uint)writer.BaseStream.Position;
            WriteValues(writer, type, values);
        }

        Align(writer);
        var directory = (uint)writer.BaseStream.Position;
        writer.Write((ushort)fields.Length);
        for (var i = 0; i < fields.Length; i++)
        {
            var (field, type, values) = fields[i];
            writer.Write((ushort)field);
            writer.Write(type);
            writer.Write(values.Length);
            if (places[i] > 0)
            {
                writer.Write(places[i]);
                continue;
            }

            WriteValues(writer, type, values);
            for (var spare = values.Length * Bytes(type); spare < 4; spare++)
                writer.Write((byte)0);
        }

        // No page follows.
        writer.Write(0);
        writer.Seek(DirectoryAt, SeekOrigin.Begin);
        writer.Write(directory);
    }

    private static void WriteValues(BinaryWriter writer, ushort type, uint[] values)
    {
        foreach (var value in values)
        {
            if (type == Short)
                writer.Write((ushort)value);
            else
                writer.Write(value);
        }
    }

    /// <summary>What the directory names begins at even places.</summary>
    private static void Align(BinaryWriter writer)
    {
        if (writer.BaseStream.Position % 2 != 0)
            writer.Write((byte)0);
    }

    private static int Bytes(ushort type) => type == Short ? 2 : 4;

    private static byte[] LittleEndian(SliceImage image)
    {
        if (image.Kind != PixelKind.Grey16 || BitConverter.IsLittleEndian)
            return image.Data;
        var swapped = new byte[image.Data.Length];
        BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<byte, ushort>(image.Data.AsSpan()), MemoryMarshal.Cast<byte, ushort>(swapped.AsSpan()));
        return swapped;
    }
}
