// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes.Phantom;

/// <summary>Mitochondria: bent tubes along the neurites with a double membrane, a dark matrix and cristae across them.</summary>
internal static class Mitochondria
{
    private sealed record Placed(uint Id, List<Point> Path, double Radius);

    public static void Grow(Tissue tissue, double share)
    {
        var random = new PhantomRandom(PhantomRandom.Mix(tissue.Seed, 0x6d69746f));
        var placed = new List<Placed>();
        for (var attempt = 0; attempt < 4000; attempt++)
        {
            var (band, lack, voxels) = tissue.Neediest(Tissue.Mitochondrion, share);
            if (voxels <= 0 && lack < .45)
                break;
            tissue.Check();

            // Thick neurites first; later tries take what they get.
            var patience = 1 - (Math.Min(attempt % 400, 350) / 500.0);
            if (FindStart(tissue, ref random, band, placed, 95 * patience) is not { } start)
                continue;
            var radius = Math.Min(random.Range(85, 150), Math.Max(45, start.Depth - 14));
            var volume = Math.Max(voxels, lack * share * tissue.Shape.Count / tissue.Bands) * tissue.Voxel.Z * tissue.Voxel.Y * tissue.Voxel.X;
            var length = Math.Clamp(volume / (Math.PI * radius * radius), 160, random.Range(500, 1500));
            var path = tissue.Follow(start.Point, start.Id, length / 2, 40);
            placed.Add(new(start.Id, path, radius));
            Put(tissue, path, start.Id, radius, PhantomRandom.Mix(tissue.Seed, attempt, 0x6d));
        }
    }

    private static (Point Point, uint Id, double Depth)? FindStart(
        Tissue tissue, ref PhantomRandom random, int band, List<Placed> placed, double depth)
    {
        for (var i = 0; i < 40; i++)
        {
            var (z, y, x) = tissue.Draw(ref random, band);
            var index = tissue.Index(z, y, x);
            if (tissue.Label[index] != Tissue.Cytosol || tissue.Border[index] < depth * .6)
                continue;
            var id = tissue.Id[index];
            var point = tissue.Cells.Centre(tissue.At(z, y, x), new Point(1, 0, 0), id);
            var found = tissue.Cells.Depth(point, id);
            if (found < depth || found < 55 || placed.Any(m => m.Id == id && m.Path.Exists(q => (q - point).Length < m.Radius + 170)))
                continue;
            return (point, id, found);
        }

        return null;
    }

    private static void Put(Tissue tissue, List<Point> path, uint id, double radius, ulong seed)
    {
        var wobble = new SmoothNoise(seed);
        var bend = new SmoothNoise(seed + 1);
        var half = tissue.Pixel / 2;
        var random = new PhantomRandom(seed);
        var axis = (path[^1] - path[0]).Unit();
        var (u, v) = axis.Frame();
        var turn = random.Range(-1, 1);

        // Cristae lie across the tube, more or less steeply.
        var slant = (u + (v * turn)).Unit() * random.Range(.5, 1.3);
        var rim = new Point(radius + 40, radius + 40, radius + 40);
        var (low, high) = (path[0], path[0]);
        foreach (var p in path)
        {
            low = new(Math.Min(low.Z, p.Z), Math.Min(low.Y, p.Y), Math.Min(low.X, p.X));
            high = new(Math.Max(high.Z, p.Z), Math.Max(high.Y, p.Y), Math.Max(high.X, p.X));
        }

        tissue.ForEachIn(low - rim, high + rim, (index, p) =>
        {
            if (tissue.Id[index] != id || tissue.Label[index] != Tissue.Cytosol)
                return;
            var (distance, along) = Tube.Distance(path, p);
            var d = distance - radius + (18 * wobble.At(p, 170));
            d = Blend.Max(d, 26 - tissue.Border[index], 40);
            if (d > half)
                return;
            if (d < 0)
                tissue.Set(index, Tissue.Mitochondrion);

            // From outside in: outer membrane, a light gap, inner membrane, matrix with cristae across the tube.
            var depth = -d;
            var folds = (along + slant.Dot(p) + (40 * bend.At(p, 120)) + (14 * bend.At(p, 45))) / 66;
            var crista = Blend.Ramp(Blend.Wave(folds) - .6, .25) * Blend.Ramp(bend.At(p.Z / 90, p.Y / 90, (p.X / 90) + 50) + .36, .2);
            var grey = Blend.Lerp(134 + (10 * wobble.At(p, 60)), 66, crista);
            grey = Blend.Lerp(grey, 82, Blend.Ramp(34 - depth, 6));
            grey = Blend.Lerp(grey, 104, Blend.Ramp(22 - depth, 4) * Blend.Ramp(depth - 10, 4));
            tissue.Paint(index, grey, Blend.Ramp(depth, half));
        });
    }
}
