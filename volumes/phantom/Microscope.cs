// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes.Phantom;

/// <summary>
/// From the tissue's grey to what a FIB-SEM records of it: texture of the cytoplasm, a point spread of about a voxel,
/// brightness that drifts from section to section, faint curtains along the milling direction, shot and read noise.
/// </summary>
internal static class Microscope
{
    public static byte[] Record(Tissue tissue, PhantomOptions options)
    {
        Texture(tissue);
        var grey = tissue.Grey;
        for (var k = 0; k < options.Blur; k++)
            grey = Spread(tissue, grey);

        var raw = new byte[grey.LongLength];
        var drift = new SmoothNoise(PhantomRandom.Mix(tissue.Seed, 0x6472));
        var curtain = new SmoothNoise(PhantomRandom.Mix(tissue.Seed, 0x6375));
        tissue.ForEachSection(z =>
        {
            var step = PhantomRandom.Unit(PhantomRandom.Mix(tissue.Seed, z, 0x7374)) - .5;
            var brightness = (5 * drift.At(z / 40.0, .5, .5)) + (2.4 * step);
            var i = tissue.Index(z, 0, 0);
            for (var y = 0; y < tissue.Shape.Y; y++)
            {
                for (var x = 0; x < tissue.Shape.X; x++, i++)
                {
                    var level = grey[i] + brightness + (1.6 * curtain.At(z / 3.0, .5, x / 5.0));

                    // The sum of four even numbers of 16 bits is close to normal, variance 4 / 12; shot noise grows with
                    // the square root of the signal.
                    var bits = PhantomRandom.Mix(tissue.Seed ^ 0x6e6f, i);
                    var even = (bits & 0xFFFF) + ((bits >> 16) & 0xFFFF) + ((bits >> 32) & 0xFFFF) + (bits >> 48);
                    var normal = ((even / 65536.0) - 2) * 1.7320508;
                    var sigma = options.Noise * Math.Sqrt(20 + (.32 * Math.Max(level, 0)));
                    raw[i] = (byte)Math.Clamp((int)(level + (normal * sigma) + .5), 0, 255);
                }
            }
        });
        return raw;
    }

    private static void Texture(Tissue tissue)
    {
        var fine = new SmoothNoise(PhantomRandom.Mix(tissue.Seed, 0x7431));
        var coarse = new SmoothNoise(PhantomRandom.Mix(tissue.Seed, 0x7432));
        tissue.ForEachSection(z =>
        {
            var i = tissue.Index(z, 0, 0);
            for (var y = 0; y < tissue.Shape.Y; y++)
            {
                for (var x = 0; x < tissue.Shape.X; x++, i++)
                {
                    var p = tissue.At(z, y, x);
                    var strength = tissue.Label[i] == Tissue.Cytosol ? 1 : .45;
                    tissue.Grey[i] += (float)(strength * ((20 * fine.At(p, 36)) + (8 * coarse.At(p, 260))));
                }
            }
        });
    }

    /// <summary>Weights 1 2 1 along each axis: a Gaussian of variance a half of a voxel.</summary>
    private static float[] Spread(Tissue tissue, float[] from)
    {
        var (nz, ny, nx) = (tissue.Shape.Z, tissue.Shape.Y, tissue.Shape.X);
        var to = new float[from.LongLength];
        tissue.ForEachSection(z =>
        {
            var (below, above) = (Math.Max(z - 1, 0), Math.Min(z + 1, nz - 1));
            var plane = new float[ny * nx];
            for (var k = 0; k < plane.Length; k++)
            {
                plane[k] = (from[((long)below * plane.Length) + k] + (2 * from[((long)z * plane.Length) + k])
                    + from[((long)above * plane.Length) + k]) / 4;
            }

            for (var y = 0; y < ny; y++)
            {
                var (up, down) = (Math.Max(y - 1, 0) * nx, Math.Min(y + 1, ny - 1) * nx);
                for (var x = 0; x < nx; x++)
                {
                    float Column(int at) => (plane[up + at] + (2 * plane[(y * nx) + at]) + plane[down + at]) / 4;
                    to[tissue.Index(z, y, x)] =
                        (Column(Math.Max(x - 1, 0)) + (2 * Column(x)) + Column(Math.Min(x + 1, nx - 1))) / 4;
                }
            }
        });
        return to;
    }
}
