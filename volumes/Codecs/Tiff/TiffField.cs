// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes;

/// <summary>Fields of a TIFF directory that matter here (TIFF 6.0, sections 8 and 14 to 16).</summary>
internal enum TiffField : ushort
{
    NewSubfileType = 254,
    SubfileType = 255,
    ImageWidth = 256,
    ImageLength = 257,
    BitsPerSample = 258,
    Compression = 259,
    PhotometricInterpretation = 262,
    FillOrder = 266,
    ImageDescription = 270,
    StripOffsets = 273,
    SamplesPerPixel = 277,
    RowsPerStrip = 278,
    StripByteCounts = 279,
    PlanarConfiguration = 284,
    Predictor = 317,
    ColorMap = 320,
    TileWidth = 322,
    TileLength = 323,
    TileOffsets = 324,
    TileByteCounts = 325,
    SampleFormat = 339,
}

/// <summary>What samples mean (photometric interpretation); other colour spaces are not read.</summary>
internal static class TiffColours
{
    /// <summary>Grey, where 0 is white, or black.</summary>
    public const int White = 0, Black = 1;

    public const int Rgb = 2;

    /// <summary>Indices into a palette.</summary>
    public const int Indexed = 3;
}

/// <summary>How strips and tiles are packed.</summary>
internal static class TiffCompression
{
    public const int None = 1, Lzw = 5, AdobeDeflate = 8, PackBits = 32773, Deflate = 32946;

    /// <summary>Those that are read.</summary>
    public static bool IsRead(long scheme) => scheme is None or Lzw or AdobeDeflate or PackBits or Deflate;

    /// <summary>Those that know a predictor; elsewhere the field has no meaning.</summary>
    public static bool Predicts(long scheme) => scheme is Lzw or AdobeDeflate or Deflate;

    /// <summary>What people call a scheme.</summary>
    public static string Name(long scheme) => scheme switch
    {
        2 or 3 or 4 => "CCITT",
        6 or 7 => "JPEG",
        33003 or 33004 or 33005 or 34712 => "JPEG 2000",
        34676 or 34677 => "SGILog",
        34887 => "LERC",
        34925 => "LZMA",
        50000 => "ZSTD",
        50001 => "WEBP",
        _ => $"number {scheme}",
    };
}
