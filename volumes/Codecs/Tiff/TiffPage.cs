// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>Decodes a page of a TIFF.</summary>
internal static class TiffPage
{
    /// <summary>Decodes the page that a directory describes.</summary>
    /// <exception cref="InputException">Truncated or damaged; names the page.</exception>
    public static SliceImage Read(TiffSource source, TiffFormat format, TiffDirectory directory, TiffLayout layout, string name)
    {
        var blocks = new TiffBlocks(source, format, directory, layout, name);
        var image = layout.Image;
        var pixels = new byte[image.Width * image.Height * image.Kind.Bytes()];
        var planes = layout.IsSeparate && image.Kind == PixelKind.Rgb8 ? 3 : 1;
        for (var plane = 0; plane < planes; plane++)
            ReadPlane(blocks, layout, plane, pixels, name);
        return Image(directory, layout, pixels, name);
    }

    /// <summary>Gives pixels in native byte order their meaning and their palette.</summary>
    public static SliceImage Image(TiffDirectory directory, TiffLayout layout, byte[] pixels, string name)
    {
        if (layout.IsInverted)
            Samples.Invert(pixels);
        var image = layout.Image;
        return new SliceImage(image.Width, image.Height, image.Kind, pixels, image.Kind == PixelKind.Palette8 ? Palette(directory, 1 << image.Bits, name) : null);
    }

    private static void ReadPlane(TiffBlocks blocks, TiffLayout layout, int plane, byte[] pixels, string name)
    {
        var (width, height, size) = (layout.Image.Width, layout.Image.Height, layout.Image.Kind.Bytes());

        // Rows that lie in the file as they do in memory are unpacked in place.
        var inPlace = !blocks.IsTiled && blocks.RowBytes == width * size && !(layout.IsSeparate && size > 2) && layout.Image.Bits >= 8;
        var block = inPlace ? [] : new byte[blocks.Bytes];
        for (var (y, row) = (0, 0); y < height; y += blocks.Height, row++)
        {
            var rows = Math.Min(blocks.Height, height - y);
            for (var column = 0; column < blocks.Across; column++)
            {
                // A tile is whole; the last strip may end with the image.
                var into = inPlace
                    ? pixels.AsSpan(y * width * size, rows * width * size)
                    : block.AsSpan(0, blocks.IsTiled ? blocks.Bytes : blocks.RowBytes * rows);
                if (!blocks.TryRead(plane, row, column, into))
                    throw new InputException($"{name}: the TIFF's pixels are truncated or damaged from row {y} on");
                if (inPlace)
                    continue;
                var x = column * blocks.Width;
                var columns = Math.Min(blocks.Width, width - x);
                for (var r = 0; r < rows; r++)
                    CopyRow(blocks, layout, plane, into.Slice(r * blocks.RowBytes, blocks.RowBytes), pixels.AsSpan((((y + r) * width) + x) * size, columns * size));
            }

            // The next row of blocks may begin beyond what an int holds.
            if (height - y <= blocks.Height)
                break;
        }
    }

    private static void CopyRow(TiffBlocks blocks, TiffLayout layout, int plane, ReadOnlySpan<byte> from, Span<byte> to)
    {
        var (kind, bits) = (layout.Image.Kind, layout.Image.Bits);
        if (bits < 8)
        {
            Samples.Unpack(from, bits, Samples.Scale(kind, bits), to);
        }
        else if (kind != PixelKind.Rgb8 || blocks.SamplesInBlock == 3)
        {
            from[..to.Length].CopyTo(to);
        }
        else if (layout.IsSeparate)
        {
            for (int x = 0, target = plane; target < to.Length; x++, target += 3)
                to[target] = from[x];
        }
        else
        {
            Samples.Take(from, 3, blocks.SamplesInBlock, to);
        }
    }

    /// <summary>As many colours as a sample has values, 0xRRGGBB.</summary>
    private static uint[] Palette(TiffDirectory directory, int count, string name)
    {
        // One table for all three is grey.
        var tables = directory.Count(TiffField.ColorMap) == count ? 1 : 3;
        var values = directory.Numbers(TiffField.ColorMap, tables * count);
        if (!Array.TrueForAll(values, static v => v is >= 0 and <= ushort.MaxValue))
            throw new InputException($"{name}: damaged TIFF: its palette has an impossible value");

        // Some writers put 8-bit colours into the 16-bit table.
        var shift = Array.TrueForAll(values, static v => v < 256) ? 0 : 8;
        var palette = new uint[count];
        for (var i = 0; i < count; i++)
        {
            for (var c = 0; c < 3; c++)
                palette[i] = (palette[i] << 8) | (uint)(values[(tables == 1 ? 0 : c * count) + i] >> shift);
        }

        return palette;
    }
}
