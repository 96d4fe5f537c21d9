// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains.Resolution;
using Teravox.Networks;
using Teravox.Volumes;

namespace Teravox.Grains.Tests;

/// <summary>Sections degraded, brought back and compared, and what networks make of them: the presets from import to report.</summary>
public sealed class ResolutionTests
{
    // Sides that no scale divides; a network and a super-resolution that learn next to nothing, fast.
    private const string Tiny = """
        "name": "tiny", "seed": 7, "data": { "phantom": { "shape": [10, 45, 51] } },
        "network": { "levels": 2, "fMaps": 4 }, "training": { "iterations": 4, "patch": [4, 16, 16] },
        "inference": { "tile": [16, 32, 32] }, "storage": { "chunk": [8, 16, 16] }
        """;

    private const string Fast = "\"superResolve\": { \"maxIterations\": 8, \"crop\": 24, \"ensemble\": false }";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Table5_FromImportToReport_ComparesTheTestSectionsInThreeResolutions()
    {
        await using var run = await SmallRun.SubmitAsync($$"""{ {{Tiny}}, {{Fast}}, "preset": "table5", "degrade": { "scale": [2, 1.5], "kernel": "gaussian", "noise": 2 } }""");
        await run.FinishAsync();

        // 1. The low-resolution volume says how it was made.
        var low = run.Folder.Volume(run.Plan, run.Plan.Volume(VolumeNames.LowRes));
        var degradation = Degradations.Of(low)!;
        Assert.Equal(new Int3(3, 22, 34), OmeVolume.Open(low).Shape);
        Assert.Equal((new Scale(2, 1.5), Reduction.Gaussian, 2), (degradation.Scale, degradation.Kernel, degradation.Noise));

        // 2. Bicubic enlargement of what is in it.
        var (from, to) = ((22, 34), (45, 51));
        var enlarged = new float[45 * 51];
        Resampler.Enlarge(Sections.ToGrey(Section(low, 1), VoxelType.UInt8), from, to, enlarged);
        Assert.Equal(Sections.ToVoxels(enlarged, VoxelType.UInt8), Section(run.Folder.Volume(run.Plan, run.Plan.Volume(VolumeNames.Lr)), 1));

        // 3. Every section compared, under its number in the original.
        var qualities = await run.Store.ResultsAsync<CompareGrain.SectionQuality>(run.Id, StageNames.Compare, Ct);
        Assert.Equal([7, 8, 9], qualities.OrderBy(q => q.Key).Select(q => q.Value.Section));
        Assert.All(qualities.Values, q => Assert.True(q.Lr is { Psnr: > 10 and < 60, Ssim: > 0 and < 1 } && q.Boosted is { Psnr: > 10 and < 60, Ssim: > 0 and < 1 }));
        var sections = await run.Store.ResultsAsync<SuperResolveGrain.Result>(run.Id, StageNames.SuperResolve, Ct);
        Assert.All(sections.Values, r => Assert.Equal(8, Assert.Single(r.Sections).Iterations));

        // 4. Thresholds are the model's own, and every prediction is of the test sections.
        var scores = File.ReadAllText(Path.Combine(run.Folder.Root, "scores.csv"));
        Assert.All(["original", "lr", "boosted"], p => Assert.Contains(p, scores, StringComparison.Ordinal));
        Assert.All(["original", "lr", "boosted"], p => Assert.Equal(new Int3(3, 45, 51), OmeVolume.Open(run.Folder.Labels(p)).Shape));
        Assert.False(Directory.Exists(run.Folder.Probabilities("train")));
        Assert.Equal(
            await run.Store.SumsAsync(run.Id, StageNames.Infer("multiclass"), Ct) is { } counts ? counts.Keys.Order() : [],
            [TileGrain.TrainGreySum]);
    }

    [Fact]
    public async Task Table6_FromImportToReport_TrainsOnEitherVolumeAndScoresOnTheOriginal()
    {
        await using var run = await SmallRun.SubmitAsync($$"""{ {{Tiny}}, {{Fast}}, "preset": "table6" }""");
        await run.FinishAsync();
        Assert.Equal(new Int3(7, 45, 51), OmeVolume.Open(run.Folder.Volume(run.Plan, run.Plan.Volume(VolumeNames.Boosted))).Shape);
        foreach (var volume in (string[])[VolumeNames.Lr, VolumeNames.Boosted])
        {
            var path = run.Folder.Model("multiclass-" + volume);
            using var network = Network.Load(path);
            var card = Cards.Read(network, path)!;
            Assert.Equal((volume, 8), (card.Volume, card.Thresholds!.Count));
            Assert.Equal(new Int3(3, 45, 51), OmeVolume.Open(run.Folder.Labels(volume)).Shape);

            // Thresholds come from the network's own training sections alone, scores from the original's test sections alone.
            Assert.Equal([TileGrain.TrainGreySum], (await run.Store.SumsAsync(run.Id, StageNames.Infer("multiclass-" + volume), Ct)).Keys);
            Assert.Equal([TileGrain.TestGreySum], (await run.Store.SumsAsync(run.Id, StageNames.Infer(volume), Ct)).Keys);
        }

        // The two differ in what they were trained on, and each is normalised by its own statistics.
        Assert.NotEqual(File.ReadAllBytes(run.Folder.Model("multiclass-lr")), File.ReadAllBytes(run.Folder.Model("multiclass-boosted")));
        Assert.NotEqual(await run.Store.NormalisationAsync(run.Id, VolumeNames.Lr, Ct), await run.Store.NormalisationAsync(run.Id, VolumeNames.Boosted, Ct));
        Assert.Equal(3 * 45 * 51, (await run.Store.HistogramAsync(run.Id, VolumeNames.Test, Ct)).Total);
        Assert.Equal(10 * 45 * 51, (await run.Store.HistogramAsync(run.Id, VolumeNames.Original, Ct)).Total);
    }

