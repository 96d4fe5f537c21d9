// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>What the pixels of an image are.</summary>
public enum PixelKind
{
    /// <summary>8-bit grey, 1 byte. Samples of 1, 2 and 4 bits come as this, scaled to 0..255.</summary>
    Grey8 = 0,

    /// <summary>16-bit grey, 2 bytes in native order.</summary>
    Grey16 = 1,

    /// <summary>Index into a palette, 1 byte, never scaled.</summary>
    Palette8 = 2,

    /// <summary>Red, green, blue, 3 bytes.</summary>
    Rgb8 = 3,
}

/// <summary>Sizes of kinds of pixels.</summary>
public static class PixelKinds
{
    /// <summary>Bytes of one pixel.</summary>
    public static int Bytes(this PixelKind kind) => kind switch { PixelKind.Grey16 => 2, PixelKind.Rgb8 => 3, _ => 1 };

    /// <summary>The voxel type that grey pixels become; 8 bits for the others, whose pixels become class ids.</summary>
    public static VoxelType VoxelType(this PixelKind kind) => kind == PixelKind.Grey16 ? Contracts.VoxelType.UInt16 : Contracts.VoxelType.UInt8;
}

/// <summary>One decoded image.</summary>
/// <param name="Width">Pixels per row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Kind">What the pixels are.</param>
/// <param name="Data">Rows from the top without padding, Width * Height * Kind.Bytes() bytes.</param>
/// <param name="Palette">For <see cref="PixelKind.Palette8"/> the colours 0xRRGGBB by index, 1..256 of them; null otherwise.</param>
public sealed record SliceImage(int Width, int Height, PixelKind Kind, byte[] Data, IReadOnlyList<uint>? Palette);

/// <summary>What an image's header says.</summary>
/// <param name="Width">Pixels per row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Kind">What the pixels are once decoded.</param>
/// <param name="Bits">Bits of a sample in the file: 1, 2, 4, 8 or 16.</param>
public readonly record struct ImageHeader(int Width, int Height, PixelKind Kind, int Bits);
