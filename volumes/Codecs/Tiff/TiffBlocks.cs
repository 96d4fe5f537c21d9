// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>
/// The strips or tiles of a page: blocks of rows, unpacked one at a time into samples in native byte order. All of a page's blocks have
/// the same size in memory; the last strips end with the image.
/// </summary>
internal sealed class TiffBlocks
{
    /// <summary>A tile may stick out of its image, but not be huge beside it.</summary>
    private const int SpareBytes = 64 << 20;

    private readonly TiffSource _source;
    private readonly TiffLayout _layout;
    private readonly bool _bigEndian;
    private readonly bool _mirroredBits;
    private readonly long _predictor;
    private readonly int _down;
    private readonly long[] _offsets;
    private readonly long[] _counts;

    /// <exception cref="InputException">Blocks of an impossible size, or without a place; names the page.</exception>
    public TiffBlocks(TiffSource source, TiffFormat format, TiffDirectory directory, TiffLayout layout, string name)
    {
        _source = source;
        _layout = layout;
        _bigEndian = format.BigEndian;
        _mirroredBits = directory.Number(TiffField.FillOrder, 1) == 2;
        _predictor = TiffCompression.Predicts(layout.Compression) ? directory.Number(TiffField.Predictor, 1) : 1;
        if (_predictor is not (1 or 2) || (_predictor == 2 && layout.Image.Bits < 8))
            throw new InputException($"{name}: predictor {_predictor} with samples of {layout.Image.Bits} bits is not read; save the image without one");

        var (width, height) = (layout.Image.Width, layout.Image.Height);
        IsTiled = directory.Has(TiffField.TileWidth);
        var (blockWidth, blockHeight) = IsTiled
            ? (directory.Number(TiffField.TileWidth, 0), directory.Number(TiffField.TileLength, 0))
            : (width, Math.Min(directory.Number(TiffField.RowsPerStrip, height), height));
        if (blockWidth < 1 || blockHeight < 1)
            throw new InputException($"{name}: damaged TIFF: strips or tiles of size 0");
        SamplesInBlock = layout.IsSeparate ? 1 : layout.Samples;
        var most = Math.Min((4L * width * height * layout.Image.Kind.Bytes()) + SpareBytes, Math.Min(ImageLimits.MostShrinking * source.Length, Array.MaxLength));
        var rowBytes = blockWidth <= most ? Samples.RowBytes(blockWidth * SamplesInBlock, layout.Image.Bits) : long.MaxValue;
        if (blockHeight > most / rowBytes)
            throw new InputException($"{name}: damaged TIFF: strips or tiles of impossible size");
        (Width, Height, RowBytes) = ((int)blockWidth, (int)blockHeight, (int)rowBytes);

        Across = (int)(((long)width + Width - 1) / Width);
        _down = (int)(((long)height + Height - 1) / Height);
        (_offsets, _counts) = Places(directory, (long)Across * _down * (layout.IsSeparate ? layout.Samples : 1));
    }

    public bool IsTiled { get; }

    /// <summary>Pixels per row of a block, and its rows.</summary>
    public int Width { get; }

    public int Height { get; }

    /// <summary>Samples of a pixel in one block.</summary>
    public int SamplesInBlock { get; }

    public int RowBytes { get; }

    /// <summary>Blocks side by side.</summary>
    public int Across { get; }

    /// <summary>Bytes of a whole block.</summary>
    public int Bytes => RowBytes * Height;

