// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes.Phantom;

/// <summary>
/// Synapses: dark plaques on the wall between two neurites, thicker on the receiving side, with a cluster of
/// neurotransmitter vesicles (small hollow spheres) on the sending side.
/// </summary>
internal static class Synapses
{
    /// <summary>Outer radius of a vesicle, nm.</summary>
    private const double VesicleRadius = 23;

    private const double Sending = 16, Receiving = 34;

    /// <summary>A plaque: its middle on the wall, the way into the sending neurite, and the two neurites.</summary>
    private sealed record Plaque(Point Point, Point Into, uint From, uint To);

    public static void Grow(Tissue tissue, double synapses, double vesicles)
    {
        var random = new PhantomRandom(PhantomRandom.Mix(tissue.Seed, 0x73796e61));

        // A plaque in every band at least, as wide as their share then allows.
        var cubic = tissue.Voxel.Z * tissue.Voxel.Y * tissue.Voxel.X;
        var volume = synapses * tissue.Shape.Count * cubic;
        var count = Math.Max(Math.Min(tissue.Bands, 3), (int)(volume / (Math.PI * 125 * 125 * (Sending + Receiving))));
        var radius = Math.Clamp(Math.Sqrt(volume / (count * Math.PI * (Sending + Receiving))), 48, 150);
        var placed = new List<Plaque>();
        for (var attempt = 0; attempt < 40 + (8 * count); attempt++)
        {
            var (band, lack, voxels) = tissue.Neediest(Tissue.Synapse, synapses);
            if (voxels <= 0 && lack < .5)
                break;
            tissue.Check();
            if (Find(tissue, ref random, band, radius, placed) is { } plaque)
            {
                placed.Add(plaque);
                Put(tissue, plaque, radius, PhantomRandom.Mix(tissue.Seed, attempt, 0x73));
            }
        }

        Fill(tissue, placed, vesicles);
    }

    private static Plaque? Find(Tissue tissue, ref PhantomRandom random, int band, double radius, List<Plaque> placed)
    {
        Plaque? best = null;
        var bestScore = 0.0;
        for (var i = 0; i < 260; i++)
        {
            var (z, y, x) = tissue.Draw(ref random, band);
            var index = tissue.Index(z, y, x);
            var (from, to) = (tissue.Id[index], tissue.Neighbour[index]);
            if (tissue.Border[index] > 12 || ((from | to) & 0x80000000u) != 0 || tissue.Label[index] != Tissue.Membrane)
                continue;
            var p = tissue.At(z, y, x);
            var into = Inwards(tissue, p, from);
            var plaque = new Plaque(p, into, from, to);
            var score = Score(tissue, plaque, radius) - (placed.Exists(q => (q.Point - p).Length < 4 * radius) ? .5 : 0);
            if (score > bestScore)
                (best, bestScore) = (plaque, score);
        }

        return best;
    }

    /// <summary>How well the wall around p holds a plaque (flat, between these two only) and the neurite behind it vesicles.</summary>
    private static double Score(Tissue tissue, Plaque plaque, double radius)
    {
        var (u, v) = plaque.Into.Frame();
        var score = 0.0;
        foreach (var (a, b) in new (double, double)[] { (1, 0), (-1, 0), (0, 1), (0, -1), (.6, .6), (-.6, .6), (.6, -.6), (-.6, -.6) })
        {
            var q = plaque.Point + (u * (a * radius)) + (v * (b * radius));
            var cell = tissue.Cells.At(q);
            var same = (cell.Id == plaque.From && cell.Neighbour == plaque.To) || (cell.Id == plaque.To && cell.Neighbour == plaque.From);
            score += same && cell.Border < 30 ? .09 : 0;
            score += tissue.IndexAt(q) >= 0 ? .03 : 0;
        }

        foreach (var depth in new[] { 60.0, 110, 160, 210 })
        {
            var q = plaque.Point + (plaque.Into * depth);
            var index = tissue.IndexAt(q);
            score += index >= 0 && tissue.Id[index] == plaque.From && tissue.Label[index] == Tissue.Cytosol && tissue.Border[index] > 40 ? .12 : 0;
        }

        return score;
    }

    private static Point Inwards(Tissue tissue, Point p, uint id)
    {
        const double Step = 14;
        double Slope(Point way) => tissue.Cells.Depth(p + (way * Step), id) - tissue.Cells.Depth(p - (way * Step), id);
        return new Point(Slope(new(1, 0, 0)), Slope(new(0, 1, 0)), Slope(new(0, 0, 1))).Unit();
    }

