// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Grains;
using Teravox.Volumes;
using VolumeStatistics = Teravox.Contracts.Api.VolumeStatistics;

namespace Teravox.Api.Tests;

/// <summary>Volumes, models and silos.</summary>
public sealed class CatalogueTests : IAsyncLifetime
{
    private const string Volumes = "/api/v1/volumes";
    private Server server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => server = await Server.StartAsync();

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task Volume_WhenRegistered_IsShownAsItIs()
    {
        Stacks.Write(Path.Combine(server.Root, "stack"));
        var made = await server.Http.PostJsonAsync(Volumes, new RegisterVolume { Name = "v", Path = "stack", VoxelSize = new VoxelSize(40, 8, 8) }).MustAsync<VolumeInfo>(HttpStatusCode.Created);
        Assert.Equal(new Int3(8, 32, 48), made.Shape);
        Assert.Equal(made, await server.Http.ReadAsync(Volumes + "/v").MustAsync<VolumeInfo>());
        Assert.Equal(made, Assert.Single((await server.Http.ReadAsync(Volumes).MustAsync<Page<VolumeInfo>>()).Items));
        await server.Http.PostJsonAsync(Volumes, new RegisterVolume { Name = "v", Path = "stack" }).MustFailAsync(409);

        // The pictures hold what the slices hold.
        var raw = ImageCodec.Decode(await server.Http.GetByteArrayAsync(Volumes + "/v/slices/5.png", Ct), "raw");
        Assert.Equal(ImageCodec.Decode(Stacks.Slice(5), "slice").Data, raw.Data);
        var labels = ImageCodec.Decode(await server.Http.GetByteArrayAsync(Volumes + "/v/slices/5.png?labels=true&max=16", Ct), "labels");
        Assert.Equal((16, 11, PixelKind.Palette8), (labels.Width, labels.Height, labels.Kind));
        Assert.Equal([1, 0], labels.Data.Distinct());
        await server.Http.ReadAsync(Volumes + "/v/slices/8.png").MustFailAsync(404);
        await server.Http.ReadAsync(Volumes + "/v/slices/0.png?max=5000").MustFailAsync(422);
        await server.Http.ReadAsync(Volumes + "/none/slices/0.png").MustFailAsync(404);

        var statistics = await server.Http.ReadAsync(Volumes + "/v/statistics").MustAsync<VolumeStatistics>();
        Assert.Equal((8, 8L * 32 * 48), (statistics.Slices, statistics.Histogram.Sum()));
        var expected = Enumerable.Range(0, 8).SelectMany(z => ImageCodec.Decode(Stacks.Slice(z), "s").Data).ToList();
        Assert.Equal(expected.Average(b => (double)b), statistics.Mean, 9);
        Assert.Equal(statistics.Histogram, (await server.Http.ReadAsync(Volumes + "/v/statistics").MustAsync<VolumeStatistics>()).Histogram);

        // The files under a root are not the silo's to delete.
        await server.Http.RemoveAsync(Volumes + "/v").MustSucceedAsync();
        await server.Http.RemoveAsync(Volumes + "/v").MustFailAsync(404);
        Assert.True(File.Exists(Path.Combine(server.Root, "stack", "raw", "000.png")));
    }

    [Fact]
    public async Task Slice_WhenTheVolumeHas16Bits_IsStretched()
    {
        Directory.CreateDirectory(Path.Combine(server.Root, "deep"));
        for (var z = 0; z < 3; z++)
            File.WriteAllBytes(Path.Combine(server.Root, "deep", $"{z}.png"), Stacks.DeepSlice(z));
        var made = await server.Http.PostJsonAsync(Volumes, new RegisterVolume { Name = "deep", Path = "deep" }).MustAsync<VolumeInfo>(HttpStatusCode.Created);
        Assert.Equal(VoxelType.UInt16, made.Type);

        var image = ImageCodec.Decode(await server.Http.GetByteArrayAsync(Volumes + "/deep/slices/1.png", Ct), "deep");
        Assert.Equal((PixelKind.Grey8, 0, 255), (image.Kind, image.Data.Min(), image.Data.Max()));
        await server.Http.ReadAsync(Volumes + "/deep/slices/1.png?labels=true").MustFailAsync(404);
    }

