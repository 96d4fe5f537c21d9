// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes.Phantom;

/// <summary>What the tissue is at a point, before organelles.</summary>
/// <param name="Id">The neurite.</param>
/// <param name="Neighbour">The nearest other neurite.</param>
/// <param name="Border">Distance to the border between them in nm, 0 or more.</param>
/// <param name="Sheath">Depth in a myelin sheath, 0 at its inside to 1 at its outside; negative elsewhere.</param>
internal readonly record struct Cell(uint Id, uint Neighbour, double Border, double Sheath)
{
    /// <summary>True inside a myelin sheath.</summary>
    public bool InSheath => Sheath >= 0;
}

/// <summary>
/// The neurites: a Voronoi diagram (Worley 1996) of a jittered grid, stretched and tilted along z, warped by noise so
/// that walls curve, and with some neighbours joined so that thin axons lie beside thick dendrites. Myelinated axons
/// are cut out of it.
/// </summary>
internal sealed class CellField
{
    /// <summary>How much longer neurites are along z.</summary>
    private const double Stretch = 2.4;

    /// <summary>How much farther than the nearest seed another may be and still have a wall worth knowing, in spacings.</summary>
    private const double Reach = 1.2;

    private readonly double _spacing;
    private readonly SmoothNoise[] _warp;
    private readonly Int3 _first;
    private readonly Int3 _count;
    private readonly double[] _z;
    private readonly double[] _y;
    private readonly double[] _x;
    private readonly uint[] _ids;
    private readonly MyelinatedAxon[] _axons;

    public CellField(Point extent, ulong seed, double spacing, MyelinatedAxon[] axons)
    {
        _spacing = spacing;
        _axons = axons;
        _warp = [.. Enumerable.Range(0, 6).Select(k => new SmoothNoise(PhantomRandom.Mix(seed, 100 + k)))];

        // The grid covers every point that organelles may ask for: the volume and a wide rim, tilted and warped.
        var reach = extent.Z * .35;
        _first = new(-3 - (int)(600 / (spacing * Stretch)), -3 - (int)((reach + 800) / spacing), -3 - (int)((reach + 800) / spacing));
        var last = new Int3(
            (int)((extent.Z + 600) / (spacing * Stretch)) + 4,
            (int)((extent.Y + reach + 800) / spacing) + 4,
            (int)((extent.X + reach + 800) / spacing) + 4);
        _count = last - _first;
        _z = new double[_count.Count];
        _y = new double[_count.Count];
        _x = new double[_count.Count];
        _ids = new uint[_count.Count];
        for (var z = 0; z < _count.Z; z++)
        {
            for (var y = 0; y < _count.Y; y++)
            {
                for (var x = 0; x < _count.X; x++)
                {
                    var (cz, cy, cx) = (z + _first.Z, y + _first.Y, x + _first.X);
                    var random = new PhantomRandom(PhantomRandom.Mix(seed, cz, cy, cx));
                    var i = (((z * _count.Y) + y) * _count.X) + x;
                    _z[i] = cz + random.Range(.1, .9);
                    _y[i] = cy + random.Range(.08, .92);
                    _x[i] = cx + random.Range(.08, .92);

                    // A third of the seeds join the thick neurite of their 2 x 2 x 2 block; across blocks in z it goes on.
                    var joined = random.NextUnit() < .4;
                    var id = joined ? PhantomRandom.Mix(seed ^ 0x626c6f636b, cz >> 2, cy >> 1, cx >> 1) : random.Next();
                    _ids[i] = (uint)id & 0x7FFFFFFF;
                }
            }
        }
    }

    /// <summary>The neurite at a point in nm.</summary>
    public Cell At(Point p)
    {
        foreach (var axon in _axons)
        {
            var s = axon.Distance(p);
            if (s < 0)
                return new Cell(axon.Id, axon.Id, -s, -1);
            if (s < axon.Sheath)
                return new Cell(axon.Id, axon.Id, 0, s / axon.Sheath);
        }

        var cell = Voronoi(p);
        foreach (var axon in _axons)
        {
            var outside = axon.Distance(p) - axon.Sheath;
            if (outside < cell.Border + 30)
            {
                var neighbour = outside < cell.Border ? axon.Id : cell.Neighbour;
                cell = cell with { Border = Math.Max(0, Blend.Min(cell.Border, outside, 30)), Neighbour = neighbour };
            }
        }

        return cell;
    }

