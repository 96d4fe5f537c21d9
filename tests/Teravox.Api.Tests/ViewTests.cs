// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Volumes;

namespace Teravox.Api.Tests;

/// <summary>What an experiment shows when it has ended: volumes, counts, losses.</summary>
public sealed class ViewTests(FinishedExperiment finished)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private HttpClient Http => finished.Server.Http;

    private string Folder => Path.Combine(finished.Server.StoreFolder, "experiments", $"{finished.Id}");

    [Fact]
    public async Task Views_WhenTheExperimentEnded_AreAllItsVolumes()
    {
        var views = await Http.ReadAsync(finished.Api + "/views").MustAsync<ViewsInfo>();
        var plan = await new ExperimentStore(finished.Server.Catalog, null, _ => Folder).PlanAsync(finished.Id, Ct);

        Assert.Equal((new Int3(8, 32, 32), plan.VoxelSize, plan.Train, plan.Test), (views.Shape, views.VoxelSize, views.Train, views.Test));
        Assert.Equal(plan.Classes.Classes.Select((c, id) => new ViewClass(id, c.Name, plan.Classes.ColourOf(id))), views.Classes);
        Assert.Equal(
            [
                ("raw", "image", null, 1, "uint8"), ("truth", "labels", null, 1, "uint8"),
                ("labels", "labels", "multiclass", 1, "uint8"), ("probabilities", "probabilities", "multiclass", plan.Classes.Count, "uint8"),
            ],
            views.Views.Select(v => (v.Name, v.Kind, v.Prediction, v.Channels, v.Type)));
        Assert.All(views.Views, v =>
        {
            Assert.True(v.Ready);
            Assert.Equal((Int3.Zero, $"{finished.Api}/views/{v.Name}"), (v.Start, v.Url));
            Assert.Equal(new ViewLevel("s0", views.Shape, views.VoxelSize, new Int3(8, 16, 16)), v.Levels[0]);
        });
    }

    [Fact]
    public async Task Views_WhenReadAsText_HaveNullsAndTriplesAsThePageExpects()
    {
        var views = await Http.ReadAsync(finished.Api + "/views").MustAsync<JsonElement>();

        var raw = views.GetProperty("views")[0];
        Assert.Equal(JsonValueKind.Null, raw.GetProperty("prediction").ValueKind);
        Assert.Equal("[0,0,0]", raw.GetProperty("start").GetRawText());
        Assert.Equal(3, views.GetProperty("train").GetProperty("shape").GetArrayLength());
    }

    [Fact]
    public async Task Views_WhenDownloaded_AreTheVolumesThatWereStored()
    {
        var views = await Http.ReadAsync(finished.Api + "/views").MustAsync<ViewsInfo>();
        string[] stored = [".teravox/raw.zarr", ".teravox/truth.zarr", "labels.zarr", "probabilities.zarr"];
        foreach (var (view, path) in views.Views.Zip(stored))
        {
            using var copy = await Downloaded.OfAsync(Http, view);
            var expected = OmeVolume.Open(Path.Combine(Folder, path));
            for (var channel = 0; channel < view.Channels; channel++)
            {
                Assert.Equal(Voxels(expected, channel), Voxels(copy.Volume, channel));
            }
        }
    }

    [Fact]
    public async Task Chunk_WhenAskedForAgain_IsNotSentTwice()
    {
        var path = finished.Api + "/views/labels/s0/0/0/0";
        using var first = await Http.ReadAsync(path);
        Assert.Equal("no-cache, private", first.Headers.CacheControl?.ToString());
        using var again = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { IfNoneMatch = { first.Headers.ETag! } } };
        using var unchanged = await Http.SendAsync(again, Ct);
        using var part = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Range = new RangeHeaderValue(4, 11) } };
        using var range = await Http.SendAsync(part, Ct);

        Assert.Equal((HttpStatusCode.NotModified, HttpStatusCode.PartialContent), (unchanged.StatusCode, range.StatusCode));
        Assert.Equal((await first.Content.ReadAsByteArrayAsync(Ct))[4..12], await range.Content.ReadAsByteArrayAsync(Ct));
    }

    [Fact]
    public async Task Chunk_WhenThereIsNone_Is404()
    {
        await Http.ReadAsync(finished.Api + "/views/labels/s0/0/0/9").MustFailAsync(404);
        await Http.ReadAsync(finished.Api + "/views/none/.zattrs").MustFailAsync(404);
        await Http.ReadAsync("/api/v1/experiments/99/views").MustFailAsync(404);
        await Http.ReadAsync("/api/v1/experiments/99/views/raw/.zattrs").MustFailAsync(404);
    }

    [Fact]
    public async Task Counts_WhenTheExperimentEnded_GiveTheScores()
    {
        var counts = await Http.ReadAsync(finished.Api + "/counts/multiclass").MustAsync<CountsInfo>();
        var scores = (await Http.ReadAsync(finished.Api + "/scores").MustAsync<ScoreReport>()).Predictions[0];

        Assert.Equal(scores.Classes.Select(c => c.Id), counts.Classes.Select(c => c.Id));
        foreach (var (score, count) in scores.Classes.Zip(counts.Classes))
        {
            foreach (var (curve, grey) in (ReadOnlySpan<(IReadOnlyList<double?>, GreyCounts)>)[(score.Curve, count.Test), (score.TrainCurve, count.Train)])
            {
                Assert.Equal((256, 256), (grey.Yes.Count, grey.No.Count));
                for (var t = 0; t < 256; t++)
                {
                    var (hits, wrong, missed) = (grey.Yes.Skip(t).Sum(), grey.No.Skip(t).Sum(), grey.Yes.Take(t).Sum());
                    Assert.Equal(curve[t], hits + wrong + missed == 0 ? null : 2.0 * hits / ((2 * hits) + wrong + missed));
                }
            }
        }

        await Http.ReadAsync(finished.Api + "/counts/none").MustFailAsync(404);
    }

    [Fact]
    public async Task Losses_WhenTheNetworkIsTrained_AreOfAllIterations()
    {
        var network = Assert.Single((await Http.ReadAsync(finished.Api + "/losses").MustAsync<LossesInfo>()).Networks);

        Assert.Equal(("multiclass", 2, 2, 2), (network.Name, network.Iterations, network.Done, network.Losses.Count));
        Assert.All(network.Losses, l => Assert.InRange(l, 0.001, 100));
    }

    [Fact]
    public async Task Progress_WhenRead_NamesWhatEachStageWaitsFor()
    {
        var progress = await Http.ReadAsync(finished.Api + "/progress").MustAsync<ExperimentProgress>();

        var names = progress.Stages.Select(s => s.Name).ToHashSet();
        Assert.Empty(progress.Stages[0].After);
        Assert.Equal(["train-multiclass"], progress.Stages.Single(s => s.Name == "infer-multiclass").After);
        Assert.All(progress.Stages.Skip(1), s => Assert.True(s.After.Count > 0 && s.After.All(names.Contains), s.Name));
    }

    private static byte[] Voxels(OmeVolume volume, int channel)
    {
        var voxels = new byte[volume.Shape.Count * volume.Type.Bytes()];
        volume.Read(Box3.Whole(volume.Shape), voxels, channel);
        return voxels;
    }
}