    [Fact]
    public async Task Volume_WhenItIsBroken_IsRefusedWithTheSlice()
    {
        var folder = Stacks.Write(Path.Combine(server.Root, "stack"));
        File.WriteAllBytes(Path.Combine(folder, "raw", "004.png"), Stacks.Slice(4, height: 31));
        var problem = await server.Http.PostJsonAsync(Volumes, new RegisterVolume { Name = "v", Path = "stack" }).MustFailAsync(422);
        Assert.Contains("004.png", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);

        Stacks.Write(folder);
        File.WriteAllText(Path.Combine(folder, "classes.json"), Stacks.ClassMap.Replace("200", "201", StringComparison.Ordinal));
        problem = await server.Http.PostJsonAsync(Volumes, new RegisterVolume { Name = "v", Path = "stack" }).MustFailAsync(422);
        Assert.Contains("200", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        await server.Http.PostJsonAsync(Volumes, new { name = "v", path = "stack", voxelSize = new[] { 0, 1, 1 } }).MustFailAsync(422);
        await server.Http.PostJsonAsync(Volumes, new { name = "v", path = "stack", voxelSize = new[] { 1, 1 } }).MustFailAsync(400);
        await server.Http.PostJsonAsync(Volumes, new { name = "v", path = (string?)null }).MustFailAsync(400);
        Assert.Empty((await server.Http.ReadAsync(Volumes).MustAsync<Page<VolumeInfo>>()).Items);
    }

    [Fact]
    public async Task Silos_WhenOneHasJoined_TellsWhatItIs()
    {
        var scheduler = server.Grains.GetGrain<ISchedulerGrain>(ISchedulerGrain.Key);
        await scheduler.JoinAsync(new SiloEntry(server.Name, null, "machine", "1", [new DeviceInfo("cpu", 2, 1, 100)], ["disk=fast"], ["import"]));
        Assert.True((await scheduler.BeatAsync(new SiloBeat(server.Name, new SiloLoad { ItemsDone = 7, ItemsPerSecond = 0.5 }, []))).IsKnown);
        var silo = Assert.Single(await server.Http.ReadAsync("/api/v1/silos").MustAsync<List<SiloInfo>>());
        Assert.Equal((server.Name, true, 7L), (silo.Name, silo.Alive, silo.Status.ItemsDone));
        Assert.Equal(new DeviceInfo("cpu", 2, 1, 100), Assert.Single(silo.Devices));
        using var metrics = await server.Http.ReadAsync("/metrics");
        Assert.Contains($"teravox_silo_items_done_total{{silo=\"{server.Name}\"}} 7", await metrics.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }
}

/// <summary>Models and campaigns, on what a real experiment left.</summary>
public sealed class ModelTests(FinishedExperiment finished)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Model_WhenRegisteredFromAnExperiment_CanBeUsedAndFetched()
    {
        var http = finished.Server.Http;
        var made = await http.PostJsonAsync("/api/v1/models", new RegisterModel { Name = "m", Experiment = finished.Id, Network = "multiclass" }).MustAsync<ModelInfo>(HttpStatusCode.Created);
        var file = await http.GetByteArrayAsync("/api/v1/models/m/file", Ct);
        Assert.Equal(made.Sha256, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(file)));
        Assert.Equal(("multiclass", finished.Id), (made.Card!.Name, made.Experiment));
        Assert.Equal("m", (await http.ReadAsync("/api/v1/models/m").MustAsync<ModelInfo>()).Name);
        Assert.Contains((await http.ReadAsync("/api/v1/models").MustAsync<Page<ModelInfo>>()).Items, m => m.Name == "m");

        await http.PostJsonAsync("/api/v1/models", new RegisterModel { Name = "m", Experiment = finished.Id, Network = "multiclass" }).MustFailAsync(409);
        await http.PostJsonAsync("/api/v1/models", new RegisterModel { Name = "x", Experiment = finished.Id, Network = "../multiclass" }).MustFailAsync(422);
        await http.PostJsonAsync("/api/v1/models", new RegisterModel { Name = "x", Experiment = 99, Network = "multiclass" }).MustFailAsync(404);
        await http.PostJsonAsync("/api/v1/models", new RegisterModel { Name = "x" }).MustFailAsync(422);
        File.WriteAllText(Path.Combine(finished.Server.Root, "bad.safetensors"), "no model");
        await http.PostJsonAsync("/api/v1/models", new RegisterModel { Name = "x", Path = "bad.safetensors" }).MustFailAsync(422);
        Assert.Single(Directory.EnumerateFiles(Path.Combine(finished.Server.StoreFolder, "models")));

        var spec = JsonElement.Parse("""{"name": "s", "preset": "segment", "data": {"phantom": {"shape": [8, 32, 32]}}, "model": "model:m"}""");
        var experiment = await http.PostJsonAsync("/api/v1/experiments", new { spec }).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
        Assert.Equal(made.Path, (await http.ReadAsync($"/api/v1/experiments/{experiment.Id}/spec").MustAsync<ExperimentSpec>()).Model);
    }
}
