// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>How the pixels of a page are laid out in its file.</summary>
internal sealed record TiffLayout
{
    /// <summary>Size and kind of the decoded page.</summary>
    public required ImageHeader Image { get; init; }

    /// <summary>Samples of a pixel.</summary>
    public required int Samples { get; init; }

    /// <summary>Whether 0 means white.</summary>
    public required bool IsInverted { get; init; }

    /// <summary>Whether each sample has strips or tiles of its own.</summary>
    public required bool IsSeparate { get; init; }

    public required int Compression { get; init; }

    /// <summary>Reads the layout of a page.</summary>
    /// <param name="directory">The page's directory.</param>
    /// <param name="fileSize">Bytes of the file.</param>
    /// <param name="name">What errors call the page.</param>
    /// <exception cref="InputException">Damaged, of a kind that is not read, or the file is too short for what it claims.</exception>
    public static TiffLayout Read(TiffDirectory directory, long fileSize, string name)
    {
        if (!directory.Has(TiffField.ImageWidth) || !directory.Has(TiffField.ImageLength))
            throw new InputException($"{name}: the image has no size");
        var bits = directory.Number(TiffField.BitsPerSample, 1);
        var samples = directory.Number(TiffField.SamplesPerPixel, 1);
        CheckFormat(directory, bits, name);
        var compression = directory.Number(TiffField.Compression, TiffCompression.None);
        if (!TiffCompression.IsRead(compression))
            throw new InputException($"{name}: compression {TiffCompression.Name(compression)} is not read; " +
                "save the image with none, LZW, Deflate or PackBits");
        var colours = Photometric(directory, bits, samples, name);
        var kind = Kind(colours, bits, samples, name);
        return new TiffLayout
        {
            Image = ImageLimits.Check(
                directory.Number(TiffField.ImageWidth, 0), directory.Number(TiffField.ImageLength, 0), kind, (int)bits, (int)(bits * samples), fileSize, name),
            Samples = (int)samples,
            IsInverted = colours == TiffColours.White,
            IsSeparate = directory.Number(TiffField.PlanarConfiguration, 1) == 2,
            Compression = (int)compression,
        };
    }

    private static void CheckFormat(TiffDirectory directory, long bits, string name)
    {
        // 1: unsigned; 4: not said.
        var format = directory.Number(TiffField.SampleFormat, 1);
        if (format is not (1 or 4))
            throw new InputException($"{name}: samples are {(format == 2 ? "signed" : "floating point")} numbers of {bits} bits; " +
                "convert the image to unsigned 8 or 16 bits");
    }

    private static long Photometric(TiffDirectory directory, long bits, long samples, string name)
    {
        var colours = directory.Number(TiffField.PhotometricInterpretation, samples >= 3 ? TiffColours.Rgb : TiffColours.Black);
        if (colours != TiffColours.Indexed || directory.Has(TiffField.ColorMap))
            return colours;

        // Some programs call grey or colour images indexed and give no palette.
        return bits >= 8 ? samples == 3 ? TiffColours.Rgb : TiffColours.Black : throw new InputException($"{name}: the palette is missing");
    }

    private static PixelKind Kind(long colours, long bits, long samples, string name)
    {
        switch (colours)
        {
            case TiffColours.White or TiffColours.Black:
                if (samples != 1)
                    throw new InputException($"{name}: a grey image with {samples} samples a pixel is not read; save it with one");
                return bits switch
                {
                    16 => PixelKind.Grey16,
                    1 or 2 or 4 or 8 => PixelKind.Grey8,
                    _ => throw new InputException($"{name}: a grey image of {bits} bits a sample is not read; convert it to 8 or 16 bits"),
                };
            case TiffColours.Indexed:
                return samples == 1 && bits is (1 or 2 or 4 or 8)
                    ? PixelKind.Palette8
                    : throw new InputException($"{name}: a palette image of {bits} bits a sample is not read; convert it to 8 bits");
            case TiffColours.Rgb:
                return bits == 8 && samples is (3 or 4)
                    ? PixelKind.Rgb8
                    : throw new InputException($"{name}: a colour image of {samples} x {bits} bits is not read; convert it to 3 x 8 bits");
            default:
                throw new InputException($"{name}: the colour space (photometric {colours}) is not read; save the image as grey, palette or RGB");
        }
    }
}