/// <summary>What an experiment shows while it runs.</summary>
public sealed class GrowingViewTests : IAsyncLifetime
{
    private Server server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => server = await Server.StartAsync();

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task Views_WhileLevelsAreWritten_HaveTheFinestAlone()
    {
        var (id, folder) = await SubmitWithPyramidAsync();
        var api = $"/api/v1/experiments/{id}";
        Assert.Empty((await server.Http.ReadAsync(api + "/views").MustAsync<ViewsInfo>()).Views);
        var raw = OmeVolume.Create(Path.Combine(folder, ".teravox", "raw.zarr"), new OmeOptions { Shape = new Int3(8, 32, 32), VoxelSize = new VoxelSize(8, 4, 4) });
        raw.AddLevels([new Int3(1, 2, 2)]);

        var view = Assert.Single((await server.Http.ReadAsync(api + "/views").MustAsync<ViewsInfo>()).Views);
        Assert.Equal(("raw", false, "s0"), (view.Name, view.Ready, Assert.Single(view.Levels).Path));
        Assert.Equal(1, await LevelsAsync(view));
        await Items.FinishAsync(server, id, "import");
        view = Assert.Single((await server.Http.ReadAsync(api + "/views").MustAsync<ViewsInfo>()).Views);
        Assert.Equal((true, 1, 1), (view.Ready, view.Levels.Count, await LevelsAsync(view)));
        foreach (var stage in (await server.Experiments.DescribeAsync(id, Ct))!.Stages.Where(s => s.Kind == "pyramid"))
            await Items.FinishAsync(server, id, stage.Name);
        view = Assert.Single((await server.Http.ReadAsync(api + "/views").MustAsync<ViewsInfo>()).Views);
        Assert.Equal(["s0", "s1"], view.Levels.Select(l => l.Path));
        Assert.Equal((new Int3(8, 16, 16), 2), (view.Levels[1].Shape, await LevelsAsync(view)));
    }

