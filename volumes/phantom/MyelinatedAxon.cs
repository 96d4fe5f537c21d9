// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes.Phantom;

/// <summary>An axon along z with a myelin sheath around it: radii in nm, its middle wandering slowly with z.</summary>
internal sealed class MyelinatedAxon
{
    /// <summary>Sheath thickness as a share of the axon's radius: a g-ratio of 0.8.</summary>
    private const double SheathShare = .25;

    private const double TableStep = 10;

    private readonly SmoothNoise _shape;
    private readonly double _reach;
    private readonly (double Y, double X)[] _middle;

    private MyelinatedAxon(uint id, ulong seed, Point extent, double y, double x, double radius, double sheath)
    {
        Id = id;
        Radius = radius;
        Sheath = sheath;
        _shape = new SmoothNoise(PhantomRandom.Mix(seed, 7, id));
        _reach = (radius + sheath) * 1.3;
        var drift = new SmoothNoise(PhantomRandom.Mix(seed, 8, id));
        var wander = Math.Min(80, radius * .6);
        _middle = new (double, double)[(int)(extent.Z / TableStep) + 130];
        for (var k = 0; k < _middle.Length; k++)
        {
            var z = (k - 64) * TableStep / 900;
            _middle[k] = (y + (wander * drift.At(z, .5, .5)), x + (wander * drift.At(z, 20.5, .5)));
        }
    }

    public uint Id { get; }

    /// <summary>Of the axon inside its sheath, nm.</summary>
    public double Radius { get; }

    /// <summary>Thickness of the sheath, nm.</summary>
    public double Sheath { get; }

    /// <summary>As many axons, as thick, as give myelin its share of a section; at the border where one ring would be too much.</summary>
    public static MyelinatedAxon[] Plant(Point extent, ulong seed, double share)
    {
        const double Smallest = 52, ThinnestSheath = 26;
        var area = extent.Y * extent.X;
        var wanted = share * area;
        var count = Math.Max(1, (int)((wanted / 90000) + .5));
        var ring = wanted / count;
        var factor = ((1 + SheathShare) * (1 + SheathShare)) - 1;
        var radius = Math.Max(Smallest, Math.Sqrt(ring / (Math.PI * factor)));
        var sheath = Math.Max(ThinnestSheath, SheathShare * radius);
        var outer = radius + sheath;
        var full = Math.PI * ((outer * outer) - (radius * radius));
        var random = new PhantomRandom(PhantomRandom.Mix(seed, 0x6d79656c696e));
        var axons = new MyelinatedAxon[count];
        var places = new List<(double Y, double X)>();
        for (var k = 0; k < count; k++)
        {
            // The farthest of some places from the axons so far.
            (double Y, double X) best = default;
            var bestGap = double.NegativeInfinity;
            for (var i = 0; i < 24; i++)
            {
                var margin = outer * 1.1;
                (double Y, double X) place = ring < .75 * full
                    ? (random.Range(.3, .7) * extent.Y, outer * ((2 * ring / full) - 1))
                    : (Inside(ref random, extent.Y, margin), Inside(ref random, extent.X, margin));
                var gap = places.Count == 0 ? -i : places.Min(q => Math.Abs(q.Y - place.Y) + Math.Abs(q.X - place.X));
                if (gap > bestGap)
                    (best, bestGap) = (place, gap);
            }

            places.Add(best);
            axons[k] = new MyelinatedAxon(0x80000000u + (uint)k, seed, extent, best.Y, best.X, radius, sheath);
        }

        return axons;
    }

    /// <summary>Distance from the axon's surface in nm: negative inside, 0..<see cref="Sheath"/> in the sheath.</summary>
    public double Distance(Point p)
    {
        var t = Math.Clamp((p.Z / TableStep) + 64, 0, _middle.Length - 1.001);
        var k = (int)t;
        var (a, b) = (_middle[k], _middle[k + 1]);
        var y = p.Y - Blend.Lerp(a.Y, b.Y, t - k);
        var x = p.X - Blend.Lerp(a.X, b.X, t - k);
        var r = Math.Sqrt((y * y) + (x * x));

        // Far away the ring's shape does not matter, only that it is far.
        if (r > _reach + 200)
            return r - _reach + Sheath;
        var length = Radius * 1.6;
        return (r * (1 + (.22 * _shape.At(p.Z / (3 * length), p.Y / length, p.X / length)))) - Radius;
    }

    private static double Inside(ref PhantomRandom random, double length, double margin) =>
        length > 2 * margin ? random.Range(margin, length - margin) : length / 2;
}
