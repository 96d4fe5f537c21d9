// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes.Phantom;

/// <summary>The grey of each neurite's cytoplasm, the membranes along their borders, and the myelin.</summary>
internal static class Walls
{
    /// <summary>Half of a wall's thickness in nm, the two membranes and the gap between: at least and at most.</summary>
    private const double Thinnest = 12, Thickest = 20;

    private const double Lamella = 26;

    public static void Grow(Tissue tissue, double share, MyelinatedAxon[] axons)
    {
        var half = HalfThickness(tissue, share);
        var shade = new SmoothNoise(PhantomRandom.Mix(tissue.Seed, 0x77616c6c));
        var ramp = tissue.Pixel / 2;
        tissue.ForEachSection(z =>
        {
            var i = tissue.Index(z, 0, 0);
            for (var y = 0; y < tissue.Shape.Y; y++)
            {
                for (var x = 0; x < tissue.Shape.X; x++, i++)
                {
                    var p = tissue.At(z, y, x);
                    var id = tissue.Id[i];
                    if (tissue.Sheath[i] >= 0)
                    {
                        var sheath = axons[id & 0x7FFFFFFF].Sheath;
                        var depth = tissue.Sheath[i] * sheath;
                        tissue.Label[i] = Tissue.Myelin;
                        tissue.Grey[i] = (float)(30 + (30 * Blend.Wave(depth / Lamella)));
                        continue;
                    }

                    var tone = PhantomRandom.Unit(PhantomRandom.Mix(id, 3)) - .5;
                    var wall = Blend.Ramp(half - tissue.Border[i], ramp);
                    tissue.Label[i] = tissue.Border[i] < half ? Tissue.Membrane : Tissue.Cytosol;
                    tissue.Grey[i] = (float)Blend.Lerp(170 + (22 * tone), 78 + (14 * shade.At(p, 120)), wall);
                }
            }
        });
        tissue.Recount();
    }

    /// <summary>The thickness that gives membranes their share, found by counting border distances; within what walls have.</summary>
    private static double HalfThickness(Tissue tissue, double share)
    {
        const int Steps = 90;
        var counts = new long[tissue.Shape.Z][];
        tissue.ForEachSection(z =>
        {
            counts[z] = new long[Steps + 1];
            var from = tissue.Index(z, 0, 0);
            for (var i = from; i < from + ((long)tissue.Shape.Y * tissue.Shape.X); i++)
                counts[z][tissue.Sheath[i] >= 0 ? Steps : Math.Clamp((int)Math.Floor((tissue.Border[i] - Thinnest) * 10) + 1, 0, Steps)]++;
        });
        var wanted = (long)(share * tissue.Shape.Count);
        long sum = counts.Sum(static c => c[0]);
        var step = 0;
        while (step < Steps - 1 && sum < wanted)
        {
            step++;
            sum += counts.Sum(c => c[step]);
        }

        return Math.Min(Thickest, Thinnest + (step / 10.0));
    }
}
