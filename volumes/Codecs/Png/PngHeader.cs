// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>What stands before the pixels of a PNG.</summary>
/// <param name="Image">Size and kind.</param>
/// <param name="Channels">Samples of a pixel in the file, alpha included.</param>
/// <param name="Interlaced">Whether the pixels come in Adam7's seven passes.</param>
/// <param name="Palette">Colours 0xRRGGBB by index; null where the pixels are no indices.</param>
internal sealed record PngHeader(ImageHeader Image, int Channels, bool Interlaced, uint[]? Palette)
{
    private const int Indexed = 3, ColourBit = 2, AlphaBit = 4;

    /// <summary>Bits of a pixel in the file.</summary>
    public int PackedBits => Image.Bits * Channels;

    /// <summary>Reads up to the pixels; <paramref name="chunks"/> then stands at the first chunk of them.</summary>
    /// <param name="chunks">At the beginning of a file.</param>
    /// <param name="fileSize">Bytes of the whole file.</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="InputException">Damaged, of a kind that is not read, or the file is too short for what it claims.</exception>
    public static PngHeader Read(ref PngChunks chunks, long fileSize, string name)
    {
        chunks.MoveNext();
        if (chunks.Type != PngChunk.Header)
            throw chunks.Damaged("it does not begin with its header");
        var body = chunks.Body();
        if (body.Length != 13)
            throw chunks.Damaged("its header has an impossible length");
        var (bits, type) = (body[8], body[9]);
        if (!IsPossible(type, bits) || body[10] != 0 || body[11] != 0 || body[12] > 1)
            throw chunks.Damaged("its header has an impossible value");
        var (width, height) = (BinaryPrimitives.ReadUInt32BigEndian(body), BinaryPrimitives.ReadUInt32BigEndian(body[4..]));
        var interlaced = body[12] == 1;
        var channels = (type == Indexed ? 1 : (type & ColourBit) != 0 ? 3 : 1) + ((type & AlphaBit) != 0 ? 1 : 0);
        if (type != Indexed && (type & ColourBit) != 0 && bits == 16)
            throw new InputException($"{name}: a colour PNG of 16 bits a sample is not read; save it as grey or with 8 bits");
        var kind = type == Indexed ? PixelKind.Palette8 : (type & ColourBit) != 0 ? PixelKind.Rgb8 : bits == 16 ? PixelKind.Grey16 : PixelKind.Grey8;
        var image = ImageLimits.Check(width, height, kind, bits, bits * channels, fileSize, name);

        uint[]? palette = null;
        for (chunks.MoveNext(); chunks.Type != PngChunk.Data; chunks.MoveNext())
        {
            if (chunks.Type != PngChunk.Palette)
                chunks.Skip();
            else if (type == Indexed)
                palette = palette is null ? Colours(ref chunks, bits) : throw chunks.Damaged("it has two palettes");
        }

        return type == Indexed && palette is null
            ? throw new InputException($"{name}: the palette is missing")
            : new PngHeader(image, channels, interlaced, palette);
    }

    /// <summary>The depths that the format has for each kind of colour.</summary>
    private static bool IsPossible(int type, int bits) => type switch
    {
        0 => bits is 1 or 2 or 4 or 8 or 16,
        Indexed => bits is 1 or 2 or 4 or 8,
        2 or 4 or 6 => bits is 8 or 16,
        _ => false,
    };

    private static uint[] Colours(ref PngChunks chunks, int bits)
    {
        var body = chunks.Body();
        if (body.IsEmpty || body.Length % 3 != 0 || body.Length > 3 * ImageLimits.MaxPalette)
            throw chunks.Damaged("its palette has an impossible length");

        // Colours that no index can name are left out.
        var colours = new uint[Math.Min(body.Length / 3, 1 << bits)];
        for (var i = 0; i < colours.Length; i++)
            colours[i] = ((uint)body[3 * i] << 16) | ((uint)body[(3 * i) + 1] << 8) | body[(3 * i) + 2];
        return colours;
    }
}
