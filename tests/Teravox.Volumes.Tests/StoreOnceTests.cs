// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

/// <summary>What is stored first stays, and every writer gets it back. Fault points belong to the whole process: runs alone.</summary>
[Collection(nameof(ChunkWriteTests))]
public sealed class StoreOnceTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose()
    {
        FaultPoints.OnPoint = null;
        _folder.Dispose();
    }

    private OmeVolume Make(Int3 shape, Int3 chunk, VoxelType type = VoxelType.UInt8, int channels = 0, Compressor? compressor = null) =>
        OmeVolume.Create(_folder.Path($"v{Guid.NewGuid():N}.zarr"), new OmeOptions
        {
            Shape = shape,
            Chunk = chunk,
            Type = type,
            Channels = channels,
            Compressor = compressor ?? Compressor.None,
        });

    private static byte[] Filled(Int3 shape, byte value) => [.. Enumerable.Repeat(value, (int)shape.Count)];

    /// <summary>Every file of the volume: its bytes and when it was written.</summary>
    private static Dictionary<string, string> Files(OmeVolume volume) => Directory
        .EnumerateFiles(volume.Path, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
        .ToDictionary(static f => f, static f => $"{File.GetLastWriteTimeUtc(f):O} {Convert.ToHexString(File.ReadAllBytes(f))}");

    [Fact]
    public void StoreOnce_WhenAnyChunksAreThere_MixesWhatIsStored()
    {
        Compressor[] compressors = [Compressor.None, Compressor.Default, Compressor.Zlib(1)];
        for (var seed = 0; seed < 120; seed++)
        {
            var random = new Random(seed);
            var shape = new Int3(random.Next(1, 8), random.Next(1, 10), random.Next(1, 12));
            var chunk = new Int3(random.Next(1, 5), random.Next(1, 5), random.Next(1, 5));
            var type = seed % 2 == 0 ? VoxelType.UInt8 : VoxelType.UInt16;
            var channels = random.Next(4);
            var volume = Make(shape, chunk, type, channels, compressors[seed % 3]);
            if (seed % 4 == 3)
                volume = BigEndian(volume);
            volume.Parallelism = 1 + (seed % 2);
            var size = volume.Type.Bytes();
            var channel = random.Next(Math.Max(channels, 1));
            var expected = Data.Smooth(shape, volume.Type, seed);
            var earlier = Data.Smooth(shape, volume.Type, seed + 100);

            // A box of whole chunks, cut at the volume's border; some of its chunks are there.
            var grid = new TileGrid(shape, volume.Chunk);
            var chunks = Data.RandomBox(random, grid.Counts, outside: 0);
            var box = Box3.Between(chunks.Start * volume.Chunk, Int3.Min(chunks.End * volume.Chunk, shape));
            var voxels = Data.Cut(expected, shape, box, size);
            var there = 0;
            for (var i = 0; i < grid.Count; i++)
            {
                var core = grid.Core(i);
                if (random.Next(3) != 0 || !box.Contains(core))
                    continue;
                there++;
                var part = Data.Cut(earlier, shape, core, size);
                volume.Write(core, part, channel);
                Rows.Copy(part, core, expected, Box3.Whole(shape), core, size);
            }

            var got = new byte[voxels.Length];
            Assert.Equal(there == chunks.Count, volume.TryReadStored(box, got, channel));
            volume.StoreOnce(box, voxels, channel, stamp: "item-7");
            Assert.Equal(Data.Cut(expected, shape, box, size), voxels);
            Assert.Equal(voxels, OmeVolumeTests.Read(volume, box, channel));
            Assert.True(volume.TryReadStored(box, got, channel));
            Assert.Equal(voxels, got);
            Assert.Equal(0, volume.DeleteOrphanedFiles());
            for (var other = 0; other < volume.Channels; other++)
                Assert.Equal(other == channel, volume.TryReadStored(box, got, other));
        }

        static OmeVolume BigEndian(OmeVolume volume)
        {
            var file = Path.Combine(volume.Path, "s0", ".zarray");
            File.WriteAllText(file, File.ReadAllText(file).Replace("<u2", ">u2"));
            return OmeVolume.Open(volume.Path);
        }
    }

    [Fact]
    public void StoreOnce_WhenCalledAgainWithOtherVoxels_ChangesNoFile()
    {
        var shape = new Int3(5, 9, 7);
        var volume = Make(shape, new Int3(2, 4, 4), VoxelType.UInt16, compressor: Compressor.Default);
        var first = Data.Smooth(shape, VoxelType.UInt16, 1);
        var box = Box3.Whole(shape);
        var stored = (byte[])first.Clone();
        volume.StoreOnce(box, stored);
        Assert.Equal(first, stored);
        var files = Files(volume);
        Assert.True(files.Count > 18, $"{files.Count} files");

        var second = Data.Smooth(shape, VoxelType.UInt16, 2);
        volume.StoreOnce(box, second);
        Assert.Equal(first, second);
        Assert.Equal(files, Files(volume));
    }

    [Fact]
    public void StoreOnce_WhenAllVoxelsAreZero_StoresEveryChunk()
    {
        var shape = new Int3(2, 4, 4);
        var volume = Make(shape, new Int3(1, 2, 2), compressor: Compressor.Default);
        var box = Box3.Whole(shape);
        var voxels = new byte[shape.Count];
        Assert.False(volume.TryReadStored(box, voxels));
        volume.StoreOnce(box, voxels);
        Assert.True(volume.TryReadStored(box, voxels));
        File.Delete(Path.Combine(volume.Path, "s0", "1", "1", "1"));
        Assert.False(volume.TryReadStored(box, voxels));
        Assert.True(volume.TryReadStored(new Box3(Int3.Zero, new Int3(2, 4, 2)), voxels));
        Assert.All(OmeVolumeTests.Read(volume, box), static v => Assert.Equal(0, v));
    }

    [Fact]
    public void StoreOnce_WhenAStoredChunkIsDamaged_NamesItAndLeavesIt()
    {
        var shape = new Int3(4, 4, 4);
        var volume = Make(shape, new Int3(2, 2, 2));
        var box = Box3.Whole(shape);
        volume.StoreOnce(box, Filled(shape, 1));
        var file = Path.Combine(volume.Path, "s0", "1", "0", "1");
        File.WriteAllBytes(file, [1, 2, 3]);
        Assert.Contains(file, Assert.Throws<InputException>(() => volume.StoreOnce(box, Filled(shape, 2))).Message);
        Assert.Contains(file, Assert.Throws<InputException>(() => volume.TryReadStored(box, Filled(shape, 2))).Message);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(file));
    }

    [Fact]
    public void StoreOnce_WhenTheBoxIsNotOnChunkBorders_Throws()
    {
        var volume = Make(new Int3(10, 10, 10), new Int3(4, 4, 4));
        var voxels = new byte[1000];
        Assert.Throws<ArgumentException>(() => volume.StoreOnce(new Box3(new Int3(0, 0, 2), new Int3(4, 4, 4)), voxels));
        Assert.Throws<ArgumentException>(() => volume.StoreOnce(new Box3(Int3.Zero, new Int3(4, 4, 6)), voxels));
        Assert.Throws<ArgumentException>(() => volume.StoreOnce(Box3.Whole(volume.Shape), new byte[999]));
        Assert.Throws<ArgumentException>(() => volume.StoreOnce(Box3.Whole(volume.Shape), voxels, stamp: "../x"));
        Assert.Throws<ArgumentOutOfRangeException>(() => volume.StoreOnce(new Box3(new Int3(8, 8, 8), new Int3(4, 4, 4)), voxels));
        Assert.Throws<ArgumentOutOfRangeException>(() => volume.TryReadStored(Box3.Whole(volume.Shape), voxels, 1));
        volume.StoreOnce(new Box3(new Int3(8, 4, 0), new Int3(2, 6, 8)), voxels);
    }

    [Fact]
    public async Task StoreOnce_WhenTwoStandBeforeTheSameLink_BothGetWhatOneStored()
    {
        var ct = TestContext.Current.CancellationToken;
        var shape = new Int3(4, 5, 6);
        var volume = Make(shape, new Int3(2, 2, 2));
        var box = Box3.Whole(shape);

        // For each chunk the two wait for each other where both have seen that it is missing: one of them must lose.
        using var both = new Barrier(2);
        FaultPoints.OnPoint = name =>
        {
            if (name == "chunk.before-link")
                Assert.True(both.SignalAndWait(TimeSpan.FromSeconds(20), ct), "only one writer came to the link of a chunk");
        };
        var got = await Together.RunAsync(2, i =>
        {
            var voxels = Filled(shape, (byte)(i + 1));
            volume.StoreOnce(box, voxels);
            return voxels;
        });
        FaultPoints.OnPoint = null;
        Assert.Equal(18, both.CurrentPhaseNumber);
        Assert.Equal(got[0], got[1]);
        Assert.Equal(got[0], OmeVolumeTests.Read(volume, box));
        Assert.Equal(0, volume.DeleteOrphanedFiles());
    }

    [Fact]
    public async Task StoreOnce_WhenManyThreadsStoreAtOnce_AllGetTheSame()
    {
        for (var round = 0; round < 10; round++)
        {
            var shape = new Int3(6, 9, 9);
            var volume = Make(shape, new Int3(2, 4, 4), compressor: round % 2 == 0 ? Compressor.None : Compressor.Default);
            var got = await Together.RunAsync(8, i =>
            {
                var voxels = Data.Smooth(shape, VoxelType.UInt8, i);
                volume.StoreOnce(Box3.Whole(shape), voxels);
                return voxels;
            });
            Assert.All(got, v => Assert.Equal(got[0], v));
            Assert.Equal(got[0], OmeVolumeTests.Read(volume, Box3.Whole(shape)));
            Assert.Equal(0, volume.DeleteOrphanedFiles());
        }
    }

    [Fact]
    public async Task StoreOnce_WhenProcessesStoreAtOnce_AllGetTheSame()
    {
        var ct = TestContext.Current.CancellationToken;
        var shape = new Int3(8, 32, 32);
        var volume = Make(shape, new Int3(1, 8, 8));
        var children = Enumerable.Range(1, 3).Select(i => ChildWriter.Start(new ChildWork(volume.Path, (byte)i, Once: true))).ToArray();
        foreach (var child in children)
            Assert.Equal("ready", await child.StandardOutput.ReadLineAsync(ct));
        var ends = await Task.WhenAll(children.Select(child => ChildWriter.FinishAsync(child, ct)));
        var stored = Convert.ToHexString(OmeVolumeTests.Read(volume, Box3.Whole(shape)));
        Assert.All(ends, end => Assert.True(end.Code == 0, end.Error));
        Assert.All(ends, end => Assert.Equal(stored, end.Voxels));
        Assert.DoesNotContain("00", stored.Chunk(2).Select(static c => new string(c)));
        Assert.Equal(0, volume.DeleteOrphanedFiles());
        Array.ForEach(children, static c => c.Dispose());
    }

    [Fact]
    public void StoreOnce_WhenAnotherIsFasterAndItsChunkGoes_SaysSo()
    {
        var shape = new Int3(2, 2, 2);
        var volume = Make(shape, shape);
        var file = Path.Combine(volume.Path, "s0", "0", "0", "0");
        FaultPoints.OnPoint = name =>
        {
            if (name == "chunk.before-link")
                File.WriteAllBytes(file, Filled(shape, 7));
            else
                File.Delete(file);
        };
        var error = Assert.Throws<IOException>(() => volume.StoreOnce(Box3.Whole(shape), Filled(shape, 1)));
        Assert.Contains("is gone", error.Message);
        Assert.Equal(0, volume.DeleteOrphanedFiles());
    }
}