    [Theory]
    [InlineData("table5", 2)]
    [InlineData("table6", 3)]
    public async Task Run_OverSeveralSilosThatStopInMidWork_LeavesTheBytesOfAnUnbrokenRun(string preset, int silos)
    {
        var spec = $$"""{ {{Tiny}}, {{Fast}}, "preset": "{{preset}}", "degrade": { "noise": 3 } }""";
        await using var unbroken = await SmallRun.SubmitAsync(spec);
        await unbroken.FinishAsync();
        await using var broken = await SmallRun.SubmitAsync(spec);

        // A silo that is stopped while it super-resolves gives the section back; what it has begun is begun anew.
        for (var stops = 0; stops < 2; stops++)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
            await broken.WorkAsync(stop.Token, what =>
            {
                if (what is ItemProgressed { Stage: StageNames.SuperResolve })
                    stop.Cancel();
            });
            Assert.True(stop.IsCancellationRequested);
        }

        await broken.FinishAsync(silos);
        broken.MustLeaveTheFilesOf(unbroken);
    }

    [Fact]
    public async Task SuperResolve_OfADegradedVolume_UndoesWhatItRecordsAndFitsTheOriginal()
    {
        await using var table = await SmallRun.SubmitAsync($$"""{ {{Tiny}}, {{Fast}}, "preset": "table5", "degrade": { "scale": [2, 1.5], "kernel": "gaussian" } }""");
        await table.FinishAsync();
        await using var run = await SmallRun.SubmitAsync($$"""{ "name": "up", "seed": 7, "preset": "super-resolve", "data": "lowres.zarr", {{Fast}} }""", table.Folder.Root);
        await run.FinishAsync();
        var boosted = OmeVolume.Open(Path.Combine(run.Folder.Root, "boosted.zarr"));
        Assert.Equal((new Int3(3, 45, 51), new VoxelSize(10, 10, 10)), (boosted.Shape, boosted.VoxelSize));
        Assert.Contains(await run.LinesAsync(), l => l.Contains("reduced by gaussian, as the volume records", StringComparison.Ordinal));
        Assert.True(File.Exists(run.Folder.Provenance));

        // Bicubic enlargement depends on nothing but the section.
        Assert.Equal(Section(Path.Combine(table.Folder.Root, "lr.zarr"), 2), Section(Path.Combine(run.Folder.Root, "lr.zarr"), 2));
    }

    [Fact]
    public async Task SuperResolve_InChains_StartsEachSectionButTheFirstFromItsNeighbour()
    {
        await using var single = await SmallRun.SubmitAsync(Spec(1));
        await single.FinishAsync();
        await using var chained = await SmallRun.SubmitAsync(Spec(3));
        await chained.FinishAsync(devices: 2);
        var results = await chained.Store.ResultsAsync<SuperResolveGrain.Result>(chained.Id, StageNames.SuperResolve, Ct);
        Assert.Equal([[0, 1, 2], [3, 4, 5], [6, 7]], results.OrderBy(r => r.Key).Select(r => r.Value.Sections.Select(s => s.Section)));
        Assert.All(results.Values.SelectMany(r => r.Sections), s => Assert.False(s.FellBack));
        var same = Enumerable.Range(0, 8).Where(z => Section(Boosted(single), z).SequenceEqual(Section(Boosted(chained), z)));
        Assert.Equal([0, 3, 6], same);

        string Spec(int chain) => $$"""
            { "name": "c", "preset": "super-resolve", "data": { "phantom": { "shape": [8, 16, 16] } },
              "superResolve": { "maxIterations": 130, "crop": 16, "ensemble": false, "chain": {{chain}} } }
            """;

        static string Boosted(SmallRun run) => Path.Combine(run.Folder.Root, "boosted.zarr");
    }

    private static byte[] Section(string volume, int section)
    {
        var stored = OmeVolume.Open(volume);
        var voxels = new byte[stored.Shape.Y * stored.Shape.X * stored.Type.Bytes()];
        stored.Read(new Box3(new Int3(section, 0, 0), stored.Shape with { Z = 1 }), voxels);
        return voxels;
    }
}
