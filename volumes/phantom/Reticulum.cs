// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes.Phantom;

/// <summary>Endoplasmic reticulum: thin curved sheets, two dark membranes with a light lumen between, broken into patches.</summary>
internal static class Reticulum
{
    private const int Levels = 4096;

    /// <summary>Half the thickness of a sheet, nm.</summary>
    private const double Half = 24;

    /// <summary>Distance at which a sheet keeps from the wall and from other organelles' neurite border, nm.</summary>
    private const double Margin = 34;

    public static void Grow(Tissue tissue, double share)
    {
        var sheet = new SmoothNoise(PhantomRandom.Mix(tissue.Seed, 0x657231));
        var patch = new SmoothNoise(PhantomRandom.Mix(tissue.Seed, 0x657232));
        var level = new short[tissue.Label.LongLength];
        var counts = new long[tissue.Shape.Z][];
        tissue.ForEachSection(z =>
        {
            counts[z] = new long[Levels];
            var i = tissue.Index(z, 0, 0);
            for (var y = 0; y < tissue.Shape.Y; y++)
            {
                for (var x = 0; x < tissue.Shape.X; x++, i++)
                {
                    level[i] = -1;
                    if (tissue.Label[i] != Tissue.Cytosol || tissue.Border[i] < Margin - 10)
                        continue;
                    var p = tissue.At(z, y, x);
                    if (Distance(tissue, sheet, p, i) > 0)
                        continue;
                    level[i] = (short)(Patch(patch, p, tissue.Id[i]) * Levels);
                    counts[z][level[i]]++;
                }
            }
        });

        // Patches grow until the share is reached: the cut is a quantile, found by counting.
        var wanted = (long)(share * tissue.Shape.Count);
        var cut = Levels;
        for (long sum = 0; cut > 0 && sum < wanted; sum += counts.Sum(c => c[cut]))
            cut--;
        var half = tissue.Pixel / 2;
        tissue.ForEachSection(z =>
        {
            var i = tissue.Index(z, 0, 0);
            for (var y = 0; y < tissue.Shape.Y; y++)
            {
                for (var x = 0; x < tissue.Shape.X; x++, i++)
                {
                    if (level[i] < cut || level[i] < 0)
                        continue;
                    tissue.Label[i] = Tissue.Reticulum;
                    var d = -Distance(tissue, sheet, tissue.At(z, y, x), i);
                    tissue.Paint(i, Blend.Lerp(84, 186, Blend.Ramp(d - 12, 4)), Blend.Ramp(d, half));
                }
            }
        });
    }

    /// <summary>Distance to the sheet's surface in nm, negative inside.</summary>
    private static double Distance(Tissue tissue, SmoothNoise sheet, Point p, long index)
    {
        // To first order: value over the length of the gradient. Each neurite has sheets of its own.
        const double Length = 330, Step = 6;
        var shift = (tissue.Id[index] % 1024) * 7.37;
        double Value(Point q) => sheet.At((q.Z / (1.4 * Length)) + shift, q.Y / Length, q.X / Length);
        var value = Value(p);
        var slope = new Point(
            Value(p + new Point(Step, 0, 0)) - value, Value(p + new Point(0, Step, 0)) - value, Value(p + new Point(0, 0, Step)) - value).Length / Step;
        var d = Math.Abs(value) / Math.Max(slope, 4e-4);
        return Blend.Max(d - Half, Margin - tissue.Border[index], 12);
    }

    /// <summary>Where sheets are, 0..1: larger goes first.</summary>
    private static double Patch(SmoothNoise patch, Point p, uint id)
    {
        var shift = (id % 512) * 3.19;
        var taste = PhantomRandom.Unit(PhantomRandom.Mix(id, 5)) * .5;
        return Math.Clamp(.5 + (.45 * patch.At((p.Z / 420) + shift, p.Y / 260, p.X / 260)) + taste - .25, 0, .9999);
    }
}
