// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

/// <summary>Which levels there are, and what a voxel of one is.</summary>
public sealed class PyramidTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(256, 256, 256, 5, 5, 5, "")]
    [InlineData(257, 257, 257, 5, 5, 5, "2x2x2")]
    [InlineData(1, 1, 257, 5, 5, 5, "1x1x2")]
    [InlineData(1024, 1024, 1024, 8, 8, 8, "2x2x2 2x2x2")]
    [InlineData(100, 4096, 4096, 50, 5, 5, "1x2x2 1x2x2 1x2x2 2x2x2")]
    [InlineData(100, 1000, 1000, 10, 5, 5, "1x2x2 2x2x2")]
    [InlineData(100, 1000, 1000, 9.9, 5, 5, "2x2x2 2x2x2")]
    [InlineData(20, 700, 600, 50, 4.6, 4.6, "1x2x2 1x2x2")]
    [InlineData(4, 4096, 4096, 8, 8, 8, "2x2x2 2x2x2 1x2x2 1x2x2")]
    [InlineData(1024, 2, 2, 40, 10, 10, "1x2x2 2x1x1 2x1x1")]
    [InlineData(300, 300, 300, 5, 10, 40, "2x1x1 2x2x1 2x2x1 2x2x2")]
    public void Factors_OfAVolume_HalveTheFineAxesUntilItIsSmall(int z, int y, int x, double sizeZ, double sizeY, double sizeX, string expected)
    {
        Assert.Equal(expected, string.Join(' ', Pyramid.Factors(new Int3(z, y, x), new VoxelSize(sizeZ, sizeY, sizeX))));
    }

    [Fact]
    public void Factors_OfAnyVolume_EndAndLeaveNoAxisWithoutVoxels()
    {
        var random = Seeded(out _);
        for (var i = 0; i < 2000; i++)
        {
            var shape = new Int3(Side(), Side(), Side());
            var size = new VoxelSize(Nanometres(), Nanometres(), Nanometres());
            var (at, sizes) = (shape, (double[])[size.Z, size.Y, size.X]);
            foreach (var factor in Pyramid.Factors(shape, size))
            {
                Assert.True(Longest(at) > Pyramid.CoarsestSide, $"{shape} {size}: a level below {at}");
                var free = Enumerable.Range(0, 3).Where(a => at[a] > 1).ToList();
                Assert.All(Enumerable.Range(0, 3), a => Assert.Equal(free.Contains(a) && sizes[a] < 2 * free.Min(f => sizes[f]) ? 2 : 1, factor[a]));
                at = Pyramid.Reduced(at, factor);
                sizes = [.. sizes.Select((s, a) => s * factor[a])];
            }

            Assert.True(Longest(at) <= Pyramid.CoarsestSide && at.IsPositive, $"{shape} {size} ends with {at}");
        }

        int Side() => (int)Math.Exp(random.NextDouble() * Math.Log(100_000));
        double Nanometres() => Math.Exp(random.NextDouble() * 6);
        static int Longest(Int3 shape) => Math.Max(shape.Z, Math.Max(shape.Y, shape.X));
    }

    [Fact]
    public void Tiles_OfAnyLevel_AreWholeChunksOfLimitedSize()
    {
        var random = Seeded(out _);
        for (var i = 0; i < 500; i++)
        {
            var (shape, chunk) = (new Int3(Side(500), Side(500), Side(500)), new Int3(Side(130), Side(130), Side(130)));
            var core = Pyramid.Tiles(shape, chunk).CoreShape;
            Assert.Equal(core, core.RoundUpTo(chunk));
            Assert.True(core == chunk || core.Count <= 1 << 21, $"{core} for {shape} in {chunk}");

            // It grows while it may: a tile is the whole level, or more than half of what it may be.
            Assert.True(Int3.Min(core, shape) == shape || 2 * core.Count > 1 << 21, $"{core} for {shape} in {chunk}");
        }

        Assert.Equal(new Int3(32, 256, 256), Pyramid.Tiles(new Int3(900, 900, 900), new Int3(1, 256, 256)).CoreShape);
        Assert.Equal(new Int3(128, 128, 128), Pyramid.Tiles(new Int3(900, 900, 900), new Int3(64, 64, 64)).CoreShape);

        int Side(int most) => random.Next(1, most + 1);
    }

    [Fact]
    public void Mean_OfAnyBlocks_EqualsTheNaiveOne() => Property(isLabels: false, VoxelType.UInt8, VoxelType.UInt16);

    [Fact]
    public void Mode_OfAnyBlocks_EqualsTheNaiveOne() => Property(isLabels: true, VoxelType.UInt8);

    [Theory]
    [InlineData(new byte[] { 3, 3, 1, 1 }, 1)]
    [InlineData(new byte[] { 9, 7, 9, 1 }, 9)]
    [InlineData(new byte[] { 255, 255, 255, 4 }, 4)]
    [InlineData(new byte[] { 255, 6, 5, 255 }, 5)]
    [InlineData(new byte[] { 255, 255, 255, 255 }, 255)]
    [InlineData(new byte[] { 0, 255, 255, 0 }, 0)]
    public void Mode_OfABlock_IsTheMostFrequentLabelAndTheSmallerOfTwo(byte[] block, byte expected)
    {
        var into = new byte[1];
        Downsampling.Mode(block, new Int3(1, 2, 2), new Int3(1, 2, 2), into);
        Assert.Equal(expected, into[0]);
    }

    [Theory]
    [InlineData(new byte[] { 1, 2, 1, 2 }, 2)]
    [InlineData(new byte[] { 1, 1, 1, 2 }, 1)]
    [InlineData(new byte[] { 255, 255, 255, 255 }, 255)]
    public void Mean_OfABlock_IsRoundedHalvesUp(byte[] block, byte expected)
    {
        var into = new byte[1];
        Downsampling.Mean(block, VoxelType.UInt8, new Int3(1, 2, 2), new Int3(1, 2, 2), into);
        Assert.Equal(expected, into[0]);
    }

    [Fact]
    public void Mean_WhenBuffersOrFactorsDoNotFit_SaysSo()
    {
        var shape = new Int3(2, 2, 3);
        Assert.Throws<ArgumentException>(() => Downsampling.Mean(new byte[11], VoxelType.UInt8, shape, new Int3(2, 2, 2), new byte[2]));
        Assert.Throws<ArgumentException>(() => Downsampling.Mean(new byte[12], VoxelType.UInt8, shape, new Int3(2, 2, 2), new byte[1]));
        Assert.Throws<ArgumentException>(() => Downsampling.Mean(new byte[12], VoxelType.UInt8, shape, new Int3(1, 1, 3), new byte[4]));
        Assert.Throws<ArgumentException>(() => Downsampling.Mode(new byte[12], shape, new Int3(0, 1, 1), new byte[12]));
    }

    private void Property(bool isLabels, params VoxelType[] types)
    {
        var random = Seeded(out var seed);
        for (var i = 0; i < 300; i++)
        {
            var type = types[random.Next(types.Length)];
            var (shape, factor) = (new Int3(random.Next(1, 8), random.Next(1, 12), random.Next(1, 40)), new Int3(random.Next(1, 3), random.Next(1, 3), random.Next(1, 3)));
            var voxels = new byte[shape.Count * type.Bytes()];
            random.NextBytes(voxels);
            if (isLabels)
            {
                // Few ids, so that they meet in a block; one of them is "not labelled".
                for (var v = 0; v < voxels.Length; v++)
                    voxels[v] = voxels[v] % 5 == 4 ? ClassMap.Ignored : (byte)(voxels[v] % 5);
            }

            var into = new byte[Pyramid.Reduced(shape, factor).Count * type.Bytes()];
            if (isLabels)
                Downsampling.Mode(voxels, shape, factor, into);
            else
                Downsampling.Mean(voxels, type, shape, factor, into);
            Assert.True(NaiveLevels.Reduce(voxels, type, shape, factor, isLabels).AsSpan().SequenceEqual(into), $"seed {seed}, case {i}: {shape} by {factor}, {type}");
        }
    }

    private Random Seeded(out int seed)
    {
        seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        return new Random(seed);
    }
}
