// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Teravox.Contracts;
using Teravox.Contracts.Work;
using Teravox.Grains.Spec;
using Teravox.Testing;
using Teravox.Volumes;

namespace Teravox.Grains.Tests;

/// <summary>Coarser levels, from the experiment's stages to the voxels.</summary>
public sealed class PyramidTests
{
    // Long enough for two levels of several tiles each (a chunk this large is a tile), small enough to be done in seconds; sides
    // that nothing divides.
    private const string Long = """
        "name": "long", "seed": 7, "data": { "phantom": { "shape": [10, 19, 521] } }, "voxelSize": [20, 10, 10],
        "network": { "levels": 2, "fMaps": 4 }, "training": { "iterations": 4, "patch": [4, 8, 16] },
        "storage": { "chunk": [128, 128, 128] }
        """;

    private const string Fast = "\"superResolve\": { \"maxIterations\": 8, \"crop\": 16, \"ensemble\": false }, \"degrade\": { \"scale\": [1, 2] }";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Train_OfALargeVolume_LeavesTheLevelsOfRawTruthAndLabels()
    {
        await using var run = await SmallRun.SubmitAsync($$"""{ {{Long.Replace("\"iterations\": 4", "\"iterations\": 80, \"learningRate\": 0.01", StringComparison.Ordinal)}}, "preset": "train" }""");
        await run.FinishAsync();
        Int3[] shapes = [new(10, 19, 521), new(10, 10, 261), new(5, 5, 131)];
        CheckLevels(run.Folder.Raw(run.Plan), isLabels: false, shapes);
        CheckLevels(run.Folder.Truth, isLabels: true, shapes);
        CheckLevels(run.Folder.Labels("multiclass"), isLabels: true, shapes);
        Assert.Equal(1, OmeVolume.Open(run.Folder.Probabilities("multiclass")).Levels);

        // There is something to see: a network that calls one class everywhere would make any rule right.
        Assert.All([run.Folder.Raw(run.Plan), run.Folder.Truth, run.Folder.Labels("multiclass")], v => Assert.True(Whole(OmeVolume.Open(v, 2)).Distinct().Count() > 1, v));

        Assert.Equal([3 * 3, 3 * 2], (await run.StatusAsync()).Stages.Where(s => s.Kind == "pyramid").Select(s => s.Items));
    }

    [Fact]
    public async Task Table5_OfALargeVolume_LeavesTheLevelsOfWhatWasEnlargedToo()
    {
        await using var run = await SmallRun.SubmitAsync($$"""{ {{Long}}, {{Fast}}, "preset": "table5" }""");
        await run.FinishAsync();
        Int3[] test = [new(3, 19, 521), new(3, 10, 261), new(2, 5, 131)];
        CheckLevels(Path.Combine(run.Folder.Root, "lr.zarr"), isLabels: false, test);
        CheckLevels(Path.Combine(run.Folder.Root, "boosted.zarr"), isLabels: false, test);
        Assert.All(run.Plan.Scored(), p => CheckLevels(run.Folder.Labels(p), isLabels: true, test));
        Assert.Equal(1, OmeVolume.Open(Path.Combine(run.Folder.Root, "lowres.zarr")).Levels);
    }

    [Fact]
    public async Task SuperResolve_OfARawThatIsReadInPlace_LeavesItAsItIs()
    {
        using var folder = new TestFolder();
        var shape = new Int3(2, 18, 300);
        var raw = OmeVolume.Create(folder["raw.zarr"], new OmeOptions { Shape = shape, Type = VoxelType.UInt16, Chunk = new Int3(2, 8, 64), VoxelSize = new VoxelSize(40, 8, 8) });
        var voxels = new byte[shape.Count * 2];
        new Random(5).NextBytes(voxels);
        raw.Write(Box3.Whole(shape), voxels);
        await using var run = await SmallRun.SubmitAsync("""{ "name": "up", "preset": "super-resolve", "data": "raw.zarr", "superResolve": { "maxIterations": 8, "crop": 16, "ensemble": false } }""", folder["."]);
        await run.FinishAsync(devices: 2);
        Assert.Equal(1, OmeVolume.Open(folder["raw.zarr"]).Levels);
        CheckLevels(Path.Combine(run.Folder.Root, "boosted.zarr"), isLabels: false, [new(2, 36, 600), new(2, 18, 300), new(2, 9, 150)]);
        CheckLevels(Path.Combine(run.Folder.Root, "lr.zarr"), isLabels: false, [new(2, 36, 600), new(2, 18, 300), new(2, 9, 150)]);
    }

    [Fact]
    public async Task Run_OverSilosThatStopInThePyramid_LeavesTheBytesOfAnUnbrokenRun()
    {
        var spec = $$"""{ {{Long}}, "preset": "train" }""";
        await using var unbroken = await SmallRun.SubmitAsync(spec);
        await unbroken.FinishAsync();
        await using var broken = await SmallRun.SubmitAsync(spec);
        foreach (var stage in (string[])["pyramid-1", "pyramid-1", "pyramid-2"])
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
            await broken.WorkAsync(stop.Token, what =>
            {
                if (what is ItemStarted started && started.Stage == stage)
                    stop.Cancel();
            });
            Assert.True(stop.IsCancellationRequested, $"no item of {stage} was begun");
        }

