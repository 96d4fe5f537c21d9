// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks;

/// <summary>A grey image of <paramref name="y"/> x <paramref name="x"/> pixels, x fastest.</summary>
internal sealed class Plane(int y, int x)
{
    public Plane((int Y, int X) shape)
        : this(shape.Y, shape.X)
    {
    }

    public int Y { get; } = y;

    public int X { get; } = x;

    public (int Y, int X) Shape => (Y, X);

    public float[] Pixels { get; } = new float[checked(y * x)];

    public ref float this[int row, int column] => ref Pixels[(row * X) + column];

    public Span<float> Row(int row) => Pixels.AsSpan(row * X, X);

    public Plane Copy()
    {
        var copy = new Plane(Y, X);
        Pixels.CopyTo(copy.Pixels, 0);
        return copy;
    }

    /// <summary>Limits every pixel to 0..<paramref name="top"/>; what is not a number stays so.</summary>
    public void Clip(float top)
    {
        foreach (ref var pixel in Pixels.AsSpan())
            pixel = Math.Clamp(pixel, 0, top);
    }
}
