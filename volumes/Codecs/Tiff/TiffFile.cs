// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>
/// An open TIFF with its pages; used by one thread at a time. The name is what errors call it. Thumbnails and masks
/// are no part of a volume: their directories must be there, as they lead to the next, but nothing else of them is looked at.
/// </summary>
internal sealed unsafe class TiffFile : IDisposable
{
    private const int MaxPages = 1 << 20;

    /// <summary>ImageJ says in the first lines of its description what it wrote.</summary>
    private const int DescriptionBytes = 64 << 10;

    private readonly TiffSource _source;
    private readonly TiffFormat _format;
    private readonly string _name;
    private readonly List<long> _pages = [];
    private long _rawStart;
    private bool _disposed;

    private TiffFile(TiffSource source, string name)
    {
        _source = source;
        _name = name;
        (_format, var first) = ReadStart();
        ListPages(first);
        PageCount = _pages.Count;
        if (PageCount == 1)
            FindRawPages();
    }

    /// <summary>Number of pages, thumbnails and masks not counted.</summary>
    public int PageCount { get; private set; }

    /// <summary>Opens a file of any size; pages are read when asked for.</summary>
    /// <exception cref="InputException">It cannot be opened, or the list of its pages is damaged.</exception>
    public static TiffFile Open(string path) => Open(new TiffSource(path), path);

    /// <summary>Opens bytes that stay where they are until this is disposed.</summary>
    /// <exception cref="InputException">The list of pages is damaged.</exception>
    public static TiffFile Open(byte* bytes, long length, string name) => Open(new TiffSource(bytes, length), name);

    /// <summary>Size and kind of a page.</summary>
    /// <exception cref="InputException">There is no such page, it is damaged, or of a kind that is not read.</exception>
    public ImageHeader Header(int page) => TiffLayout.Read(Directory(page), _source.Length, PageName(page)).Image;

    /// <summary>Decodes a page.</summary>
    /// <exception cref="InputException">As for <see cref="Header"/>, or its pixels are truncated or damaged.</exception>
    public SliceImage Read(int page)
    {
        var (directory, name) = (Directory(page), PageName(page));
        var layout = TiffLayout.Read(directory, _source.Length, name);
        return _rawStart > 0 ? ReadRaw(page, directory, layout, name) : TiffPage.Read(_source, _format, directory, layout, name);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        _source.Dispose();
    }

    private static TiffFile Open(TiffSource source, string name)
    {
        try
        {
            return new TiffFile(source, name);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private (TiffFormat Format, long First) ReadStart()
    {
        Span<byte> start = stackalloc byte[16];
        if (!_source.TryRead(0, start[..8]))
            throw NotWhole("it ends within its header");
        var bigEndian = start.StartsWith("MM"u8);
        var version = bigEndian ? BinaryPrimitives.ReadUInt16BigEndian(start[2..]) : BinaryPrimitives.ReadUInt16LittleEndian(start[2..]);
        var format = new TiffFormat(version == 43, bigEndian);
        if ((!bigEndian && !start.StartsWith("II"u8)) || version is not (42 or 43))
            throw NotWhole("its header is none of a TIFF");
        if (!format.Big)
            return (format, format.Number(start[4..], 4));
        if (format.Number(start[4..], 2) != 8 || format.Number(start[6..], 2) != 0)
            throw NotWhole("its header is none of a BigTIFF");
        return _source.TryRead(0, start) ? (format, format.Number(start[8..], 8)) : throw NotWhole("it ends within its header");
    }

    private void ListPages(long first)
    {
        if (first == 0)
            throw new InputException($"{_name}: the TIFF has no page");
        var seen = new HashSet<long>();
        for (var offset = first; offset != 0;)
        {
            if (!seen.Add(offset))
                throw new InputException($"{_name}: damaged TIFF: page {_pages.Count} cannot be found");
            if (seen.Count > MaxPages)
                throw new InputException($"{_name}: the TIFF has more than a million pages");
            var directory = TiffDirectory.Read(_source, _format, offset, _name);
            if (directory.IsImage)
                _pages.Add(offset);
            offset = directory.Next;
        }

        if (_pages.Count == 0)
            throw new InputException($"{_name}: the TIFF has no page");
    }

    /// <summary>
    /// ImageJ writes stacks above 4 GiB as a TIFF with one page; the pixels of all others follow that page's, and only the description
    /// says how many there are. Taking such a file for a single slice would lose the rest silently.
    /// </summary>
    private void FindRawPages()
    {
        var directory = Directory(0);
        var description = directory.Text(TiffField.ImageDescription, DescriptionBytes);
        const string Images = "\nimages=";
        var at = description.IndexOf(Images, StringComparison.Ordinal);
        if (at < 0 || !description.StartsWith("ImageJ=", StringComparison.Ordinal))
            return;
        var digits = description.AsSpan(at + Images.Length).TrimStart();
        var end = digits.IndexOfAnyExceptInRange('0', '9');
        if (!long.TryParse(end < 0 ? digits : digits[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count <= 1)
            return;
        var layout = TiffLayout.Read(directory, _source.Length, _name);
        var plain = !directory.Has(TiffField.TileWidth) && !layout.IsSeparate && layout.Compression == TiffCompression.None &&
            layout.Image.Bits >= 8 && layout.Samples * layout.Image.Bits / 8 == layout.Image.Kind.Bytes();
        if (!plain || count > MaxPages)
            throw new InputException($"{_name}: an ImageJ stack of {count} images behind one page is read only uncompressed; save it as an image sequence");
        _rawStart = directory.Numbers(TiffField.StripOffsets, 1)[0];
        if (_rawStart <= 0 || (_source.Length - _rawStart) / PixelBytes(layout.Image) < count)
            throw new InputException($"{_name}: the file ends before the last of its {count} images");
        PageCount = (int)count;
    }

    private SliceImage ReadRaw(int page, TiffDirectory directory, TiffLayout layout, string name)
    {
        var pixels = new byte[PixelBytes(layout.Image)];
        if (!_source.TryRead(_rawStart + ((long)page * pixels.Length), pixels))
            throw new InputException($"{name}: the TIFF's pixels are truncated");
        if (layout.Image.Kind == PixelKind.Grey16 && _format.BigEndian == BitConverter.IsLittleEndian)
        {
            var words = MemoryMarshal.Cast<byte, ushort>(pixels.AsSpan());
            BinaryPrimitives.ReverseEndianness(words, words);
        }

        return TiffPage.Image(directory, layout, pixels, name);
    }

    private TiffDirectory Directory(int page)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (page < 0 || page >= PageCount)
            throw new InputException($"{_name} has {PageCount} pages; there is no page {page}");
        return TiffDirectory.Read(_source, _format, _pages[_rawStart > 0 ? 0 : page], PageName(page));
    }

    private InputException NotWhole(string why) => new($"{_name}: this is not a whole TIFF file: {why}");

    private string PageName(int page) => PageCount == 1 ? _name : $"{_name} page {page}";

    private static int PixelBytes(ImageHeader image) => image.Width * image.Height * image.Kind.Bytes();
}
