// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Contracts;
using Teravox.Networks;
using Teravox.Volumes;

namespace Teravox.Grains.Tests;

/// <summary>
/// With batch norm and the exact halo, where the grid is cut cannot be seen: tiled equals whole, logits within 1e-6 and
/// the 8-bit output off by one level in at most 1 of 100000 voxels.
/// </summary>
public sealed class SeamTests(ITestOutputHelper output)
{
    private sealed record SeamCase(string Name, Int3 Volume, Int3 Tile, Int3[] Pool, Upsampling Upsample = Upsampling.Nearest, bool Residual = false);

    private static readonly Int3 Isotropic = new(2, 2, 2);
    private static readonly Int3 Planar = new(1, 2, 2);

    private static readonly SeamCase[] Cases =
    [
        new("two levels, odd volume", new(21, 37, 43), new(8, 16, 16), [Isotropic]),
        new("three levels, odd volume", new(29, 53, 47), new(16, 16, 32), [Isotropic, Isotropic]),
        new("three levels, tile as large as the volume but one", new(33, 31, 50), new(32, 32, 32), [Isotropic, Isotropic]),
        new("planar pooling, thin stack", new(6, 61, 45), new(2, 16, 24), [Planar, Planar]),
        new("mixed pooling", new(13, 41, 39), new(4, 16, 16), [Planar, Isotropic]),
        new("pooling by three", new(17, 40, 37), new(6, 18, 12), [new(1, 3, 3), new(2, 2, 2)]),
        new("transposed upsampling", new(19, 35, 33), new(8, 16, 16), [Isotropic], Upsampling.Transposed),
        new("residual", new(19, 35, 33), new(8, 16, 16), [Isotropic], Upsampling.Transposed3, Residual: true),
        new("one section, four levels", new(1, 70, 66), new(8, 40, 40), [Isotropic, Isotropic, Isotropic]),
    ];

    public static TheoryData<int> CaseNumbers => [.. Enumerable.Range(0, Cases.Length)];

    [Theory]
    [MemberData(nameof(CaseNumbers))]
    public void Infer_WhenTheHaloIsExact_TiledEqualsWhole(int number)
    {
        var c = Cases[number];
        output.WriteLine(c.Name);
        var architecture = new UNetArchitecture { Levels = c.Pool.Length + 1, FMaps = 6, Pool = c.Pool, Upsample = c.Upsample, Residual = c.Residual };
        var (reach, grid) = Reach.Of(architecture);
        using var folder = new TestFolder();
        using var network = Trained(architecture);
        using var session = new InferenceSession(network, "cpu", 2);
        var volume = NoisyVolume(folder, c.Volume);

        var whole = Logits(session, volume, Box3.Whole(c.Volume), reach, grid);
        var wholeGrey = Grey(session, volume, Box3.Whole(c.Volume), reach, grid);
        var tiles = new TileGrid(c.Volume, c.Tile);
        Assert.True(tiles.Count > 1);
        double worst = 0;
        long off = 0, farOff = 0, counted = 0;
        for (var t = 0; t < tiles.Count; t++)
        {
            var core = tiles.Core(t);
            var logits = Logits(session, volume, core, reach, grid);
            var grey = Grey(session, volume, core, reach, grid);
            ForEachVoxel(core, c.Volume, network.OutChannels, (inTile, inWhole) =>
            {
                worst = Math.Max(worst, Math.Abs(logits[inTile] - whole[inWhole]));
                var difference = Math.Abs(grey[inTile] - wholeGrey[inWhole]);
                off += difference > 0 ? 1 : 0;
                farOff += difference > 1 ? 1 : 0;
                counted++;
            });
        }

        output.WriteLine($"logits within {worst:E1}, {off} of {counted} levels differ");
        Assert.True(worst <= 1e-6 * Math.Max(1, Magnitude(whole)), $"logits differ by {worst}");
        Assert.True(off <= Math.Max(1, counted / 100_000), $"{off} of {counted} levels differ");
        Assert.Equal(0, farOff);
    }

    [Fact]
    public void Infer_WhenTheHaloIsTooSmall_SeamsShow()
    {
        // The seam test can fail: without its halo a tile knows nothing of its neighbours.
        var architecture = new UNetArchitecture { Levels = 2, FMaps = 6 };
        using var folder = new TestFolder();
        using var network = Trained(architecture);
        using var session = new InferenceSession(network, "cpu", 2);
        var shape = new Int3(21, 37, 43);
        var volume = NoisyVolume(folder, shape);
        var (reach, grid) = Reach.Of(architecture);
        var whole = Logits(session, volume, Box3.Whole(shape), reach, grid);
        var core = new TileGrid(shape, new Int3(8, 16, 16)).Core(4);
        var tile = Logits(session, volume, core, new Int3(2, 2, 2), grid);
        double worst = 0;
        ForEachVoxel(core, shape, network.OutChannels, (inTile, inWhole) => worst = Math.Max(worst, Math.Abs(tile[inTile] - whole[inWhole])));
        Assert.True(worst > 1e-3, $"logits differ by no more than {worst}");
    }

