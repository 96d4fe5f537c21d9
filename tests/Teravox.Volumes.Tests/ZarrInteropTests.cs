// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

/// <summary>Zarr volumes between Teravox and python's zarr.</summary>
public sealed class ZarrInteropTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private sealed record Written(string Name, int Channels);

    [Fact]
    public void Read_WhenPythonWroteTheArray_GivesItsVoxels()
    {
        Python.Run("write_zarrs.py", _folder.Root);
        var index = JsonSerializer.Deserialize<Written[]>(File.ReadAllText(_folder.Path("index.json")), TeravoxJson.Compact)!;
        Assert.True(index.Length > 100, $"only {index.Length} arrays");
        foreach (var written in index)
        {
            var volume = OmeVolume.Open(_folder.Path(written.Name));
            Assert.Equal(written.Channels > 0, volume.HasChannels);
            var expected = File.ReadAllBytes(_folder.Path(written.Name + ".raw"));
            var got = new List<byte>();
            for (var c = 0; c < volume.Channels; c++)
                got.AddRange(OmeVolumeTests.Read(volume, Box3.Whole(volume.Shape), c));
            Assert.True(expected.AsSpan().SequenceEqual(got.ToArray()), $"{written.Name} differs");
        }

        foreach (var (name, word) in new[] { ("order", "order is F"), ("dtype", "<f4"), ("filters", "filters"), ("compressor", "bz2"), ("shape", "2 dimensions") })
        {
            var error = Assert.Throws<InputException>(() => OmeVolume.Open(_folder.Path("refused-" + name)));
            Assert.Contains(word, error.Message);
            Assert.Contains(Path.Combine("refused-" + name, ".zarray"), error.Message);
        }
    }

    [Fact]
    public void Write_WhenPythonOpensTheVolume_ItFindsVoxelsAndMetadata()
    {
        var classes = ClassMapFile.Parse("""{"classes": [{"id": 0, "name": "cytosol"}, {"id": 1, "name": "membrane", "show": "#ff8000"}]}""", "test");
        var random = new Random(5);
        var volumes = new List<(OmeVolume Volume, byte[] Voxels)>();
        Compressor[] compressors = [Compressor.Default, Compressor.Blosc("lz4", 5, BloscShuffle.Bit), Compressor.Zlib(), Compressor.None];
        foreach (var compressor in compressors)
        {
            foreach (var type in (VoxelType[])[VoxelType.UInt8, VoxelType.UInt16])
            {
                foreach (var channels in (int[])[0, 2])
                {
                    var options = new OmeOptions
                    {
                        Shape = new Int3(9, 21, 34),
                        Channels = channels,
                        Type = type,
                        Chunk = new Int3(4, 8, 16),
                        VoxelSize = new VoxelSize(45, 4.6, 4.6),
                        Compressor = compressor,
                        Classes = classes,
                    };
                    var volume = OmeVolume.Create(_folder.Path($"v{volumes.Count}.zarr"), options);
                    var voxels = new List<byte>();
                    for (var c = 0; c < volume.Channels; c++)
                    {
                        var part = Data.Smooth(options.Shape, type, random.Next(100));
                        voxels.AddRange(part);
                        volume.Write(Box3.Whole(options.Shape), part, c);
                    }

                    volumes.Add((volume, voxels.ToArray()));
                }
            }
        }

        var seen = JsonNode.Parse(Python.Run("read_zarr.py", [.. volumes.Select(static v => v.Volume.Path)]))!;
        foreach (var (volume, voxels) in volumes)
        {
            Assert.True(voxels.AsSpan().SequenceEqual(File.ReadAllBytes(volume.Path + ".raw")), $"python reads {volume.Path} differently");
            var about = seen[volume.Path]!;
            Assert.Equal("0.4", about["scales"]!["version"]!.GetValue<string>());
            var axes = string.Concat(about["scales"]!["axes"]!.AsArray().Select(static a => a!["name"]!.ToString()));
            Assert.Equal(volume.HasChannels ? "czyx" : "zyx", axes);
            var scale = about["scales"]!["datasets"]![0]!["coordinateTransformations"]![0]!["scale"]!.ToJsonString();
            Assert.Equal(volume.HasChannels ? "[1,45,4.6,4.6]" : "[45,4.6,4.6]", scale);
            if (volume.HasChannels)
            {
                Assert.Equal("membrane", about["attrs"]!["omero"]!["channels"]![1]!["label"]!.ToString());
            }
            else
            {
                Assert.Equal("[255,128,0,255]", about["attrs"]!["image-label"]!["colors"]![1]!["rgba"]!.ToJsonString());
                Assert.Equal("membrane", about["attrs"]!["image-label"]!["properties"]![1]!["class"]!.ToString());
            }
        }
    }

    [Fact]
    public void AddLevels_WhenPythonOpensTheVolume_ItFindsEveryLevelWhereItLies()
    {
        var options = new OmeOptions { Shape = new Int3(9, 21, 34), Type = VoxelType.UInt16, Chunk = new Int3(4, 8, 16), VoxelSize = new VoxelSize(45, 4.5, 4.5) };
        var volume = OmeVolume.Create(_folder.Path("levels.zarr"), options);
        Int3[] factors = [new(1, 2, 2), new(2, 2, 2)];
        volume.AddLevels(factors);
        var voxels = new List<byte[]> { Data.Smooth(options.Shape, VoxelType.UInt16, 3) };
        volume.Write(Box3.Whole(options.Shape), voxels[0]);
        for (var level = 1; level <= factors.Length; level++)
        {
            var (above, own) = (OmeVolume.Open(volume.Path, level - 1), OmeVolume.Open(volume.Path, level));
            voxels.Add(new byte[own.Shape.Count * 2]);
            Downsampling.Mean(voxels[level - 1], VoxelType.UInt16, above.Shape, factors[level - 1], voxels[level]);
            own.Write(Box3.Whole(own.Shape), voxels[level]);
        }

        var datasets = JsonNode.Parse(Python.Run("read_zarr.py", volume.Path))![volume.Path]!["scales"]!["datasets"]!.AsArray();
        Assert.Equal(["s0", "s1", "s2"], datasets.Select(static d => d!["path"]!.ToString()));
        Assert.Equal(
            ["""[{"type":"scale","scale":[45,4.5,4.5]}]""", """[{"type":"scale","scale":[45,9,9]},{"type":"translation","translation":[0,2.25,2.25]}]""",
                """[{"type":"scale","scale":[90,18,18]},{"type":"translation","translation":[22.5,6.75,6.75]}]"""],
            datasets.Select(static d => d!["coordinateTransformations"]!.ToJsonString()));
        Assert.All(Enumerable.Range(0, 3), level => Assert.Equal(voxels[level], File.ReadAllBytes(volume.Path + (level == 0 ? ".raw" : $".s{level}.raw"))));
    }

    [Theory]
    [InlineData("micrometer", 45)]
    [InlineData("nanometer", 0.045)]
    [InlineData(null, 0.045)]
    public void Open_WhenUnitIsGiven_ConvertsVoxelSizeToNanometres(string? unit, double z)
    {
        var volume = OmeVolume.Create(_folder.Path("u.zarr"), new OmeOptions { Shape = Int3.One, Chunk = Int3.One, VoxelSize = new VoxelSize(.045, .004, .004) });
        var attributes = volume.ReadAttributes();
        foreach (var axis in attributes["multiscales"]![0]!["axes"]!.AsArray())
        {
            axis!.AsObject().Remove("unit");
            if (unit is not null)
                axis["unit"] = unit;
        }

        File.WriteAllText(_folder.Path("u.zarr", ".zattrs"), attributes.ToJsonString());
        Assert.Equal(z, OmeVolume.Open(volume.Path).VoxelSize.Z, 9);
    }

    [Theory]
    [InlineData("""{"multiscales": []}""", "no multiscales")]
    [InlineData("""{"multiscales": [{"axes": [{"name": "y"}, {"name": "x"}], "datasets": [{"path": "s0"}]}]}""", "axes are (y, x)")]
    [InlineData("""{"multiscales": [{"axes": [{"name": "z"}, {"name": "y"}, {"name": "x"}], "datasets": [{"path": "../../etc"}]}]}""", "no path inside")]
    [InlineData("""{"multiscales": [{"axes": [{"name": "z", "unit": "parsec"}, {"name": "y"}, {"name": "x"}], "datasets": [{"path": "s0"}]}]}""", "parsec")]
    [InlineData("""{"multiscales": [{"axes": [{"name": "z"}, {"name": "y"}, {"name": "x"}], "datasets": [{"path": "s0", "coordinateTransformations": [{"type": "scale", "scale": [1, 0, 1]}]}]}]}""", "above 0")]
    [InlineData("{", "not valid JSON")]
    [InlineData("[]", "JSON object")]
    public void Open_WhenAttributesAreWrong_NamesFileAndFault(string attributes, string fault)
    {
        var path = _folder.Path("wrong.zarr");
        OmeVolume.Create(path, new OmeOptions { Shape = Int3.One, Chunk = Int3.One });
        File.WriteAllText(Path.Combine(path, ".zattrs"), attributes);
        var error = Assert.Throws<InputException>(() => OmeVolume.Open(path));
        Assert.Contains(".zattrs", error.Message);
        Assert.Contains(fault, error.Message);
    }

    [Fact]
    public void Open_WhenThereIsNoVolume_SaysWhatIsMissing()
    {
        Assert.Contains("does not exist", Assert.Throws<InputException>(() => OmeVolume.Open(_folder.Path("none"))).Message);
        Directory.CreateDirectory(_folder.Path("empty"));
        Assert.Contains("neither .zattrs nor .zarray", Assert.Throws<InputException>(() => OmeVolume.Open(_folder.Path("empty"))).Message);
        File.WriteAllText(_folder.Path("empty", "zarr.json"), "{}");
        Assert.Contains("Zarr v3", Assert.Throws<InputException>(() => OmeVolume.Open(_folder.Path("empty"))).Message);
    }

    [Theory]
    [MemberData(nameof(OmeVolumeTests.Compressors), MemberType = typeof(OmeVolumeTests))]
    public void Read_WhenChunkIsDamaged_NamesTheFile(string compressor)
    {
        var shape = new Int3(8, 8, 8);
        var volume = OmeVolume.Create(_folder.Path("d.zarr"), new OmeOptions { Shape = shape, Chunk = shape, Compressor = OmeVolumeTests.Named(compressor) });
        volume.Write(Box3.Whole(shape), Data.Smooth(shape, VoxelType.UInt8, 1));
        var file = _folder.Path("d.zarr", "s0", "0", "0", "0");
        var whole = File.ReadAllBytes(file);
        foreach (var length in (int[])[0, 1, 15, 16, whole.Length / 2, whole.Length - 9])
        {
            File.WriteAllBytes(file, whole[..length]);
            Assert.Contains(file, Assert.Throws<InputException>(() => OmeVolumeTests.Read(volume, Box3.Whole(shape))).Message);
        }

        File.WriteAllBytes(file, [.. whole, .. new byte[1 << 20]]);
        Assert.Contains(file, Assert.Throws<InputException>(() => OmeVolumeTests.Read(volume, Box3.Whole(shape))).Message);
        var random = new Random(6);
        for (var i = 0; i < 300; i++)
        {
            // Without a checksum some damage cannot be seen; it must never do worse than fail.
            var damaged = (byte[])whole.Clone();
            damaged[random.Next(damaged.Length)] ^= (byte)random.Next(1, 256);
            File.WriteAllBytes(file, damaged);
            try
            {
                OmeVolumeTests.Read(volume, Box3.Whole(shape));
            }
            catch (InputException e)
            {
                Assert.Contains(file, e.Message);
            }
        }
    }
}
