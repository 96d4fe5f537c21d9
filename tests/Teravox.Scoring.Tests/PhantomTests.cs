// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Teravox.Contracts;
using Teravox.Grains.Scoring;
using Teravox.Volumes.Phantom;

namespace Teravox.Scoring.Tests;

public sealed class PhantomTests
{
    private static readonly Lazy<PhantomVolume> Large = new(static () => Phantom.Generate(new(32, 256, 256), 4));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(32, 256, 256, 4, 1.35)]
    [InlineData(64, 64, 64, 1, 2.5)]
    [InlineData(64, 64, 64, 2, 2.5)]
    [InlineData(24, 128, 100, 3, 1.8)]
    public void Generate_WhenAskedForTissue_ClassesHaveTheirShares(int z, int y, int x, ulong seed, double factor)
    {
        var phantom = Make(z, y, x, seed);
        var counts = Counts(phantom.Labels);
        for (var c = 0; c < Phantom.Classes.Count; c++)
        {
            var ratio = counts[c] / (Phantom.Shares[c] * phantom.Shape.Count);
            Assert.True(ratio > 1 / factor && ratio < factor, $"{Phantom.ClassNames[c]} has {ratio:F2} times its share");
        }
    }

    [Theory]
    [InlineData(32, 256, 256, 4, 800)]
    [InlineData(16, 96, 96, 1, 40)]
    [InlineData(16, 96, 96, 9, 40)]
    public void Generate_WhenSplitAlongZ_EveryClassIsOnBothSides(int z, int y, int x, ulong seed, long atLeast)
    {
        var phantom = Make(z, y, x, seed);
        var cut = z * 25 / 32 * y * x;
        var (train, test) = (Counts(phantom.Labels.AsSpan(..cut)), Counts(phantom.Labels.AsSpan(cut..)));
        for (var c = 0; c < Phantom.Classes.Count; c++)
        {
            Assert.True(train[c] >= 3 * atLeast, $"{Phantom.ClassNames[c]}: {train[c]} voxels train");
            Assert.True(test[c] >= atLeast, $"{Phantom.ClassNames[c]}: {test[c]} voxels test");
        }
    }

    [Fact]
    public void Generate_WhenThreadsDiffer_IsTheSameBytes()
    {
        var shape = new Int3(17, 61, 83);
        var one = Phantom.Generate(shape, 5, new() { Threads = 1 }, ct: Token);
        var four = Phantom.Generate(shape, 5, new() { Threads = 4 }, ct: Token);
        Assert.Equal(one.Raw, four.Raw);
        Assert.Equal(one.Labels, four.Labels);
        Assert.NotEqual(one.Raw, Phantom.Generate(shape, 6, ct: Token).Raw);
    }

    [Fact]
    public void Generate_WhenRunAnywhere_IsThePhantomOfRecord()
    {
        // Scores in the documents and checks elsewhere refer to phantoms by shape and seed: another hash is another phantom.
        var phantom = Phantom.Generate(new(24, 80, 80), 1, ct: Token);
        Assert.Equal("d8fcb94cbd4d7a96", Convert.ToHexStringLower(SHA256.HashData(phantom.Raw))[..16]);
        Assert.Equal("8bca1ccb0a9b224c", Convert.ToHexStringLower(SHA256.HashData(phantom.Labels))[..16]);
    }

    [Fact]
    public void Generate_WhenSeen_GreysTellTheMainStructures()
    {
        var phantom = Large.Value;
        double Mean(int c) => phantom.Raw.Zip(phantom.Labels).Where(v => v.Second == c).Average(static v => (double)v.First);
        var mean = Enumerable.Range(0, 8).Select(Mean).ToArray();
        Assert.True(mean[7] < 75 && mean[1] < 85, "myelin and synapses are dark");
        Assert.InRange(mean[3], 80, 120);
        Assert.InRange(mean[2], 85, 120);
        Assert.True(mean[0] > 150, "cytosol is light");

        // Grey alone must not be enough: membranes and mitochondria overlap, and only their form tells them apart.
        var counts = new long[GreyHistogram.Length];
        GreyHistogram.Add([.. phantom.Raw.Select(static v => (byte)(255 - v))], phantom.Labels, 3, counts);
        Assert.InRange(Thresholds.Curve(counts)[Thresholds.Best(counts)]!.Value, .4, .85);
    }

    [Fact]
    public void Generate_WhenVoxelsAreThickSections_KeepsSizesInNanometres()
    {
        var thin = Phantom.Generate(new(32, 96, 96), 3, ct: Token);
        var thick = Phantom.Generate(new(8, 96, 96), 3, new() { VoxelSize = new(40, 10, 10) }, ct: Token);
        Assert.Equal(new VoxelSize(40, 10, 10), thick.VoxelSize);
        double Membranes(PhantomVolume v) => Counts(v.Labels)[3] / (double)v.Labels.Length;
        Assert.InRange(Membranes(thick) / Membranes(thin), .7, 1.4);
    }

    [Fact]
    public void Generate_WhenTheShapeIsTooSmall_SaysWhatToGive()
    {
        var e = Assert.Throws<InputException>(() => Phantom.Generate(new(4, 64, 64), 1, ct: Token));
        Assert.Contains("4x64x64", e.Message, StringComparison.Ordinal);
        Assert.Throws<InputException>(() => Phantom.Generate(new(16, 64, 64), 1, new() { VoxelSize = new(0, 1, 1) }, ct: Token));
    }

    [Fact]
    public void Generate_WhenCancelled_Stops()
    {
        using var source = new CancellationTokenSource();
        var progress = new Synchronous(_ => source.Cancel());
        Assert.ThrowsAny<OperationCanceledException>(() => Phantom.Generate(new(16, 64, 64), 1, progress: progress, ct: source.Token));
    }

    private static PhantomVolume Make(int z, int y, int x, ulong seed) =>
        (z, y, x, seed) == (32, 256, 256, 4) ? Large.Value : Phantom.Generate(new(z, y, x), seed, ct: Token);

    private static long[] Counts(ReadOnlySpan<byte> labels)
    {
        var counts = new long[256];
        foreach (var label in labels)
            counts[label]++;
        Assert.Equal(labels.Length, counts[..8].Sum());
        return counts;
    }

    private sealed class Synchronous(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