    private static void Put(Tissue tissue, Plaque plaque, double radius, ulong seed)
    {
        var wobble = new SmoothNoise(seed);
        var half = tissue.Pixel / 2;
        var reach = radius + 30;
        var rim = new Point(reach, reach, reach);
        tissue.ForEachIn(plaque.Point - rim, plaque.Point + rim, (index, p) =>
        {
            var (id, other) = (tissue.Id[index], tissue.Neighbour[index]);
            var sending = id == plaque.From && other == plaque.To;
            if (!sending && !(id == plaque.To && other == plaque.From))
                return;
            if (tissue.Label[index] is not (Tissue.Membrane or Tissue.Cytosol))
                return;
            var rough = 1 + (.35 * wobble.At(p, 40));
            var across = (sending ? Sending : Receiving) * rough;
            var d = Blend.Max(tissue.Border[index] - across, (p - plaque.Point).Length - radius - (18 * wobble.At(p, 90)), 16);
            if (d > half)
                return;
            if (d < 0)
                tissue.Set(index, Tissue.Synapse);
            var cleft = Blend.Ramp(5 - tissue.Border[index], 4);
            tissue.Paint(index, 38 + (16 * cleft), Blend.Ramp(-d, half));
        });
    }

    /// <summary>Puts vesicles into the band that needs most, turn by turn at each of its plaques; where a band has no place left, into the nearest that has.</summary>
    private static void Fill(Tissue tissue, List<Plaque> plaques, double share)
    {
        var places = plaques
            .SelectMany((plaque, k) => Places(tissue, plaque, PhantomRandom.Mix(tissue.Seed, k, 0x7665))
                .GroupBy(p => tissue.BandOf(tissue.IndexAt(p)))
                .SelectMany(band => band.Select((point, rank) => (Band: band.Key, Rank: rank, Plaque: k, Point: point))))
            .OrderBy(static p => p.Rank).ThenBy(static p => p.Plaque)
            .ToLookup(static p => p.Band);
        var queues = Enumerable.Range(0, tissue.Bands).Select(b => new Queue<(Point Point, uint Id)>(places[b].Select(p => (p.Point, plaques[p.Plaque].From)))).ToArray();
        while (true)
        {
            var (band, lack, voxels) = tissue.Neediest(Tissue.Vesicle, share);
            if (voxels <= 0 && (lack < .4 || queues[band].Count == 0))
                return;
            tissue.Check();
            var from = Enumerable.Range(0, queues.Length).Where(b => queues[b].Count > 0).OrderBy(b => Math.Abs(b - band)).Select(b => queues[b]).FirstOrDefault();
            if (from is null)
                return;
            var (point, id) = from.Dequeue();
            PutVesicle(tissue, point, id);
        }
    }

    /// <summary>Places for vesicles in the sending neurite, loosely packed, the nearest to the plaque first.</summary>
    private static IEnumerable<Point> Places(Tissue tissue, Plaque plaque, ulong seed)
    {
        const double Spacing = 49;
        const int Reach = 12;
        var random = new PhantomRandom(seed);
        var (u, v) = plaque.Into.Frame();
        var found = new List<(double Order, Point Point)>();
        for (var a = 0; a < Reach; a++)
        {
            for (var b = -Reach; b <= Reach; b++)
            {
                for (var c = -Reach; c <= Reach; c++)
                {
                    var shift = (a & 1) * .5;
                    var p = plaque.Point + (plaque.Into * (44 + (Spacing * .82 * a) + random.Range(-6, 6)))
                        + (u * ((Spacing * (b + shift)) + random.Range(-7, 7))) + (v * ((Spacing * (c + shift)) + random.Range(-7, 7)));
                    var order = (p - plaque.Point).Length + random.Range(0, 110);
                    var index = tissue.IndexAt(p);
                    if (index >= 0 && tissue.Id[index] == plaque.From && tissue.Border[index] > 30 && tissue.Label[index] == Tissue.Cytosol)
                        found.Add((order, p));
                }
            }
        }

        return found.OrderBy(static f => f.Order).Select(static f => f.Point);
    }

    private static void PutVesicle(Tissue tissue, Point middle, uint id)
    {
        var half = tissue.Pixel / 2;
        var rim = new Point(VesicleRadius + half, VesicleRadius + half, VesicleRadius + half);
        tissue.ForEachIn(middle - rim, middle + rim, (index, p) =>
        {
            if (tissue.Id[index] != id || tissue.Label[index] is not (Tissue.Cytosol or Tissue.Vesicle))
                return;
            var d = (p - middle).Length - VesicleRadius;
            if (d > half)
                return;
            if (d < 0)
                tissue.Set(index, Tissue.Vesicle);
            var grey = Blend.Lerp(66, 158, Blend.Ramp(-d - 12, 4));
            tissue.Paint(index, grey, Blend.Ramp(-d, half));
        });
    }
}
