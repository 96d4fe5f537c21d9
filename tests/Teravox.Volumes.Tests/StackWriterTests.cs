// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

public sealed class StackWriterTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static readonly ClassMap Classes = ClassMapFile.Parse(
        """{"classes": [{"id": 0, "name": "cytosol"}, {"id": 1, "name": "ER / lumen", "show": "#00ff00"}]}""", "test");

    private OmeVolume Volume(VoxelType type, int channels = 0)
    {
        var shape = new Int3(11, 9, 13);
        var volume = OmeVolume.Create(_folder.Path($"v{channels}.zarr"), new OmeOptions { Shape = shape, Chunk = new Int3(4, 4, 4), Type = type, Channels = channels });
        for (var c = 0; c < volume.Channels; c++)
            volume.Write(Box3.Whole(shape), Data.Smooth(shape, type, c), c);
        return volume;
    }

    [Theory]
    [InlineData(ImageFormat.Tif, VoxelType.UInt8)]
    [InlineData(ImageFormat.Tif, VoxelType.UInt16)]
    [InlineData(ImageFormat.Png, VoxelType.UInt16)]
    public void Write_WhenReadAgain_GivesTheSameVoxels(ImageFormat format, VoxelType type)
    {
        var volume = Volume(type, channels: 2);
        var steps = new List<(int Done, int All)>();
        StackWriter.Write(volume, _folder.Path("out"), format, Classes, (done, all) => steps.Add((done, all)), TestContext.Current.CancellationToken);
        Assert.Equal(["00-cytosol", "01-er---lumen"], Directory.GetDirectories(_folder.Path("out")).Select(Path.GetFileName).Order());
        Assert.Equal(Enumerable.Range(1, 22).Select(static i => (i, 22)), steps);
        foreach (var (name, channel) in new[] { ("00-cytosol", 0), ("01-er---lumen", 1) })
        {
            using var stack = ImageStack.Open(_folder.Path("out", name));
            Assert.Equal(volume.Shape, stack.Shape);
            Assert.StartsWith("0010.", stack.SliceNames[10], StringComparison.Ordinal);
            var voxels = Enumerable.Range(0, 11).SelectMany(z => stack.ReadSlice(z).Data).ToArray();
            Assert.Equal(OmeVolumeTests.Read(volume, Box3.Whole(volume.Shape), channel), voxels);
        }
    }

    [Fact]
    public void Write_WhenPalette_CarriesTheClassesColours()
    {
        var shape = new Int3(2, 2, 2);
        var volume = OmeVolume.Create(_folder.Path("labels.zarr"), new OmeOptions { Shape = shape, Chunk = shape });
        volume.Write(Box3.Whole(shape), [0, 1, 1, 255, 0, 0, 1, 1]);
        StackWriter.Write(volume, _folder.Path("out"), ImageFormat.PalettePng, Classes, ct: TestContext.Current.CancellationToken);
        using var stack = ImageStack.Open(_folder.Path("out"), use: StackUse.Labels);
        var slice = stack.ReadSlice(0);
        Assert.Equal([0, 1, 1, 255], slice.Data);
        Assert.Equal(0x00ff00u, slice.Palette![1]);
        Assert.Equal(0u, slice.Palette[255]);
        Assert.Throws<ArgumentException>(() => StackWriter.Write(volume, _folder.Path("o"), ImageFormat.PalettePng, ct: TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Write_WhenStoppedOrRefused_LeavesNothing()
    {
        var volume = Volume(VoxelType.UInt8);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => StackWriter.Write(volume, _folder.Path("a"), ImageFormat.Tif, null, (done, _) =>
        {
            if (done == 5)
                stop.Cancel();
        }, stop.Token));
        Directory.CreateDirectory(_folder.Path("b"));
        File.WriteAllText(_folder.Path("b", "mine"), "");
        Assert.Contains("holds something", Assert.Throws<InputException>(() => StackWriter.Write(volume, _folder.Path("b"), ImageFormat.Tif, ct: TestContext.Current.CancellationToken)).Message);
        Assert.Equal(["b", "v0.zarr"], Directory.GetFileSystemEntries(_folder.Root).Select(Path.GetFileName).Order());
    }
}
