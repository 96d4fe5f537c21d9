// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>
/// Decodes and encodes single images, TIFF or PNG; which one a file is, its first bytes say. TIFF: grey of 1 to 16 bits
/// unsigned, palette, RGB of 8 bits; strips or tiles; none, LZW, Deflate, PackBits; either byte order; BigTIFF; ImageJ's stacks above 4 GiB. PNG:
/// grey of 1 to 16 bits, palette, RGB(A) of 8 bits. Alpha is dropped; TIFFs where 0 means white are inverted.
/// </summary>
public static unsafe class ImageCodec
{
    /// <summary>Enough for the header of nearly any PNG; what lies before the pixels is rarely above a few KB.</summary>
    private const int PngHeaderBytes = 64 << 10;

    /// <summary>Decodes page <paramref name="page"/> (0 = the first) of a file's bytes.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="name">What errors call it.</param>
    /// <param name="page">Page of a TIFF; 0 for a PNG.</param>
    /// <exception cref="InputException">
    /// Truncated, damaged, of a kind that is not read, or without that page; names <paramref name="name"/>.
    /// </exception>
    public static SliceImage Decode(ReadOnlySpan<byte> file, string name, int page = 0)
    {
        if (IsPng(file, name))
        {
            CheckPngPage(page, name);
            return PngReader.Read(file, name);
        }

        fixed (byte* bytes = file)
        {
            using var tiff = TiffFile.Open(bytes, file.Length, name);
            return tiff.Read(page);
        }
    }

    /// <summary>Number of pages: 1 for a PNG.</summary>
    /// <exception cref="InputException">
    /// Neither TIFF nor PNG, or the list of pages is damaged; names <paramref name="name"/>.
    /// </exception>
    public static int PageCount(ReadOnlySpan<byte> file, string name)
    {
        if (IsPng(file, name))
            return 1;
        fixed (byte* bytes = file)
        {
            using var tiff = TiffFile.Open(bytes, file.Length, name);
            return tiff.PageCount;
        }
    }

    /// <summary>Size and kind without decoding pixels.</summary>
    /// <exception cref="InputException">As for <see cref="Decode"/>, as far as the header shows it.</exception>
    public static ImageHeader Peek(ReadOnlySpan<byte> file, string name, int page = 0)
    {
        if (IsPng(file, name))
        {
            CheckPngPage(page, name);
            return PngReader.ReadHeader(file, file.Length, name);
        }

        fixed (byte* bytes = file)
        {
            using var tiff = TiffFile.Open(bytes, file.Length, name);
            return tiff.Header(page);
        }
    }

    /// <summary>As PNG. The same image always gives the same bytes.</summary>
    /// <exception cref="ArgumentException">Data or palette do not fit the image, or an index lies beyond the palette.</exception>
    public static byte[] EncodePng(SliceImage image)
    {
        ImageLimits.Check(image);
        return PngWriter.Write(image);
    }

    /// <summary>
    /// As little-endian TIFF in strips, Deflate unless told otherwise. The same image always gives the same bytes.
    /// </summary>
    /// <exception cref="ArgumentException">Data or palette do not fit the image.</exception>
    public static byte[] EncodeTiff(SliceImage image, bool deflate = true)
    {
        ImageLimits.Check(image);
        return TiffWriter.Write(image, deflate);
    }

    /// <summary>The header of a file on disk, reading no more of it than that takes; also the number of pages.</summary>
    /// <exception cref="InputException">As for <see cref="Peek"/>.</exception>
    internal static (ImageHeader Header, int Pages) PeekFile(string path)
    {
        using var handle = File.OpenHandle(path);
        var length = RandomAccess.GetLength(handle);
        var start = new byte[(int)Math.Min(length, PngHeaderBytes)];
        var read = RandomAccess.Read(handle, start, 0);
        if (!IsPng(start.AsSpan(0, read), path))
        {
            using var tiff = TiffFile.Open(path);
            return (tiff.Header(0), tiff.PageCount);
        }

        try
        {
            return (PngReader.ReadHeader(start.AsSpan(0, read), length, path), 1);
        }
        catch (InputException) when (read < length)
        {
            // What lies before the pixels may be longer; where it is damaged, this says so.
            return (Peek(File.ReadAllBytes(path), path), 1);
        }
    }

    private static bool IsPng(ReadOnlySpan<byte> file, string name)
    {
        if (file.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G']))
            return true;
        if (file.StartsWith("II"u8) || file.StartsWith("MM"u8))
            return false;
        throw new InputException(
            file.IsEmpty ? $"{name} is empty" : $"{name} is neither a TIFF nor a PNG file; convert it to one of them");
    }

    private static void CheckPngPage(int page, string name)
    {
        if (page != 0)
            throw new InputException($"{name} is a PNG, which has one image; there is no page {page}");
    }
}
