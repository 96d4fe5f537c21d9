// SPDX-License-Identifier: Apache-2.0
using FsCheck;
using FsCheck.Fluent;
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

public sealed class GeometryTests
{
    private static readonly Gen<Int3> Small = Triple(1, 9);

    private static Gen<Int3> Triple(int low, int high) =>
        from z in Gen.Choose(low, high) from y in Gen.Choose(low, high) from x in Gen.Choose(low, high) select new Int3(z, y, x);

    [Fact]
    public void TileGrid_WhenCoresAreCut_CoversEachVoxelOnce()
    {
        var cases = from volume in Triple(1, 20) from core in Small select (volume, core);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            var grid = new TileGrid(c.volume, c.core);
            var seen = new int[c.volume.Count];
            for (var i = 0; i < grid.Count; i++)
            {
                var core = grid.Core(i);
                foreach (var v in Voxels(core))
                {
                    seen[Index(v, c.volume)]++;
                    if (grid.IndexOf(v) != i)
                        return false;
                }
            }

            return seen.All(static n => n == 1);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void TileGrid_WhenCounted_RunsAlongXFirst()
    {
        var grid = new TileGrid(new Int3(4, 6, 10), new Int3(2, 3, 4));
        Assert.Equal(new Int3(2, 2, 3), grid.Counts);
        Assert.Equal(new Box3(new Int3(0, 0, 4), new Int3(2, 3, 4)), grid.Core(1));
        Assert.Equal(new Box3(new Int3(0, 3, 8), new Int3(2, 3, 2)), grid.Core(5));
        Assert.Equal(new Box3(new Int3(2, 0, 0), new Int3(2, 3, 4)), grid.Core(6));
        Assert.Throws<ArgumentOutOfRangeException>(() => grid.Core(12));
        Assert.Throws<ArgumentException>(() => new TileGrid(new Int3(4, 0, 4), Int3.One));
    }

    [Fact]
    public void Block_WhenCoreStartsOnTheGrid_CoversCoreAndHaloOnTheGrid()
    {
        var cases = from grid in Triple(1, 8)
                    from at in Triple(0, 5)
                    from shape in Triple(1, 30)
                    from halo in Triple(0, 25)
                    select (core: new Box3(at * grid, shape), halo, grid);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            var block = TilePlan.Block(c.core, c.halo, c.grid);
            var onGrid = Int3.Zip(block.Start, c.grid, static (s, g) => s % g) == Int3.Zero && Int3.Zip(block.Shape, c.grid, static (s, g) => s % g) == Int3.Zero;
            // Nothing is read in vain either: less than one grid step beyond the halo to each side.
            var spare = c.core.Grow(c.halo).Grow(c.grid - Int3.One);
            return onGrid && block.Contains(c.core.Grow(c.halo)) && spare.Contains(block);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Block_WhenCoreIsOffTheGrid_Throws()
    {
        var eight = new Int3(8, 8, 8);
        Assert.Throws<ArgumentException>(() => TilePlan.Block(new Box3(new Int3(0, 4, 0), eight), Int3.Zero, eight));
        Assert.Throws<ArgumentException>(() => TilePlan.Block(new Box3(Int3.Zero, eight), new Int3(-1, 0, 0), eight));
    }

    [Fact]
    public void CoreShape_WhenRoundedUp_FitsChunkAndGrid()
    {
        var cases = from volume in Triple(1, 200) from asked in Triple(1, 90) from chunk in Triple(1, 16) from grid in Small select (volume, asked, chunk, grid);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            var core = TilePlan.CoreShape(c.volume, c.asked, c.chunk, c.grid);
            var fits = Int3.Zip(core, c.chunk, static (a, b) => a % b) == Int3.Zero && Int3.Zip(core, c.grid, static (a, b) => a % b) == Int3.Zero;
            return fits && core == Int3.Max(core, Int3.Min(c.asked, c.volume));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void MirrorIndex_WhenFarOutside_ReflectsWithoutRepeatingTheBorder()
    {
        for (var n = 1; n <= 7; n++)
        {
            // Walk outwards step by step and turn at the borders: the definition without any arithmetic.
            foreach (var direction in (int[])[1, -1])
            {
                var (at, step) = (0, n == 1 ? 0 : 1);
                if (direction < 0)
                    step = -step;
                for (var i = 0; i < 40; i++)
                {
                    Assert.Equal(Math.Abs(at), MirrorIndex.Of(direction * i, n));
                    if (Math.Abs(at + step) > n - 1 || (i > 0 && at == 0))
                        step = -step;
                    at += step;
                }
            }
        }
    }

    [Fact]
    public void Box3_WhenIntersected_HoldsTheVoxelsOfBoth()
    {
        var boxes = from start in Triple(-5, 5) from shape in Triple(0, 6) select new Box3(start, shape);
        Prop.ForAll((from a in boxes from b in boxes select (a, b)).ToArbitrary(), c =>
        {
            var both = Voxels(c.a).Intersect(Voxels(c.b)).ToHashSet();
            return both.SetEquals(Voxels(c.a.Intersect(c.b)));
        }).QuickCheckThrowOnFailure();
    }

    private static IEnumerable<Int3> Voxels(Box3 box) =>
        from z in Enumerable.Range(box.Start.Z, box.Shape.Z)
        from y in Enumerable.Range(box.Start.Y, box.Shape.Y)
        from x in Enumerable.Range(box.Start.X, box.Shape.X)
        select new Int3(z, y, x);

    private static long Index(Int3 v, Int3 shape) => ((((long)v.Z * shape.Y) + v.Y) * shape.X) + v.X;
}