    [Fact]
    public async Task Losses_WhileANetworkTrains_AreThoseOfItsNewestCheckpoint()
    {
        var (id, folder) = await SubmitWithPyramidAsync();
        var losses = $"/api/v1/experiments/{id}/losses";
        var network = Assert.Single((await server.Http.ReadAsync(losses).MustAsync<LossesInfo>()).Networks);
        Assert.Equal((5000, 0, 0), (network.Iterations, network.Done, network.Losses.Count));

        var checkpoints = Directory.CreateDirectory(Path.Combine(folder, ".teravox", "checkpoints", "multiclass", "g0001")).FullName;
        Write("00001000.losses", 1000);
        Write("00001000.safetensors", 0);
        Write("00004000.losses", 4000);
        Write("00004000.safetensors", 0);

        // Not whole yet: its weights come last.
        Write("00005000.losses", 5000);
        Write(".tmp-9.losses", 1);
        network = Assert.Single((await server.Http.ReadAsync(losses).MustAsync<LossesInfo>()).Networks);
        Assert.Equal((4000, 2000), (network.Done, network.Losses.Count));

        // Two iterations a span, with the losses 0, 1, 2 ...
        Assert.Equal([0.5, 2.5, 4.5], network.Losses.Take(3));

        void Write(string name, int count) => File.WriteAllBytes(
            Path.Combine(checkpoints, name), MemoryMarshal.AsBytes<float>(Enumerable.Range(0, count).Select(i => (float)i).ToArray()).ToArray());
    }

    [Fact]
    public async Task Counts_BeforeATileIsDone_AreNone()
    {
        var (id, _) = await SubmitWithPyramidAsync();

        await server.Http.ReadAsync($"/api/v1/experiments/{id}/counts/multiclass").MustFailAsync(404);
    }

    // An experiment that no silo runs, with a stage that writes coarser levels after its import.
    private async Task<(long Id, string Folder)> SubmitWithPyramidAsync()
    {
        var spec = Specs.Tiny(iterations: 5000, data: """{"phantom": {"shape": [8, 32, 512], "seed": 1}}""");
        var info = await server.Http.PostJsonAsync("/api/v1/experiments", new { spec }).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
        var plan = await new ExperimentStore(server.Catalog, null, _ => "").PlanAsync(info.Id, Ct);
        var experiment = StageGraph.Prepare(plan);
        var stages = experiment.Stages.Where(s => s.Kind != "pyramid").Select(s => s with { After = [.. s.After.Where(a => !a.StartsWith("pyramid", StringComparison.Ordinal))] });
        var id = (await server.Experiments.SubmitAsync([experiment with { Stages = [.. stages, new NewStage("pyramid-1", "pyramid", ["import"], """{"level": 1}""")] }], Ct))[0];
        return (id, Path.Combine(server.StoreFolder, "experiments", $"{id}"));
    }

    private async Task<int> LevelsAsync(ViewInfo view) =>
        (await server.Http.ReadAsync(view.Url + "/.zattrs").MustAsync<JsonElement>()).GetProperty("multiscales")[0].GetProperty("datasets").GetArrayLength();
}
