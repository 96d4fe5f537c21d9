// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;

namespace Teravox.Volumes.Phantom;

/// <summary>
/// Gradient noise (Perlin 2002) on a hashed lattice: smooth, about -1..1, features about one unit long. It uses
/// nothing but integer operations and + - *, whose results are the same on every machine.
/// </summary>
internal readonly struct SmoothNoise(ulong seed)
{
    private readonly uint _seed = (uint)PhantomRandom.Mix(seed, 0x6e6f697365);

    /// <summary>The noise at a point.</summary>
    public double At(double z, double y, double x)
    {
        var (iz, iy, ix) = (Floor(z), Floor(y), Floor(x));
        var (fz, fy, fx) = (z - iz, y - iy, x - ix);
        var (uz, uy, ux) = (Fade(fz), Fade(fy), Fade(fx));
        var low = Lerp(
            Lerp(Dot(iz, iy, ix, fz, fy, fx), Dot(iz, iy, ix + 1, fz, fy, fx - 1), ux),
            Lerp(Dot(iz, iy + 1, ix, fz, fy - 1, fx), Dot(iz, iy + 1, ix + 1, fz, fy - 1, fx - 1), ux),
            uy);
        var high = Lerp(
            Lerp(Dot(iz + 1, iy, ix, fz - 1, fy, fx), Dot(iz + 1, iy, ix + 1, fz - 1, fy, fx - 1), ux),
            Lerp(Dot(iz + 1, iy + 1, ix, fz - 1, fy - 1, fx), Dot(iz + 1, iy + 1, ix + 1, fz - 1, fy - 1, fx - 1), ux),
            uy);
        return Lerp(low, high, uz);
    }

    /// <summary>The noise at a point whose coordinates are divided by <paramref name="length"/> first.</summary>
    public double At(Point p, double length) => At(p.Z / length, p.Y / length, p.X / length);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Floor(double v)
    {
        var i = (int)v;
        return v < i ? i - 1 : i;
    }

    private static double Fade(double t) => t * t * t * ((t * ((t * 6) - 15)) + 10);

    private static double Lerp(double a, double b, double t) => a + (t * (b - a));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private double Dot(int iz, int iy, int ix, double z, double y, double x)
    {
        unchecked
        {
            var h = _seed ^ ((uint)iz * 0x9E3779B1u) ^ ((uint)iy * 0x85EBCA77u) ^ ((uint)ix * 0xC2B2AE3Du);
            h = (h ^ (h >> 15)) * 0x2C1B3C6Du;
            h = (h ^ (h >> 12)) * 0x297A2D39u;
            h ^= h >> 15;

            // The twelve edges of a cube, four of them twice.
            var u = (h & 15) < 8 ? x : y;
            var v = (h & 15) < 4 ? y : (h & 15) is 12 or 14 ? x : z;
            return ((h & 16) == 0 ? u : -u) + ((h & 32) == 0 ? v : -v);
        }
    }
}