    /// <summary>The middle of the neurite near p: climbs to larger border distance across <paramref name="along"/>, at most a few steps.</summary>
    public Point Centre(Point p, Point along, uint id)
    {
        const double Step = 14;
        var (u, v) = along.Frame();
        for (var k = 0; k < 8; k++)
        {
            var best = p;
            var depth = Depth(p, id);
            foreach (var q in new[] { p + (u * Step), p - (u * Step), p + (v * Step), p - (v * Step) })
            {
                var d = Depth(q, id);
                if (d > depth + 1)
                    (best, depth) = (q, d);
            }

            if (best == p)
                break;
            p = best;
        }

        return p;
    }

    /// <summary>Border distance in nm where p lies in neurite <paramref name="id"/>, negative where it does not.</summary>
    public double Depth(Point p, uint id)
    {
        var cell = At(p);
        return cell.Id == id && !cell.InSheath ? cell.Border : -1 - cell.Border;
    }

    private Cell Voronoi(Point p)
    {
        // Large folds, then small ones; both longer along z, as neurites are.
        var (z, y, x) = (p.Z / 1.6, p.Y, p.X);
        var fold = new Point(
            110 * _warp[0].At(z / 640, y / 640, x / 640),
            (170 * _warp[1].At(z / 640, y / 640, x / 640)) + (50 * _warp[4].At(z / 190, y / 190, x / 190)) + (.28 * p.Z),
            (170 * _warp[2].At(z / 640, y / 640, x / 640)) + (50 * _warp[5].At(z / 190, y / 190, x / 190)) - (.2 * p.Z));
        var q = new Point((p.Z + fold.Z) / (_spacing * Stretch), (p.Y + fold.Y) / _spacing, (p.X + fold.X) / _spacing);
        var (gz, gy, gx) = ((int)Math.Floor(q.Z) - _first.Z, (int)Math.Floor(q.Y) - _first.Y, (int)Math.Floor(q.X) - _first.X);

        Span<double> distance = stackalloc double[125];
        Span<int> index = stackalloc int[125];
        var n = 0;
        var nearest = 0;
        var closest = double.MaxValue;
        for (var z1 = Math.Max(0, gz - 2); z1 <= Math.Min(_count.Z - 1, gz + 2); z1++)
        {
            for (var y1 = Math.Max(0, gy - 2); y1 <= Math.Min(_count.Y - 1, gy + 2); y1++)
            {
                var row = ((z1 * _count.Y) + y1) * _count.X;
                for (var i = row + Math.Max(0, gx - 2); i <= row + Math.Min(_count.X - 1, gx + 2); i++)
                {
                    // Written out, as this is where nearly all of the time goes.
                    var (dz, dy, dx) = (_z[i] - q.Z, _y[i] - q.Y, _x[i] - q.X);
                    var square = (dz * dz) + (dy * dy) + (dx * dx);
                    distance[n] = square;
                    index[n] = i;
                    if (square < closest)
                        (closest, nearest) = (square, i);
                    n++;
                }
            }
        }

        // Distance to the wall between this neurite and each other one, to first order: difference of the distances
        // to their seeds over the length of its gradient, both brought back to nm.
        var id = _ids[nearest];
        var mine = Math.Sqrt(closest);
        var inverse = 1 / Math.Max(mine, 1e-9);
        var (mz, my, mx) = ((_z[nearest] - q.Z) * inverse, (_y[nearest] - q.Y) * inverse, (_x[nearest] - q.X) * inverse);
        var reach = (mine + Reach) * (mine + Reach);
        double first = Reach * _spacing / 2, second = first;
        var neighbour = id;
        for (var k = 0; k < n; k++)
        {
            var i = index[k];
            var other = _ids[i];
            if (other == id || distance[k] > reach)
                continue;
            var theirs = Math.Sqrt(distance[k]);
            var (oz, oy, ox) = ((_z[i] - q.Z) / theirs, (_y[i] - q.Y) / theirs, (_x[i] - q.X) / theirs);
            var (sz, sy, sx) = ((oz - mz) / Stretch, oy - my, ox - mx);
            var wall = (theirs - mine) * _spacing / Math.Max(Math.Sqrt((sz * sz) + (sy * sy) + (sx * sx)), .05);
            if (wall < first)
                (first, second, neighbour) = (wall, other == neighbour ? second : first, other);
            else if (wall < second && other != neighbour)
                second = wall;
        }

        return new Cell(id, neighbour, Math.Max(0, Blend.Min(first, second, 36)), -1);
    }
}
