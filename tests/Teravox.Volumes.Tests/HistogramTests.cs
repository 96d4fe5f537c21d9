// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

public sealed class HistogramTests
{
    [Theory]
    [InlineData(VoxelType.UInt8)]
    [InlineData(VoxelType.UInt16)]
    public void Merge_WhenPartsAreCountedApart_EqualsTheWhole(VoxelType type)
    {
        var voxels = new byte[30_000];
        new Random(1).NextBytes(voxels);
        var values = type == VoxelType.UInt8 ? voxels.Select(static v => (double)v).ToArray() : [.. MemoryMarshal.Cast<byte, ushort>(voxels).ToArray().Select(static v => (double)v)];
        var whole = VoxelHistogram.Of(voxels, type);
        var parts = VoxelHistogram.Empty(type);
        for (var i = 0; i < voxels.Length; i += 1000)
            parts.Merge(VoxelHistogram.FromBytes(VoxelHistogram.Of(voxels.AsSpan(i, 1000), type).ToBytes()));
        Assert.Equal(whole.Counts, parts.Counts);
        Assert.Equal(whole.Statistics(), parts.Statistics());
        var mean = values.Average();
        Assert.Equal(mean, whole.Mean, 9);
        Assert.Equal(Math.Sqrt(values.Average(v => (v - mean) * (v - mean))), whole.Std, 6);
        Assert.Equal(((int)values.Min(), (int)values.Max(), (long)values.Length), (whole.Statistics().Min, whole.Statistics().Max, whole.Total));
    }

    [Fact]
    public void Statistics_WhenCountsAreHuge_StayExact()
    {
        // A petavoxel of two neighbouring levels: the usual sum of squares minus square of sums would lose everything.
        var counts = new long[65536];
        counts[65534] = counts[65535] = 500_000_000_000_000;
        var statistics = new VoxelHistogram(counts).Statistics();
        Assert.Equal(65534.5, statistics.Mean);
        Assert.Equal(.5, statistics.Std);
    }

    [Fact]
    public void Statistics_WhenThereIsNothing_AreZero() =>
        Assert.Equal(default, VoxelHistogram.Empty(VoxelType.UInt8).Statistics());

    [Fact]
    public void FromBytes_WhenBytesAreNoHistogram_Throws()
    {
        Assert.Throws<ArgumentException>(() => VoxelHistogram.FromBytes(new byte[2047]));
        Assert.Throws<ArgumentException>(() => VoxelHistogram.FromBytes(new byte[8]));
        Assert.Throws<ArgumentException>(() => VoxelHistogram.FromBytes([.. Enumerable.Repeat((byte)255, 2048)]));
        Assert.Throws<ArgumentException>(() => VoxelHistogram.Empty(VoxelType.UInt8).Merge(VoxelHistogram.Empty(VoxelType.UInt16)));
    }
}
