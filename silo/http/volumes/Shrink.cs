// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Silo.Http.Volumes;

/// <summary>Makes 8-bit images smaller by a whole factor, so that no side is longer than asked for.</summary>
internal static class Shrink
{
    /// <summary>Mean of each block of pixels.</summary>
    public static (int Width, int Height, byte[] Pixels) Mean(byte[] pixels, int width, int height, int most) =>
        By(pixels, width, height, most, static (pixels, width, x0, x1, y0, y1) =>
        {
            var sum = 0;
            for (var y = y0; y < y1; y++)
            {
                for (var x = x0; x < x1; x++)
                    sum += pixels[((long)y * width) + x];
            }

            var count = (x1 - x0) * (y1 - y0);
            return (byte)((sum + (count / 2)) / count);
        });

    /// <summary>The middle of each block: class ids have no mean.</summary>
    public static (int Width, int Height, byte[] Pixels) Nearest(byte[] pixels, int width, int height, int most) =>
        By(pixels, width, height, most, static (pixels, width, x0, x1, y0, y1) => pixels[((long)((y0 + y1) / 2) * width) + ((x0 + x1) / 2)]);

    private static (int Width, int Height, byte[] Pixels) By(
        byte[] pixels, int width, int height, int most, Func<byte[], int, int, int, int, int, byte> block)
    {
        var factor = (Math.Max(width, height) + most - 1) / most;
        if (factor <= 1)
            return (width, height, pixels.Length == (long)width * height ? pixels : pixels[..(width * height)]);
        var (w, h) = ((width + factor - 1) / factor, (height + factor - 1) / factor);
        var small = new byte[w * h];
        for (var y = 0; y < h; y++)
        {
            for (var x = 0; x < w; x++)
                small[(y * w) + x] = block(pixels, width, x * factor, Math.Min(width, (x + 1) * factor), y * factor, Math.Min(height, (y + 1) * factor));
        }

        return (w, h, small);
    }
}
