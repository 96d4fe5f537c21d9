// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks.Tests;

/// <summary>Images that tests make up, and how they differ.</summary>
internal static class TestImages
{
    public static Plane Of((int Y, int X) shape, Func<int, int, double> level)
    {
        var image = new Plane(shape);
        for (var y = 0; y < image.Y; y++)
        {
            for (var x = 0; x < image.X; x++)
                image[y, x] = (float)level(y, x);
        }

        return image;
    }

    /// <summary>Independent levels of 0..255.</summary>
    public static Plane Noise((int Y, int X) shape, ulong seed)
    {
        var stream = new RandomStream(seed, 0, 0);
        return Of(shape, (y, x) => 255 * stream.Uniform((ulong)((y * shape.X) + x)));
    }

    /// <summary>Smooth shapes of any size, 0..1.</summary>
    public static Plane Waves(int y, int x) => Of((y, x), static (a, b) => .5 + (.25 * Math.Sin((.31 * a) + (.05 * b))) + (.2 * Math.Sin((.023 * a * b / 9) + (.4 * b))));

    /// <summary>The farthest that two images' pixels are apart; NaN where one is, infinity where the shapes differ.</summary>
    public static double Farthest(Plane a, Plane b, (int Y, int X) margin = default)
    {
        if (a.Shape != b.Shape)
            return double.PositiveInfinity;
        double most = 0;
        for (var y = margin.Y; y < a.Y - margin.Y; y++)
        {
            for (var x = margin.X; x < a.X - margin.X; x++)
            {
                var d = Math.Abs((double)a[y, x] - b[y, x]);
                if (!(d <= most))
                    most = d;
            }
        }

        return most;
    }

    /// <summary>The root of the mean square difference.</summary>
    public static double Rms(Plane a, Plane b) => Math.Sqrt(a.Pixels.Zip(b.Pixels, static (p, q) => ((double)p - q) * ((double)p - q)).Average());
}
