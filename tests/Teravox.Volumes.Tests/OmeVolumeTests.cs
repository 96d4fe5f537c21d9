// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

public sealed class OmeVolumeTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private OmeVolume Make(Int3 shape, Int3 chunk, VoxelType type = VoxelType.UInt8, int channels = 0, Compressor? compressor = null) =>
        OmeVolume.Create(_folder.Path($"v{Guid.NewGuid():N}.zarr"), new OmeOptions
        {
            Shape = shape,
            Chunk = chunk,
            Type = type,
            Channels = channels,
            Compressor = compressor ?? Compressor.Default,
            VoxelSize = new VoxelSize(40, 4, 4),
        });

    public static TheoryData<string> Compressors => ["none", "blosc-zstd", "blosc-lz4-bit", "blosc-blosclz", "blosc-zlib", "zlib", "gzip"];

    internal static Compressor Named(string name) => name switch
    {
        "none" => Compressor.None,
        "blosc-zstd" => Compressor.Default,
        "blosc-lz4-bit" => Compressor.Blosc("lz4", 5, BloscShuffle.Bit),
        "blosc-blosclz" => Compressor.Blosc("blosclz", 9, BloscShuffle.None),
        "blosc-zlib" => Compressor.Blosc("zlib", 1),
        "zlib" => Compressor.Zlib(6),
        _ => new Compressor(CompressorKind.Gzip, "", 4, BloscShuffle.None),
    };

    [Theory]
    [MemberData(nameof(Compressors))]
    public void Read_WhenWrittenWhole_GivesTheSameVoxels(string compressor)
    {
        foreach (var type in (VoxelType[])[VoxelType.UInt8, VoxelType.UInt16])
        {
            var shape = new Int3(7, 33, 21);
            var volume = Make(shape, new Int3(4, 16, 8), type, compressor: Named(compressor));
            var voxels = Data.Smooth(shape, type, 3);
            volume.Write(Box3.Whole(shape), voxels);
            Assert.Equal(voxels, Read(volume, Box3.Whole(shape)));
        }
    }

    [Fact]
    public void Read_WhenBoxesAreAnywhere_EqualsCuttingTheArray()
    {
        var random = new Random(7);
        var shape = new Int3(11, 17, 23);
        var volume = Make(shape, new Int3(4, 5, 6), VoxelType.UInt16, channels: 2);
        byte[][] voxels = [Data.Smooth(shape, VoxelType.UInt16, 1), Data.Smooth(shape, VoxelType.UInt16, 2)];
        for (var c = 0; c < 2; c++)
            volume.Write(Box3.Whole(shape), voxels[c], c);
        for (var i = 0; i < 200; i++)
        {
            var box = Data.RandomBox(random, shape, outside: 0);
            volume.Parallelism = 1 + (i % 2);
            var channel = random.Next(2);
            Assert.Equal(Data.Cut(voxels[channel], shape, box, 2), Read(volume, box, channel));
        }
    }

    [Fact]
    public void ReadMirrored_WhenBoxesReachOut_EqualsReflectingEachVoxel()
    {
        var random = new Random(8);
        foreach (var type in (VoxelType[])[VoxelType.UInt8, VoxelType.UInt16])
        {
            for (var i = 0; i < 150; i++)
            {
                var shape = new Int3(random.Next(1, 7), random.Next(1, 9), random.Next(1, 12));
                var volume = Make(shape, new Int3(3, 4, 5), type);
                var voxels = Data.Smooth(shape, type, i);
                volume.Write(Box3.Whole(shape), voxels);
                var box = Data.RandomBox(random, shape, outside: 25);
                var got = new byte[box.Count * type.Bytes()];
                volume.ReadMirrored(box, got);
                Assert.Equal(Data.Cut(voxels, shape, box, type.Bytes()), got);
            }
        }
    }

    [Fact]
    public void ReadMirrored_WithinAPart_EqualsThePartAsAVolumeOfItsOwn()
    {
        var random = new Random(9);
        for (var i = 0; i < 150; i++)
        {
            var shape = new Int3(random.Next(2, 9), random.Next(2, 9), random.Next(2, 12));
            var volume = Make(shape, new Int3(3, 4, 5));
            var voxels = Data.Smooth(shape, VoxelType.UInt8, i);
            volume.Write(Box3.Whole(shape), voxels);
            var part = Data.RandomBox(random, shape, outside: 0);
            var own = Data.Cut(voxels, shape, part, 1);
            var box = Data.RandomBox(random, part.Shape, outside: 25);
            var got = new byte[box.Count];
            volume.ReadMirrored(box with { Start = box.Start + part.Start }, part, got);
            Assert.Equal(Data.Cut(own, part.Shape, box, 1), got);
        }

        var small = Make(new Int3(4, 4, 4), new Int3(4, 4, 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => small.ReadMirrored(Box3.Whole(Int3.One), new Box3(new Int3(3, 0, 0), new Int3(2, 4, 4)), new byte[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => small.ReadMirrored(Box3.Whole(Int3.One), default, new byte[1]));
    }

    [Fact]
    public void Create_WithAPlaceAndAttributes_WritesBoth()
    {
        var options = new OmeOptions { Shape = new(2, 2, 2), Offset = (50, -2.5, 0), Attributes = new JsonObject { ["teravox"] = new JsonObject { ["a"] = 1 } } };
        var attributes = OmeVolume.Create(_folder.Path("placed.zarr"), options).ReadAttributes();
        Assert.Equal(1, (int)attributes["teravox"]!["a"]!);
        var transformations = attributes["multiscales"]![0]!["datasets"]![0]!["coordinateTransformations"]!;
        Assert.Equal([50, -2.5, 0], transformations[1]!["translation"]!.AsArray().Select(static v => (double)v!));
    }

    [Fact]
    public void Read_WhenNothingWasWritten_IsZero()
    {
        var volume = Make(new Int3(5, 5, 5), new Int3(2, 2, 2));
        var into = Enumerable.Repeat((byte)9, 125).ToArray();
        volume.Read(Box3.Whole(volume.Shape), into);
        Assert.All(into, static v => Assert.Equal(0, v));
    }

    [Fact]
    public void Write_WhenBoxIsNotOnChunkBorders_Throws()
    {
        var volume = Make(new Int3(10, 10, 10), new Int3(4, 4, 4));
        var voxels = new byte[1000];
        volume.Write(new Box3(new Int3(8, 4, 0), new Int3(2, 6, 8)), voxels);
        Assert.Throws<ArgumentException>(() => volume.Write(new Box3(new Int3(0, 0, 2), new Int3(4, 4, 4)), voxels));
        Assert.Throws<ArgumentException>(() => volume.Write(new Box3(Int3.Zero, new Int3(4, 4, 6)), voxels));
        Assert.Throws<ArgumentOutOfRangeException>(() => volume.Write(new Box3(new Int3(8, 8, 8), new Int3(4, 4, 4)), voxels));
        Assert.Throws<ArgumentOutOfRangeException>(() => volume.Read(new Box3(new Int3(-1, 0, 0), Int3.One), voxels));
        Assert.Throws<ArgumentOutOfRangeException>(() => volume.Read(new Box3(Int3.Zero, Int3.One), voxels, 1));
        Assert.Throws<ArgumentException>(() => volume.Read(Box3.Whole(volume.Shape), new byte[999]));
    }

    [Fact]
    public void Write_WhenParallel_EqualsOneByOne()
    {
        var shape = new Int3(13, 40, 37);
        var volume = Make(shape, new Int3(4, 8, 8), VoxelType.UInt16);
        var voxels = Data.Smooth(shape, VoxelType.UInt16, 2);
        volume.Parallelism = 2;
        volume.Write(Box3.Whole(shape), voxels, stamp: "item-7_3");
        Assert.Equal(voxels, Read(volume, Box3.Whole(shape)));
        Assert.Throws<ArgumentException>(() => volume.Write(Box3.Whole(shape), voxels, stamp: "../x"));
        var file = Path.Combine(volume.Path, "s0", "1", "2", "3");
        File.WriteAllBytes(file, [1, 2, 3]);
        Assert.Contains(file, Assert.Throws<InputException>(() => Read(volume, Box3.Whole(shape))).Message);
    }

    [Fact]
    public void Create_WhenCalledTwice_OpensTheFirst()
    {
        var path = _folder.Path("twice.zarr");
        var options = new OmeOptions { Shape = new Int3(4, 4, 4), Chunk = new Int3(2, 2, 2) };
        OmeVolume.Create(path, options).Write(Box3.Whole(options.Shape), Enumerable.Range(0, 64).Select(static i => (byte)i).ToArray());
        Assert.Equal(5, Read(OmeVolume.Create(path, options), Box3.Whole(options.Shape))[5]);
        var error = Assert.Throws<InputException>(() => OmeVolume.Create(path, options with { Type = VoxelType.UInt16 }));
        Assert.Contains(path, error.Message);
    }

    [Fact]
    public void WriteAttributes_WhenFieldsAreAdded_KeepsTheOthers()
    {
        var volume = Make(new Int3(4, 4, 4), new Int3(2, 2, 2));
        volume.WriteAttributes(new JsonObject { ["teravox"] = new JsonObject { ["a"] = 1 } });
        volume.WriteAttributes(new JsonObject { ["other"] = "x" });
        var attributes = volume.ReadAttributes();
        Assert.Equal(1, attributes["teravox"]!["a"]!.GetValue<int>());
        Assert.Equal("x", attributes["other"]!.GetValue<string>());
        Assert.Equal(new VoxelSize(40, 4, 4), OmeVolume.Open(volume.Path).VoxelSize);
        Assert.Throws<ArgumentException>(() => volume.WriteAttributes(new JsonObject { ["multiscales"] = new JsonArray() }));
    }

    [Fact]
    public void AddLevels_WhenHalved_KeepsTheMiddleOfTheFirstVoxels()
    {
        var volume = Make(new Int3(9, 9, 9), new Int3(4, 4, 4), channels: 3);
        volume.AddLevels([new Int3(1, 2, 2)]);
        var level = OmeVolume.Open(volume.Path, 1);
        Assert.Equal(new Int3(9, 5, 5), level.Shape);
        Assert.Equal(new VoxelSize(40, 8, 8), level.VoxelSize);
        Assert.Equal(3, level.Channels);
        volume.AddLevels([new Int3(1, 2, 2), new Int3(2, 2, 2)]);
        var second = OmeVolume.Open(volume.Path, 2);
        Assert.Equal(new VoxelSize(80, 16, 16), second.VoxelSize);
        Assert.Equal((new Int3(5, 3, 3), new Int3(4, 3, 3)), (second.Shape, second.Chunk));
        var translation = volume.ReadAttributes()["multiscales"]![0]!["datasets"]![2]!["coordinateTransformations"]![1]!["translation"]!;
        Assert.Equal("[0,20,6,6]", translation.ToJsonString());
        var error = Assert.Throws<InputException>(() => volume.AddLevels([new Int3(1, 2, 2), new Int3(3, 3, 3)]));
        Assert.Contains("level 2 of shape 5x3x3 instead of 3x2x2", error.Message);
        Assert.Equal(3, OmeVolume.Open(volume.Path).Levels);
        second.Write(Box3.Whole(second.Shape), new byte[second.Shape.Count], channel: 2);
    }

    [Fact]
    public void AddLevels_WhenWritersComeTogetherOrLate_LeavesTheBytesOfTheFirst()
    {
        Int3[] factors = [new(1, 2, 2), new(2, 2, 2), new(2, 2, 2)];
        var volume = Make(new Int3(20, 40, 40), new Int3(4, 8, 8));
        var attributes = Path.Combine(volume.Path, ".zattrs");
        var before = File.ReadAllBytes(attributes);
        volume.AddLevels(factors);
        var whole = Files(volume);
        OmeVolume.Open(volume.Path, 1).Write(new Box3(Int3.Zero, new Int3(4, 8, 8)), Enumerable.Repeat((byte)7, 256).ToArray());

        // As a crash leaves it between the arrays and the metadata that names them, and as writers see it that come together.
        for (var round = 0; round < 20; round++)
        {
            File.WriteAllBytes(attributes, before);
            Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, _ => OmeVolume.Open(volume.Path).AddLevels(factors));
            Assert.Equal(whole, Files(volume));
        }

        Assert.Equal(7, Read(OmeVolume.Open(volume.Path, 1), new Box3(Int3.Zero, Int3.One))[0]);
        var written = File.GetLastWriteTimeUtc(attributes);
        volume.AddLevels(factors);
        Assert.Equal(written, File.GetLastWriteTimeUtc(attributes));

        static Dictionary<string, string> Files(OmeVolume volume) => Directory
            .EnumerateFiles(volume.Path, ".z*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None })
            .ToDictionary(f => Path.GetRelativePath(volume.Path, f), File.ReadAllText);
    }

    internal static byte[] Read(OmeVolume volume, Box3 box, int channel = 0)
    {
        var into = new byte[box.Count * volume.Type.Bytes()];
        volume.Read(box, into, channel);
        return into;
    }
}
