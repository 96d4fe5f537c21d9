// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>What an image may claim, checked before memory is taken for it.</summary>
internal static class ImageLimits
{
    /// <summary>Most pixels along one side.</summary>
    public const int MaxSide = 1 << 20;

    /// <summary>Most colours of a palette.</summary>
    public const int MaxPalette = 256;

    /// <summary>
    /// No packing in use here shrinks more than this (Deflate 1032, LZW 2730, PackBits 64): a file that claims more is
    /// damaged, or meant to exhaust memory.
    /// </summary>
    public const int MostShrinking = 4096;

    /// <summary>Checks a size that a file claims.</summary>
    /// <param name="width">Pixels per row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="kind">What the pixels are once decoded.</param>
    /// <param name="bits">Bits of a sample in the file.</param>
    /// <param name="packedBits">Bits of a pixel in the file.</param>
    /// <param name="fileSize">Bytes of the file.</param>
    /// <param name="name">What errors call the image.</param>
    /// <exception cref="InputException">The size is impossible, or more than 2 GiB once decoded.</exception>
    public static ImageHeader Check(long width, long height, PixelKind kind, int bits, int packedBits, long fileSize, string name)
    {
        if (width < 1 || height < 1 || width > MaxSide || height > MaxSide)
            throw new InputException($"{name}: the image claims a size of {width} x {height} pixels, outside 1..{MaxSide}");
        if (width * height * kind.Bytes() > Array.MaxLength)
            throw new InputException($"{name}: an image of {width} x {height} pixels takes more than 2 GiB; cut it into smaller ones");
        if (width * packedBits / 8 * height / MostShrinking > fileSize)
            throw new InputException($"{name}: the image claims {width} x {height} pixels but the file has only {fileSize} bytes");
        return new ImageHeader((int)width, (int)height, kind, bits);
    }

    /// <summary>Checks an image that is to be written.</summary>
    /// <exception cref="ArgumentException">Data or palette do not fit it.</exception>
    public static void Check(SliceImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (!Enum.IsDefined(image.Kind))
            throw new ArgumentException("unknown kind of image", nameof(image));
        if (image.Width < 1 || image.Height < 1 || image.Width > MaxSide || image.Height > MaxSide)
            throw new ArgumentException("image size out of range", nameof(image));
        var needed = (long)image.Width * image.Height * image.Kind.Bytes();
        if (image.Data.Length != needed)
            throw new ArgumentException($"an image of {image.Width} x {image.Height} {image.Kind} takes {needed} bytes, not {image.Data.Length}", nameof(image));
        if (image.Kind == PixelKind.Palette8 && image.Palette?.Count is not (>= 1 and <= MaxPalette))
            throw new ArgumentException("palette missing or out of range", nameof(image));
    }
}
