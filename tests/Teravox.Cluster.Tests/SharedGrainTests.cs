// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Catalog;
using Teravox.Volumes;
using VolumeStatistics = Teravox.Contracts.Api.VolumeStatistics;

namespace Teravox.Cluster.Tests;

/// <summary>Volumes, campaigns and submissions: each has one grain in the cluster, whichever silo is asked.</summary>
public sealed class SharedGrainTests(Database database)
{
    private const string Spec = """
        {
          "name": "tiny", "seed": 1, "preset": "train", "data": { "phantom": { "shape": [8, 32, 32], "seed": 1 } },
          "network": { "levels": 2, "fMaps": 4 }, "training": { "iterations": 2, "patch": [8, 16, 16] },
          "inference": { "tile": [8, 16, 16] }, "storage": { "chunk": [8, 16, 16] }
        }
        """;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_WhenTwoSilosGetThemAtOnce_AreDoneOnce()
    {
        await using var cluster = await database.NewAsync();
        var root = Directory.CreateTempSubdirectory("teravox-root-").FullName;
        var shape = new Int3(4, 16, 16);
        byte[] voxels = [.. Enumerable.Range(0, (int)shape.Count).Select(static i => (byte)i)];
        OmeVolume.Create(Path.Combine(root, "brain.zarr"), new OmeOptions { Shape = shape, Chunk = shape }).Write(Box3.Whole(shape), voxels);
        var silos = Enumerable.Range(0, 2).Select(_ => cluster.Start("--urls", "http://127.0.0.1:0", "--root", root)).ToList();
        var clients = new List<HttpClient>();
        foreach (var silo in silos)
        {
            await silo.WaitForAsync("ready", null, Ct);
            clients.Add(new HttpClient { BaseAddress = new Uri((await silo.WaitForAsync("listening", null, Ct)).GetProperty("url").GetString()!) });
        }

        // 1. A campaign is made once, and both are told all of it.
        var campaign = new NewCampaign
        {
            Name = "both",
            Spec = JsonElement.Parse(Spec),
            Grid = new Dictionary<string, IReadOnlyList<JsonElement>> { ["training.iterations"] = [JsonElement.Parse("1"), JsonElement.Parse("2")] },
        };
        var made = await BothAsync<CampaignInfo>(clients, http => http.PostAsJsonAsync("/api/v1/campaigns", campaign, TeravoxJson.Compact, Ct));
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Created], made.Select(a => a.Status).Order());
        Assert.Equal(2, (await cluster.Catalog.ListAsync(new ExperimentQuery(), Ct)).Count);
        Assert.Equal(made[0].Body.Experiments.Select(e => e.Id), made[1].Body.Experiments.Select(e => e.Id));

        // 2. One of two registrations is refused, with its field.
        var volume = new RegisterVolume { Name = "brain", Path = "brain.zarr" };
        var registered = await BothAsync<JsonElement>(clients, http => http.PostAsJsonAsync("/api/v1/volumes", volume, TeravoxJson.Compact, Ct));
        Assert.Equal([HttpStatusCode.Created, HttpStatusCode.Conflict], registered.Select(a => a.Status).Order());
        Assert.Equal("name", registered.Single(a => a.Status == HttpStatusCode.Conflict).Body.GetProperty("field").GetString());

        // 3. Both are told the statistics that one of them has read, and that the volume is gone.
        var statistics = await BothAsync<VolumeStatistics>(clients, http => http.GetAsync("/api/v1/volumes/brain/statistics", Ct));
        Assert.All(statistics, s => Assert.Equal((4, voxels.Average(static v => (double)v)), (s.Body.Slices, s.Body.Mean)));
        Assert.Equal(statistics[0].Body.Histogram, statistics[1].Body.Histogram);
        Assert.Equal(HttpStatusCode.NoContent, (await clients[0].DeleteAsync("/api/v1/volumes/brain", Ct)).StatusCode);
        var gone = await BothAsync<JsonElement>(clients, http => http.GetAsync("/api/v1/volumes/brain/statistics", Ct));
        Assert.All(gone, a => Assert.Equal(HttpStatusCode.NotFound, a.Status));
        clients.ForEach(static http => http.Dispose());
        Directory.Delete(root, recursive: true);
    }

    [Fact]
    public async Task Submit_WhenItsKeyHasAnotherSpec_IsRefused()
    {
        await using var cluster = await database.NewAsync();
        await cluster.Start().WaitForAsync("ready", null, Ct);
        var client = await cluster.ClientAsync();
        var id = await client.SubmitAsync(Spec, key: "once", ct: Ct);
        Assert.Equal(id, await client.SubmitAsync(Spec, key: "once", ct: Ct));

        var other = await Assert.ThrowsAsync<InputException>(() => client.SubmitAsync(Spec.Replace("tiny", "other", StringComparison.Ordinal), key: "once", ct: Ct));
        Assert.Contains("Idempotency-Key", other.Message, StringComparison.Ordinal);
        var broken = await Assert.ThrowsAsync<InputException>(() => client.SubmitAsync("{ nonsense", ct: Ct));
        Assert.StartsWith("spec: is not JSON", broken.Message, StringComparison.Ordinal);
        Assert.Single(await cluster.Catalog.ListAsync(new ExperimentQuery(), Ct));
        await client.CancelAsync(id, Ct);
    }

    private static Task<(HttpStatusCode Status, T Body)[]> BothAsync<T>(List<HttpClient> clients, Func<HttpClient, Task<HttpResponseMessage>> ask) =>
        Task.WhenAll(clients.Select(async http =>
        {
            using var answer = await ask(http);
            return (answer.StatusCode, (await answer.Content.ReadFromJsonAsync<T>(TeravoxJson.Compact, Ct))!);
        }));
}
