// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Contracts;
using Teravox.Grains.Report;
using Teravox.Volumes;

namespace Teravox.Grains.Tests;

/// <summary>What is drawn over each other is of the same place, whatever part of the original a volume shows.</summary>
public sealed class SectionReaderTests : IDisposable
{
    private static readonly Int3 Shape = new(6, 140, 150);
    private static readonly Box3 Region = Box3.Between(new Int3(2, 0, 0), new Int3(5, 140, 150));

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Xy_WhenAPredictionCoversAPart_TakesTheSamePlaceFromAllVolumes()
    {
        var section = Reader().Xy(3, Write("truth", Box3.Whole(Shape), 2), [Prediction()]);
        Assert.Equal(Greys(3, 0, 140, 0, 150, 0), section.Raw);
        Assert.Equal(Greys(3, 0, 140, 0, 150, 2), section.Truth);
        Assert.Equal(Greys(3, 0, 140, 0, 150, 3), section.Predicted[0].Ids);
        Assert.Equal(Greys(3, 0, 140, 0, 150, 4), section.Predicted[0].Raw);
    }

    [Fact]
    public void Yz_WhenAPredictionCoversAPart_IsCutToIt()
    {
        var section = Reader().Yz(7, null, [Prediction()]);
        Assert.Equal((140, 3), (section.Width, section.Height));
        byte[] Expected(int of) => [.. Enumerable.Range(2, 3).SelectMany(z => Enumerable.Range(0, 140).Select(y => Grey(z, y, 7, of)))];
        Assert.Equal(Expected(0), section.Raw);
        Assert.Equal(Expected(3), section.Predicted[0].Ids);
        Assert.Equal(Expected(4), section.Predicted[0].Raw);
        Assert.Equal(6, Reader().Yz(7, null, []).Height);
    }

    [Fact]
    public void Restored_WhenTheSectionIsLarge_TakesItsMiddleFromAllThree()
    {
        var crop = Reader().Restored(4, Write("lr", Region, 5), Write("boosted", Region, 6), Region);
        Assert.Equal(("section 4, the middle 128 × 128 pixels", 128, 128), (crop.Title, crop.Width, crop.Height));
        Assert.Equal(Greys(4, 6, 128, 11, 128, 0), crop.Original);
        Assert.Equal(Greys(4, 6, 128, 11, 128, 5), crop.Lr);
        Assert.Equal(Greys(4, 6, 128, 11, 128, 6), crop.Boosted);
    }

    [Fact]
    public void Restored_WhenVoxelsHave16Bits_ShowsAllByTheScaleOfTheOriginal()
    {
        var small = new Int3(1, 2, 3);
        OmeVolume Volume(string name, params ushort[] voxels)
        {
            var volume = OmeVolume.Create(_folder[name], new OmeOptions { Shape = small, Type = VoxelType.UInt16, Chunk = small });
            volume.Write(Box3.Whole(small), MemoryMarshal.AsBytes<ushort>(voxels));
            return volume;
        }

        var raw = Volume("raw", 1000, 2000, 1500, 1000, 2000, 1500);
        var bytes = new byte[12];
        raw.Read(Box3.Whole(small), bytes);
        var crop = new SectionReader(raw, VoxelHistogram.Of(bytes, VoxelType.UInt16)).Restored(0, Volume("lr", 1500, 1500, 1500, 1500, 1500, 1500), Volume("boosted", 900, 2100, 1500, 1000, 2000, 1500), Box3.Whole(small));
        Assert.Equal("section 0", crop.Title);
        Assert.Equal([0, 255, 128, 0, 255, 128], crop.Original);
        Assert.Equal([128, 128, 128, 128, 128, 128], crop.Lr);
        Assert.Equal([0, 255, 128, 0, 255, 128], crop.Boosted);
    }

    private SectionReader Reader() => new(Write("raw", Box3.Whole(Shape), 0), VoxelHistogram.Empty(VoxelType.UInt8));

    private SectionPrediction Prediction() => new("lr", Write("labels", Region, 3), Region, Write("seen", Region, 4));

    /// <summary>A volume of a part of the original; each voxel tells its place in the original and the volume.</summary>
    private OmeVolume Write(string name, Box3 region, int of)
    {
        var volume = OmeVolume.Create(_folder[name], new OmeOptions { Shape = region.Shape, Type = VoxelType.UInt8, Chunk = new Int3(2, 64, 64) });
        var voxels = Enumerable.Range(region.Start.Z, region.Shape.Z).SelectMany(z => Greys(z, 0, region.Shape.Y, 0, region.Shape.X, of)).ToArray();
        volume.Write(Box3.Whole(region.Shape), voxels);
        return volume;
    }

    private static byte[] Greys(int z, int y, int height, int x, int width, int of) =>
        [.. Enumerable.Range(y, height).SelectMany(row => Enumerable.Range(x, width).Select(column => Grey(z, row, column, of)))];

    private static byte Grey(int z, int y, int x, int of) => (byte)((z * 31) + (y * 7) + (x * 3) + (of * 50));
}
