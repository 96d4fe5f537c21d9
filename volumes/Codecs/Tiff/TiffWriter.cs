// SPDX-License-Identifier: Apache-2.0
using System.IO.Compression;
using BitMiracle.LibTiff.Classic;

namespace Teravox.Volumes;

/// <summary>
/// Writes little-endian TIFFs in strips. LibTiff.NET writes the file; the strips are packed before it gets them, since its own Deflate
/// takes several times as long. Nothing but the image is written, so that the same image gives the same bytes.
/// </summary>
internal static class TiffWriter
{
    private const int StripBytes = 256 << 10, Level = 6;

    /// <summary>Encodes an image that <see cref="ImageLimits"/> has checked.</summary>
    public static byte[] Write(SliceImage image, bool deflate)
    {
        var stride = image.Width * image.Kind.Bytes();
        var rows = Math.Min(image.Height, Math.Max(1, StripBytes / stride));
        using var file = new MemoryStream();
        using var tiff = Tiff.ClientOpen("image", "wl", file, new TiffStream()) ?? throw Failed();
        SetFields(tiff, image, rows, deflate);
        using var packed = new MemoryStream();
        for (var (y, strip) = (0, 0); y < image.Height; y += rows, strip++)
        {
            var (start, bytes) = (y * stride, stride * Math.Min(rows, image.Height - y));
            if (!deflate)
            {
                Written(tiff.WriteRawStrip(strip, image.Data, start, bytes), bytes);
                continue;
            }

            packed.SetLength(0);
            using (var stream = new ZLibStream(packed, new ZLibCompressionOptions { CompressionLevel = Level }, leaveOpen: true))
                stream.Write(image.Data, start, bytes);
            Written(tiff.WriteRawStrip(strip, packed.GetBuffer(), 0, (int)packed.Length), (int)packed.Length);
        }

        return tiff.WriteDirectory() ? file.ToArray() : throw Failed();
    }

    private static void SetFields(Tiff tiff, SliceImage image, int rows, bool deflate)
    {
        tiff.SetField(TiffTag.IMAGEWIDTH, image.Width);
        tiff.SetField(TiffTag.IMAGELENGTH, image.Height);
        tiff.SetField(TiffTag.BITSPERSAMPLE, image.Kind == PixelKind.Grey16 ? 16 : 8);
        tiff.SetField(TiffTag.SAMPLESPERPIXEL, image.Kind == PixelKind.Rgb8 ? 3 : 1);
        tiff.SetField(TiffTag.PLANARCONFIG, PlanarConfig.CONTIG);
        tiff.SetField(TiffTag.SAMPLEFORMAT, SampleFormat.UINT);
        tiff.SetField(TiffTag.COMPRESSION, deflate ? Compression.ADOBE_DEFLATE : Compression.NONE);
        tiff.SetField(TiffTag.ROWSPERSTRIP, rows);
        tiff.SetField(TiffTag.PHOTOMETRIC, image.Kind switch
        {
            PixelKind.Rgb8 => Photometric.RGB,
            PixelKind.Palette8 => Photometric.PALETTE,
            _ => Photometric.MINISBLACK,
        });
        if (image.Kind == PixelKind.Palette8)
            tiff.SetField(TiffTag.COLORMAP, Table(image, 16), Table(image, 8), Table(image, 0));
    }

    /// <summary>Always 256 entries: a TIFF's palette has as many as a sample has values. Times 257 maps 255 to 65535.</summary>
    private static ushort[] Table(SliceImage image, int shift)
    {
        var table = new ushort[ImageLimits.MaxPalette];
        for (var i = 0; i < image.Palette!.Count; i++)
            table[i] = (ushort)(((image.Palette[i] >> shift) & 255) * 257);
        return table;
    }

    private static void Written(int bytes, int of)
    {
        if (bytes != of)
            throw Failed();
    }

    private static InvalidOperationException Failed() => new("cannot write TIFF");
}