    /// <summary>Unpacks the block with column <paramref name="x"/> and row <paramref name="y"/> of blocks; false when it is damaged.</summary>
    /// <param name="plane">The sample, where each has blocks of its own.</param>
    /// <param name="y">0 for the topmost.</param>
    /// <param name="x">0 for the leftmost.</param>
    /// <param name="block">As many of its rows as are wanted.</param>
    public bool TryRead(int plane, int y, int x, Span<byte> block)
    {
        var index = (((long)plane * _down) + y) * Across + x;
        var (offset, count) = (_offsets[index], _counts[index]);
        if (_layout.Compression == TiffCompression.None)
        {
            if (count < block.Length || !_source.TryRead(offset, block))
                return false;
            if (_mirroredBits)
                MirrorBits(block);
        }
        else if (!TryUnpack(offset, count, block))
        {
            return false;
        }

        if (_layout.Image.Bits == 16 && _bigEndian == BitConverter.IsLittleEndian)
        {
            var words = MemoryMarshal.Cast<byte, ushort>(block);
            BinaryPrimitives.ReverseEndianness(words, words);
        }

        if (_predictor == 2)
        {
            for (var start = 0; start < block.Length; start += RowBytes)
                Accumulate(block.Slice(start, RowBytes));
        }

        return true;
    }

    /// <summary>Where blocks lie, and how many bytes each has.</summary>
    private (long[] Offsets, long[] Counts) Places(TiffDirectory directory, long blocks)
    {
        // Some programs put the places of tiles where those of strips belong.
        var (at, bytes) = IsTiled && directory.Has(TiffField.TileOffsets)
            ? (TiffField.TileOffsets, TiffField.TileByteCounts)
            : (TiffField.StripOffsets, TiffField.StripByteCounts);
        var offsets = directory.Numbers(at, blocks);
        var raw = _layout.Compression == TiffCompression.None;
        var known = directory.Has(bytes);
        if ((blocks == 1 && (raw || !known || directory.Number(bytes, 0) == 0)) || (_layout.IsSeparate && blocks == _layout.Samples && !known))
        {
            // Nothing else is in the plane, and some programs get its size wrong or leave it out.
            return (offsets, Array.ConvertAll(offsets, offset => raw ? Bytes : Math.Max(0, _source.Length - offset)));
        }

        var counts = directory.Numbers(bytes, blocks);
        if (raw && !_layout.IsSeparate && blocks > 2 && counts[0] != counts[1] && counts[0] != 0 && counts[1] != 0)
        {
            // As libtiff does: unpacked blocks are all alike, so these sizes are wrong, and the image's are right.
            Array.Fill(counts, Bytes);
        }

        return (offsets, counts);
    }

    private bool TryUnpack(long offset, long count, Span<byte> block)
    {
        // Far more than the block can need is a mistake of the writer, or meant to take memory.
        var most = (10L * Bytes) + (1 << 20);
        var length = (int)Math.Min(Math.Min(count, most), Array.MaxLength);
        if (length < 1 || length > _source.Length - offset)
            return false;
        var packed = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            var bytes = packed.AsSpan(0, length);
            if (!_source.TryRead(offset, bytes))
                return false;
            if (_mirroredBits)
                MirrorBits(bytes);
            return _layout.Compression switch
            {
                TiffCompression.Lzw => TiffLzw.TryFill(bytes, block),
                TiffCompression.PackBits => PackBits.TryFill(bytes, block),
                _ => Zlib.TryFill(bytes, block),
            };
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packed);
        }
    }

    /// <summary>Undoes predictor 2: each sample was stored less the one before it.</summary>
    private void Accumulate(Span<byte> row)
    {
        var step = SamplesInBlock;
        if (_layout.Image.Bits == 16)
        {
            var words = MemoryMarshal.Cast<byte, ushort>(row);
            for (var i = step; i < words.Length; i++)
                words[i] += words[i - step];
        }
        else
        {
            for (var i = step; i < row.Length; i++)
                row[i] += row[i - step];
        }
    }

    private static void MirrorBits(Span<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            int b = bytes[i];
            b = ((b & 0x55) << 1) | ((b >> 1) & 0x55);
            b = ((b & 0x33) << 2) | ((b >> 2) & 0x33);
            bytes[i] = (byte)((b << 4) | (b >> 4));
        }
    }
}
