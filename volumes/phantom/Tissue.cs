// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes.Phantom;

/// <summary>
/// A phantom while it grows: per voxel the neurite, the class and the grey before the microscope. Organelles are put
/// in one after another by one thread, as each must see what is there; what is computed for every voxel runs in
/// parallel over sections and looks at nothing but its own voxel.
/// </summary>
internal sealed class Tissue
{
    public const byte Cytosol = 0, Synapse = 1, Mitochondrion = 2, Membrane = 3, Vesicle = 4, Reticulum = 5, Microtubule = 6, Myelin = 7;

    private readonly ParallelOptions _parallel;
    private readonly long[][] _counts;

    public Tissue(Int3 shape, VoxelSize voxel, ulong seed, CellField cells, ParallelOptions parallel)
    {
        Shape = shape;
        Voxel = voxel;
        Seed = seed;
        Cells = cells;
        _parallel = parallel;
        Id = new uint[shape.Count];
        Neighbour = new uint[shape.Count];
        Border = new float[shape.Count];
        Sheath = new float[shape.Count];
        Label = new byte[shape.Count];
        Grey = new float[shape.Count];

        // Five bands or more, each about as deep as an organelle, so that a split along z finds every class on both sides.
        Bands = Math.Min(shape.Z, Math.Max(5, (int)(shape.Z * voxel.Z / 900)));
        _counts = new long[8][];
        for (var c = 0; c < 8; c++)
            _counts[c] = new long[Bands];
        ForEachSection(z =>
        {
            var i = (long)z * shape.Y * shape.X;
            for (var y = 0; y < shape.Y; y++)
            {
                for (var x = 0; x < shape.X; x++, i++)
                {
                    var cell = cells.At(At(z, y, x));
                    Id[i] = cell.Id;
                    Neighbour[i] = cell.Neighbour;
                    Border[i] = (float)cell.Border;
                    Sheath[i] = (float)cell.Sheath;
                }
            }
        });
    }

    public Int3 Shape { get; }

    public VoxelSize Voxel { get; }

    public ulong Seed { get; }

    public CellField Cells { get; }

    public int Bands { get; }

    public uint[] Id { get; }

    public uint[] Neighbour { get; }

    public float[] Border { get; }

    public float[] Sheath { get; }

    public byte[] Label { get; }

    public float[] Grey { get; }

    /// <summary>Size of the volume in nm.</summary>
    public Point Extent => new(Shape.Z * Voxel.Z, Shape.Y * Voxel.Y, Shape.X * Voxel.X);

    /// <summary>The finest voxel size in nm: what the edges of structures are smoothed over.</summary>
    public double Pixel => Math.Min(Voxel.Z, Math.Min(Voxel.Y, Voxel.X));

    /// <summary>The middle of a voxel in nm.</summary>
    public Point At(int z, int y, int x) => new((z + .5) * Voxel.Z, (y + .5) * Voxel.Y, (x + .5) * Voxel.X);

    public long Index(int z, int y, int x) => (((long)z * Shape.Y) + y) * Shape.X + x;

    /// <summary>The index of the voxel around a point, or -1 outside the volume.</summary>
    public long IndexAt(Point p)
    {
        var (z, y, x) = ((int)Math.Floor(p.Z / Voxel.Z), (int)Math.Floor(p.Y / Voxel.Y), (int)Math.Floor(p.X / Voxel.X));
        return z < 0 || y < 0 || x < 0 || z >= Shape.Z || y >= Shape.Y || x >= Shape.X ? -1 : Index(z, y, x);
    }

    /// <summary>True when the point lies in the volume grown by <paramref name="rim"/> nm.</summary>
    public bool Near(Point p, double rim) =>
        p.Z > -rim && p.Y > -rim && p.X > -rim && p.Z < Extent.Z + rim && p.Y < Extent.Y + rim && p.X < Extent.X + rim;

    public void ForEachSection(Action<int> section) => Parallel.For(0, Shape.Z, _parallel, section);

    /// <summary>Throws when the caller has asked to stop.</summary>
    public void Check() => _parallel.CancellationToken.ThrowIfCancellationRequested();

    /// <summary>Counts the labels anew, after they were set in parallel.</summary>
    public void Recount()
    {
        foreach (var counts in _counts)
            Array.Clear(counts);
        for (long i = 0; i < Label.LongLength; i++)
            _counts[Label[i]][BandOf(i)]++;
    }

    /// <summary>Makes a voxel part of a structure.</summary>
    public void Set(long index, byte label)
    {
        var band = BandOf(index);
        _counts[Label[index]][band]--;
        _counts[label][band]++;
        Label[index] = label;
    }

