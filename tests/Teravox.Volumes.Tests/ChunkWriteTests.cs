// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

/// <summary>What a crash or a full disk leaves of a write. Fault points belong to the whole process, so these tests run alone.</summary>
[CollectionDefinition(nameof(ChunkWriteTests), DisableParallelization = true)]
[Collection(nameof(ChunkWriteTests))]
public sealed class ChunkWriteTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private static readonly Int3 Shape = new(4, 4, 4);

    public void Dispose()
    {
        FaultPoints.OnPoint = null;
        _folder.Dispose();
    }

    /// <summary>Stands for the end of the process: nothing in the product catches it.</summary>
    private sealed class Crash : Exception;

    private OmeVolume Make(string root, Int3 shape, Int3 chunk) =>
        OmeVolume.Create(Path.Combine(root, "v.zarr"), new OmeOptions { Shape = shape, Chunk = chunk, Compressor = Compressor.None });

    private static byte[] Filled(Int3 shape, byte value) => [.. Enumerable.Repeat(value, (int)shape.Count)];

    private static string[] OrphanedFiles(OmeVolume volume) =>
        Directory.GetFiles(volume.Path, AtomicFile.TemporaryPrefix + "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 });

    [Theory]
    [InlineData("chunk.before-rename")]
    [InlineData("chunk.after-rename")]
    public void Write_WhenCrashedAtAnyChunk_LeavesEachChunkOldOrNew(string point)
    {
        var chunk = new Int3(2, 2, 2);
        var volume = Make(_folder.Root, Shape, chunk);
        for (var crashAt = 0; crashAt < 8; crashAt++)
        {
            volume.Write(Box3.Whole(Shape), Filled(Shape, 1));
            var hits = 0;
            FaultPoints.OnPoint = name =>
            {
                if (name == point && hits++ == crashAt)
                    throw new Crash();
            };
            Assert.Throws<Crash>(() => volume.Write(Box3.Whole(Shape), Filled(Shape, 2), stamp: "item-7"));
            FaultPoints.OnPoint = null;

            var grid = new TileGrid(Shape, chunk);
            var news = 0;
            for (var i = 0; i < grid.Count; i++)
            {
                var voxels = OmeVolumeTests.Read(volume, grid.Core(i));
                Assert.True(voxels.Distinct().Count() == 1 && voxels[0] is 1 or 2, $"chunk {i} is torn: {string.Join(' ', voxels)}");
                news += voxels[0] - 1;
            }

            Assert.Equal(point == "chunk.before-rename" ? crashAt : crashAt + 1, news);
            Assert.Equal(point == "chunk.before-rename" ? 1 : 0, OrphanedFiles(volume).Length);
            Assert.Equal(0, volume.DeleteOrphanedFiles("item-8"));
            Assert.Equal(OrphanedFiles(volume).Length, volume.DeleteOrphanedFiles("item-7"));
            Assert.Empty(OrphanedFiles(volume));

            volume.Write(Box3.Whole(Shape), Filled(Shape, 2));
            Assert.Equal(Filled(Shape, 2), OmeVolumeTests.Read(volume, Box3.Whole(Shape)));
        }
    }

    [Fact]
    public void Create_WhenCrashedBeforeTheRename_LeavesNoVolume()
    {
        FaultPoints.OnPoint = static name =>
        {
            if (name == "volume.before-rename")
                throw new Crash();
        };
        Assert.Throws<Crash>(() => Make(_folder.Root, Shape, Shape));
        FaultPoints.OnPoint = null;
        Assert.Throws<InputException>(() => OmeVolume.Open(_folder.Path("v.zarr")));
        Assert.Equal(Shape, Make(_folder.Root, Shape, Shape).Shape);
    }

    [Fact]
    public void WriteAllText_WhenCrashedBeforeTheRename_KeepsTheOldText()
    {
        var path = _folder.Path("a.txt");
        AtomicFile.WriteAllText(path, "old");
        FaultPoints.OnPoint = static name =>
        {
            if (name == "file.before-rename")
                throw new Crash();
        };
        Assert.Throws<Crash>(() => AtomicFile.WriteAllText(path, "new"));
        FaultPoints.OnPoint = null;
        Assert.Equal("old", File.ReadAllText(path));
        AtomicFile.WriteAllText(path, "new ü");
        Assert.Equal("new ü"u8.ToArray(), File.ReadAllBytes(path));
        Assert.Contains("none", Assert.Throws<IOException>(() => AtomicFile.WriteAllText(_folder.Path("none", "a.txt"), "x")).Message);
    }

    [Fact]
    public void Write_WhenTheDiskIsFull_NamesTheChunkAndKeepsTheOldOne()
    {
        var mount = Directory.CreateDirectory(_folder.Path("small")).FullName;
        Prerequisite.Require(OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", mount), "the right to mount a tmpfs");
        try
        {
            var shape = new Int3(1, 400, 400);
            var chunk = new Int3(1, 200, 200);
            var volume = Make(mount, shape, chunk);
            var first = new Box3(Int3.Zero, chunk);
            volume.Write(first, Filled(chunk, 1));
            // 40 kB a chunk: the directory holds one, four more and the temporary file do not fit.
            using (var filler = File.Create(Path.Combine(mount, "filler")))
                Assert.Throws<IOException>(() => filler.Write(new byte[1 << 20]));
            var error = Assert.Throws<IOException>(() => volume.Write(Box3.Whole(shape), Filled(shape, 2)));
            Assert.Contains(Path.Combine(volume.Path, "s0", "0", "0", "0"), error.Message);
            Assert.Contains("No space left", error.Message);
            Assert.Equal(Filled(chunk, 1), OmeVolumeTests.Read(volume, first));
            Assert.Empty(OrphanedFiles(volume));
            var text = Assert.Throws<IOException>(() => AtomicFile.WriteAllBytes(Path.Combine(mount, "x"), new byte[100_000]));
            Assert.Contains(Path.Combine(mount, "x"), text.Message);

            File.Delete(Path.Combine(mount, "filler"));
            volume.Write(Box3.Whole(shape), Filled(shape, 2));
            Assert.Equal(Filled(shape, 2), OmeVolumeTests.Read(volume, Box3.Whole(shape)));
        }
        finally
        {
            Run("umount", mount);
        }
    }

    [Theory]
    [InlineData(false, "chunk.before-rename")]
    [InlineData(true, "chunk.before-link")]
    [InlineData(true, "chunk.after-link")]
    public async Task Write_WhenTheProcessIsKilled_LeavesEachChunkOldOrNew(bool once, string point)
    {
        // A child is killed with SIGKILL at a moment of its own choosing.
        var ct = TestContext.Current.CancellationToken;
        var chunk = new Int3(2, 16, 16);
        var shape = new Int3(8, 64, 64);
        for (var hit = 0; hit < 3; hit++)
        {
            var volume = Make(_folder.Path(hit.ToString()), shape, chunk);
            if (!once)
                volume.Write(Box3.Whole(shape), Filled(shape, 1));
            using var child = ChildWriter.Start(new ChildWork(volume.Path, 2, once, point, hit * 17));
            var (code, _, error) = await ChildWriter.FinishAsync(child, ct);
            Assert.True(code == 137, $"the child ended with {code}: {error}");
            var grid = new TileGrid(shape, chunk);
            var voxels = Enumerable.Range(0, grid.Count).Select(i => OmeVolumeTests.Read(volume, grid.Core(i))).ToArray();
            Assert.All(voxels, static v => Assert.Single(v.Distinct()));
            var news = (hit * 17) + (point == "chunk.after-link" ? 1 : 0);
            Assert.Equal(news, voxels.Count(v => v[0] == 2));
            Assert.Equal(1, volume.DeleteOrphanedFiles());

            // Whoever repeats the item after the crash: what is stored stays.
            if (!once)
                continue;
            var again = Filled(shape, 3);
            volume.StoreOnce(Box3.Whole(shape), again);
            Assert.Equal(news * chunk.Count, again.LongCount(static v => v == 2));
            Assert.Equal(again, OmeVolumeTests.Read(volume, Box3.Whole(shape)));
        }
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
