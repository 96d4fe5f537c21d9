// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes.Phantom;

/// <summary>Microtubules: bundles of thin parallel tubes along the neurites.</summary>
internal static class Microtubules
{
    /// <summary>Outer radius, nm: 25 nm tubes, stained a little wider.</summary>
    private const double Radius = 14;

    private const double Spacing = 46;

    private static readonly (int A, int B)[] Lattice = [(0, 0), (1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1), (2, -1), (1, 1)];

    public static void Grow(Tissue tissue, double share, MyelinatedAxon[] axons)
    {
        var random = new PhantomRandom(PhantomRandom.Mix(tissue.Seed, 0x6d696372));
        for (var attempt = 0; attempt < 1500; attempt++)
        {
            var (band, lack, voxels) = tissue.Neediest(Tissue.Microtubule, share);
            if (voxels <= 0 && lack < .4)
                return;
            tissue.Check();
            if (FindStart(tissue, ref random, band, attempt, axons) is not { } start)
                continue;
            var path = tissue.Follow(start.Point, start.Id, 4 * tissue.Extent.Length, 26);
            if (path.Count < 4)
                continue;
            var (u, v) = (path[^1] - path[0]).Unit().Frame();
            var turn = random.Range(-1, 1);
            (u, v) = ((u + (v * turn)).Unit(), (v - (u * turn)).Unit());
            var tubes = 3 + random.Below(Lattice.Length - 2);
            for (var k = 0; k < tubes; k++)
            {
                if (k >= 2 && tissue.Neediest(Tissue.Microtubule, share) is { Voxels: <= 0, Lack: < .4 })
                    return;
                var (a, b) = Lattice[k];
                var offset = (u * (Spacing * (a + (.5 * b)) + random.Range(-9, 9))) + (v * ((Spacing * .866 * b) + random.Range(-9, 9)));
                Put(tissue, [.. path.Select(p => p + offset)], start.Id);
            }
        }
    }

    private static (Point Point, uint Id)? FindStart(Tissue tissue, ref PhantomRandom random, int band, int attempt, MyelinatedAxon[] axons)
    {
        for (var i = 0; i < 40; i++)
        {
            var (z, y, x) = tissue.Draw(ref random, band);
            var index = tissue.Index(z, y, x);
            var id = tissue.Id[index];

            // The myelinated axons get theirs first.
            if (attempt < axons.Length && i < 39 && id != axons[attempt].Id)
                continue;
            if (tissue.Label[index] != Tissue.Cytosol || tissue.Border[index] < 40)
                continue;
            var point = tissue.At(z, y, x);
            if (!Free(tissue, point, id))
                continue;
            return (point, id);
        }

        return null;
    }

    /// <summary>True when nothing lies within a bundle's width around the point, in its section.</summary>
    private static bool Free(Tissue tissue, Point p, uint id)
    {
        foreach (var (a, b) in Lattice)
        {
            var index = tissue.IndexAt(p + new Point(0, Spacing * a * 1.3, Spacing * b * 1.3));
            if (index >= 0 && tissue.Id[index] == id && tissue.Label[index] is not (Tissue.Cytosol or Tissue.Membrane))
                return false;
        }

        return true;
    }

    private static void Put(Tissue tissue, List<Point> path, uint id)
    {
        var half = tissue.Pixel / 2;
        var rim = new Point(Radius + half, Radius + half, Radius + half);
        for (var k = 0; k + 1 < path.Count; k++)
        {
            var (a, b) = (path[k], path[k + 1]);
            var low = new Point(Math.Min(a.Z, b.Z), Math.Min(a.Y, b.Y), Math.Min(a.X, b.X));
            var high = new Point(Math.Max(a.Z, b.Z), Math.Max(a.Y, b.Y), Math.Max(a.X, b.X));
            List<Point> piece = [a, b];
            tissue.ForEachIn(low - rim, high + rim, (index, p) =>
            {
                if (tissue.Id[index] != id || tissue.Border[index] < 22 || tissue.Label[index] is not (Tissue.Cytosol or Tissue.Microtubule))
                    return;
                var d = Tube.Distance(piece, p).Distance - Radius;
                if (d > half)
                    return;
                if (d < 0)
                    tissue.Set(index, Tissue.Microtubule);

                // A dark wall; the light core is thinner than a voxel and only shows as a little less dark.
                var grey = Blend.Lerp(64, 92, Blend.Ramp(-d - 9, 3));
                tissue.Grey[index] = Math.Min(tissue.Grey[index], (float)Blend.Lerp(tissue.Grey[index], grey, Blend.Ramp(-d, half)));
            });
        }
    }
}