        await broken.FinishAsync(devices: 2);
        broken.MustLeaveTheFilesOf(unbroken);
        Assert.Equal(Files(unbroken.Folder.Raw(unbroken.Plan)), Files(broken.Folder.Raw(broken.Plan)));
    }

    [Fact]
    public async Task RunAsync_OfEveryTileTwice_LeavesTheSameBytesInAnyOrder()
    {
        await using var run = await SmallRun.SubmitAsync($$"""{ {{Long}}, "preset": "train" }""");
        await run.FinishAsync();
        var labels = run.Folder.Labels("multiclass");
        var before = Files(labels);
        foreach (var level in (int[])[2, 1])
            Directory.Delete(Path.Combine(labels, $"s{level}"), recursive: true);

        // As a silo finds the volume that is the first to come: its finest level alone.
        var attributes = OmeVolume.Open(labels).ReadAttributes();
        var datasets = attributes["multiscales"]![0]!["datasets"]!.AsArray();
        datasets.RemoveAt(2);
        datasets.RemoveAt(1);
        File.WriteAllText(Path.Combine(labels, ".zattrs"), attributes.ToJsonString(TeravoxJson.Indented) + "\n");

        var grain = new PyramidGrain(new RunningWork(), run.Store);
        foreach (var level in (int[])[1, 1, 2, 2])
        {
            var count = PyramidPlan.CountTiles(run.Plan, level);
            foreach (var index in Enumerable.Range(0, count).Reverse())
                await grain.RunAsync(Turn(run, level, index), Ct);
        }

        Assert.Equal(before, Files(labels));
    }

    [Theory]
    [InlineData(64, 1)]
    [InlineData(256, 1)]
    [InlineData(1100, 60)]
    public void Tile_OverAllItemsOfALevel_WritesEveryVoxelOnce(int side, int least)
    {
        var plan = SpecCheck.Plan(
            SpecFile.Parse($$"""{ "name": "a", "preset": "table4", "voxelSize": [9, 8, 4], "data": { "phantom": { "shape": [40, {{side}}, {{side}}] } }, "storage": { "chunk": [8, 64, 64] }, "inference": { "tile": [64, 64, 64] }, "network": { "levels": 2 } }""", "spec", "/"),
            null,
            Ct);
        var volumes = PyramidPlan.Of(plan);
        Assert.Equal(side <= 256 ? 0 : 4, volumes.Count);
        Assert.Equal(0, PyramidPlan.CountTiles(plan, 1 + volumes.Select(v => v.Factors.Count).DefaultIfEmpty().Max()));
        var tiles = 0;
        for (var level = 1; PyramidPlan.CountTiles(plan, level) is > 0 and var count; level++)
        {
            var voxels = new Dictionary<string, long>();
            for (var index = 0; index < count; index++, tiles++)
            {
                var (volume, core) = PyramidPlan.Tile(plan, level, index);
                var path = volume.PathIn(new ExperimentFolder("/e"));
                voxels[path] = voxels.GetValueOrDefault(path) + core.Count;
                Assert.True(Box3.Whole(volume.Shapes[level]).Contains(core));
            }

            Assert.Equal(["/e/.teravox/raw.zarr", "/e/.teravox/truth.zarr", "/e/labels-binary.zarr", "/e/labels.zarr"], voxels.Keys.Order(StringComparer.Ordinal));
            Assert.All(voxels.Values, v => Assert.Equal(volumes[0].Shapes[level].Count, v));
            Assert.Throws<ArgumentOutOfRangeException>(() => PyramidPlan.Tile(plan, level, count));
        }

        Assert.True(side <= 256 ? tiles == 0 : tiles >= least, $"{tiles} tiles");
    }

    private static WorkTurn Turn(SmallRun run, int level, int index)
    {
        var stage = new StagePlan(run.Id, StageNames.Pyramid(level), 0, PyramidGrain.KindName, $$"""{ "level": {{level}} }""", new WorkNeeds(), index + 1, 3, 5);
        return new WorkTurn(new WorkItem(stage, index, 1, false), "cpu", 1, static _ => { }, Ct);
    }

    /// <summary>SHA-256 of every file of a volume, by path.</summary>
    private static SortedDictionary<string, string> Files(string volume) => new(
        Directory.EnumerateFiles(volume, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None })
            .ToDictionary(f => Path.GetRelativePath(volume, f), f => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(f)))),
        StringComparer.Ordinal);

    /// <summary>Every level is what the slow way makes of the one above it.</summary>
    private static void CheckLevels(string path, bool isLabels, Int3[] shapes)
    {
        var finest = OmeVolume.Open(path);
        Assert.Equal(shapes, Enumerable.Range(0, finest.Levels).Select(level => OmeVolume.Open(path, level).Shape));
        for (var level = 1; level < finest.Levels; level++)
        {
            var (above, own) = (OmeVolume.Open(path, level - 1), OmeVolume.Open(path, level));
            var factor = Pyramid.Factors(finest.Shape, finest.VoxelSize)[level - 1];
            Assert.Equal(new VoxelSize(above.VoxelSize.Z * factor.Z, above.VoxelSize.Y * factor.Y, above.VoxelSize.X * factor.X), own.VoxelSize);
            Assert.True(NaiveLevels.Reduce(Whole(above), above.Type, above.Shape, factor, isLabels).AsSpan().SequenceEqual(Whole(own)), $"level {level} of {path}");
        }
    }

    private static byte[] Whole(OmeVolume volume)
    {
        var voxels = new byte[volume.Shape.Count * volume.Type.Bytes()];
        volume.Read(Box3.Whole(volume.Shape), voxels);
        return voxels;
    }
}
