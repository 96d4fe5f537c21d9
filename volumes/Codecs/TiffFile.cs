// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>An open TIFF with its pages; used by one thread at a time. The name is what errors call it.</summary>
internal sealed unsafe class TiffFile : SafeHandle
{
    private readonly string _name;

    private TiffFile(nint handle, string name)
        : base(0, ownsHandle: true)
    {
        SetHandle(handle);
        _name = name;
        PageCount = NativeCodecs.tvc_tiff_page_count(handle);
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Number of pages, thumbnails not counted.</summary>
    public int PageCount { get; }

    /// <summary>Opens a file of any size; pages are read when asked for.</summary>
    public static TiffFile Open(string path)
    {
        nint handle;
        NativeCodecs.Check(NativeCodecs.tvc_tiff_open_file(path, &handle), path);
        return new TiffFile(handle, path);
    }

    /// <summary>Opens bytes that stay where they are until this is disposed.</summary>
    public static TiffFile Open(byte* bytes, long length, string name)
    {
        nint handle;
        NativeCodecs.Check(NativeCodecs.tvc_tiff_open_memory(bytes, length, &handle), name);
        return new TiffFile(handle, name);
    }

    public ImageHeader Header(int page)
    {
        NativeCodecs.ImageInfo info;
        NativeCodecs.Check(NativeCodecs.tvc_tiff_page_info(Page(page), page, &info), PageName(page));
        return ImageCodec.Header(info);
    }

    public SliceImage Read(int page)
    {
        NativeCodecs.ImageInfo info;
        NativeCodecs.Check(NativeCodecs.tvc_tiff_page_info(Page(page), page, &info), PageName(page));
        var pixels = new byte[info.PixelBytes];
        var palette = new uint[NativeCodecs.MaxPalette];
        fixed (byte* p = pixels)
        fixed (uint* colours = palette)
            NativeCodecs.Check(NativeCodecs.tvc_tiff_read_page(handle, page, p, pixels.Length, colours), PageName(page));
        return ImageCodec.Image(info, pixels, palette);
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        NativeCodecs.tvc_tiff_close(handle);
        return true;
    }

    private nint Page(int page)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        if (page < 0 || page >= PageCount)
            throw new InputException($"{_name} has {PageCount} pages; there is no page {page}");
        return handle;
    }

    private string PageName(int page) => PageCount == 1 ? _name : $"{_name} page {page}";
}