    [Fact]
    public void Infer_WhenRunTwice_GivesTheSameBytes()
    {
        var architecture = new UNetArchitecture { Levels = 3, FMaps = 8 };
        using var folder = new TestFolder();
        using var network = Trained(architecture);
        var volume = NoisyVolume(folder, new Int3(20, 40, 40));
        var (reach, grid) = Reach.Of(architecture);
        var core = new Box3(new Int3(0, 16, 16), new Int3(16, 16, 16));
        using var one = new InferenceSession(network, "cpu", 2);
        using var two = new InferenceSession(network, "cpu", 2);
        Assert.Equal(Logits(one, volume, core, reach, grid), Logits(two, volume, core, reach, grid));
    }

    // A few steps move the batch norm statistics away from their start, so that folding them is tested too.
    private static Network Trained(UNetArchitecture architecture)
    {
        using var fresh = Network.Create(architecture, 3, seed: 5);
        var (_, grid) = Reach.Of(architecture);
        var patch = Int3.Max(grid * new Int3(2, 2, 2), new Int3(8, 16, 16)).RoundUpTo(grid);
        var options = new TrainingOptions { Patch = patch, LearningRate = 0.01, Augmentation = AugmentationOptions.None };
        using var trainer = Trainer.Start(fresh, options, 5, null, VoxelSize.Unit, "cpu", 2);
        var random = new Random(11);
        var raw = new byte[patch.Count];
        var labels = new byte[patch.Count];
        for (var i = 0; i < 4; i++)
        {
            random.NextBytes(raw);
            for (var v = 0; v < labels.Length; v++)
                labels[v] = (byte)(raw[v] / 86);
            trainer.Step(new TrainingBlock { Voxels = raw, Labels = labels, Type = VoxelType.UInt8, Shape = patch, Mean = 120, Std = 60 }, CancellationToken.None);
        }

        return trainer.Snapshot();
    }

    private static OmeVolume NoisyVolume(TestFolder folder, Int3 shape)
    {
        var volume = OmeVolume.Create(folder["raw.zarr"], new OmeOptions { Shape = shape, Type = VoxelType.UInt16, Chunk = new Int3(8, 16, 16), VoxelSize = VoxelSize.Unit });
        var voxels = new ushort[shape.Count];
        var random = new Random(3);
        for (var i = 0; i < voxels.Length; i++)
            voxels[i] = (ushort)random.Next(65536);
        volume.Write(Box3.Whole(shape), MemoryMarshal.AsBytes(voxels.AsSpan()));
        return volume;
    }

    private static float[] Logits(InferenceSession session, OmeVolume volume, Box3 core, Int3 halo, Int3 grid)
    {
        var block = TilePlan.Block(core, halo, grid);
        var logits = new float[3 * core.Count];
        session.Logits(TileOf(volume, core, block), logits, CancellationToken.None);
        return logits;
    }

    private static byte[] Grey(InferenceSession session, OmeVolume volume, Box3 core, Int3 halo, Int3 grid)
    {
        var block = TilePlan.Block(core, halo, grid);
        var grey = new byte[3 * core.Count];
        session.Infer(TileOf(volume, core, block), grey, CancellationToken.None);
        return grey;
    }

    private static Tile TileOf(OmeVolume volume, Box3 core, Box3 block)
    {
        var voxels = new byte[block.Count * volume.Type.Bytes()];
        volume.ReadMirrored(block, voxels);
        return new Tile { Voxels = voxels, Type = volume.Type, Shape = block.Shape, CoreStart = core.Start - block.Start, CoreShape = core.Shape, Mean = 32768, Std = 18918 };
    }

    private static double Magnitude(float[] values) => values.Max(v => Math.Abs((double)v));

    private static void ForEachVoxel(Box3 core, Int3 volume, int channels, Action<long, long> compare)
    {
        for (var c = 0; c < channels; c++)
        {
            for (var z = 0; z < core.Shape.Z; z++)
            {
                for (var y = 0; y < core.Shape.Y; y++)
                {
                    for (var x = 0; x < core.Shape.X; x++)
                    {
                        var inTile = (((((long)c * core.Shape.Z) + z) * core.Shape.Y) + y) * core.Shape.X + x;
                        var inWhole = (((((long)c * volume.Z) + core.Start.Z + z) * volume.Y) + core.Start.Y + y) * volume.X + core.Start.X + x;
                        compare(inTile, inWhole);
                    }
                }
            }
        }
    }
}

/// <summary>A folder of its own for a test.</summary>
internal sealed class TestFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("teravox-test-").FullName;

    public string this[string name] => Path.Combine(_path, name);

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
