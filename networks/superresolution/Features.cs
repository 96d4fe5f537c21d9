// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks;

/// <summary>
/// 64 channels for every pixel of an image: [y][x][channel]. Around the image lie zeros, one pixel before it and as many behind it as
/// whole tiles of 4 x 4 and a convolution's border read. Only the image's own pixels are ever written.
/// </summary>
internal sealed unsafe class Features(int y, int x) : IDisposable
{
    public const int Channels = 64;

    private readonly AlignedFloats _numbers = new(Padded(y) * Padded(x) * Channels);

    public int Y { get; } = y;

    public int X { get; } = x;

    /// <summary>Numbers from one row to the next.</summary>
    public long RowStride { get; } = Padded(x) * Channels;

    /// <summary>The channels of a pixel; -1 is the border before the image.</summary>
    public float* At(int row, int column) => _numbers.Data + ((row + 1) * RowStride) + ((column + 1L) * Channels);

    public void Dispose() => _numbers.Dispose();

    private static long Padded(int n) => ((n + Winograd.Tile - 1) / Winograd.Tile * Winograd.Tile) + 2;
}