    /// <summary>How far a band is below its share of a class: 1 = it has none of it, 0 or less = enough.</summary>
    public double Lack(byte label, int band, double share)
    {
        var (from, to) = BandSections(band);
        return 1 - (_counts[label][band] / (share * (to - from) * Shape.Y * Shape.X));
    }

    /// <summary>The band that lacks most of a class, and how many voxels the whole volume lacks of it (negative: it has more).</summary>
    public (int Band, double Lack, double Voxels) Neediest(byte label, double share)
    {
        var band = 0;
        for (var b = 1; b < Bands; b++)
            band = Lack(label, b, share) > Lack(label, band, share) ? b : band;
        return (band, Lack(label, band, share), (share * Shape.Count) - _counts[label].Sum());
    }

    /// <summary>The band a voxel lies in.</summary>
    public int BandOf(long index) => (int)((((index / ((long)Shape.Y * Shape.X)) + 1) * Bands - 1) / Shape.Z);

    /// <summary>Sections of a band, [from, to).</summary>
    public (int From, int To) BandSections(int band) => (band * Shape.Z / Bands, (band + 1) * Shape.Z / Bands);

    /// <summary>A random voxel of a band.</summary>
    public (int Z, int Y, int X) Draw(ref PhantomRandom random, int band)
    {
        var (from, to) = BandSections(band);
        return (from + random.Below(to - from), random.Below(Shape.Y), random.Below(Shape.X));
    }

    /// <summary>Visits the voxels whose middle lies in the box of these corners (nm).</summary>
    public void ForEachIn(Point from, Point to, Action<long, Point> visit)
    {
        var (z0, z1) = Range(from.Z, to.Z, Voxel.Z, Shape.Z);
        var (y0, y1) = Range(from.Y, to.Y, Voxel.Y, Shape.Y);
        var (x0, x1) = Range(from.X, to.X, Voxel.X, Shape.X);
        for (var z = z0; z < z1; z++)
        {
            for (var y = y0; y < y1; y++)
            {
                for (var x = x0; x < x1; x++)
                    visit(Index(z, y, x), At(z, y, x));
            }
        }
    }

    /// <summary>Blends a grey over what is there: 0 leaves it, 1 replaces it.</summary>
    public void Paint(long index, double grey, double cover) => Grey[index] = (float)Blend.Lerp(Grey[index], grey, cover);

    /// <summary>
    /// The middle of a neurite from a start both ways: steps along it, pulled back to where it is widest. Ends after
    /// <paramref name="length"/> nm each way, where it gets thinner than <paramref name="thinnest"/>, or well outside the volume.
    /// </summary>
    public List<Point> Follow(Point start, uint id, double length, double thinnest)
    {
        const double Step = 40;
        var along = Along(start, id);
        var path = new List<Point> { start };
        foreach (var sign in new[] { 1, -1 })
        {
            var (p, way) = (start, along * sign);
            for (var s = 0.0; s < length; s += Step)
            {
                var next = Cells.Centre(p + (way * Step), way, id);
                if (Cells.Depth(next, id) < thinnest || !Near(next, 60) || (next - p).Length > 2 * Step)
                    break;
                way = ((way * 2) + (next - p).Unit()).Unit();
                p = next;
                path.Insert(sign > 0 ? path.Count : 0, p);
            }
        }

        // Pulling to the middle leaves small zigzags.
        for (var round = 0; round < 4; round++)
        {
            for (var k = 1; k + 1 < path.Count; k++)
                path[k] = (path[k] * .5) + ((path[k - 1] + path[k + 1]) * .25);
        }

        return path;
    }

    /// <summary>The direction in which a neurite goes on deepest.</summary>
    private Point Along(Point p, uint id)
    {
        var best = new Point(1, 0, 0);
        var deepest = double.NegativeInfinity;
        foreach (var (y, x) in new (double, double)[] { (0, 0), (-.28, .2), (.5, 0), (-.5, 0), (0, .5), (0, -.5), (1, 0), (-1, 0), (0, 1), (0, -1) })
        {
            var way = new Point(1, y, x).Unit();
            var depth = Math.Min(Cells.Depth(p + (way * 130), id), Cells.Depth(p - (way * 130), id));
            if (depth > deepest + 4)
                (best, deepest) = (way, depth);
        }

        return best;
    }

    private static (int From, int To) Range(double from, double to, double size, int count) =>
        (Math.Clamp((int)Math.Floor(from / size), 0, count), Math.Clamp((int)Math.Floor(to / size) + 1, 0, count));
}
