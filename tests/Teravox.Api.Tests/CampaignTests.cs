// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Grains;
using Teravox.Grains;
using Teravox.Grains.Catalog;

namespace Teravox.Api.Tests;

/// <summary>Campaigns: a grid of experiments, and the table over what they found.</summary>
public sealed class CampaignTests : IAsyncLifetime
{
    private const string Api = "/api/v1/campaigns";
    private Server server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => server = await Server.StartAsync();

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task Campaign_WhenItsRunsEnded_HasATableWithSpread()
    {
        var body = Body("sweep", [1, 2], repeats: 2);
        var made = await server.Http.PostJsonAsync(Api, body).MustAsync<CampaignInfo>(HttpStatusCode.Created);
        Assert.Equal((4, 0), (made.Experiments.Count, made.Table.Count));
        Assert.Equal([1, 1, 2, 2], made.Experiments.Select(e => e.Parameters!["training.iterations"].GetInt32()));
        Assert.Equal(made.Experiments.Select(e => e.Id), (await server.Http.PostJsonAsync(Api, body).MustAsync<CampaignInfo>()).Experiments.Select(e => e.Id));
        await server.Http.PostJsonAsync(Api, Body("sweep", [1, 3], repeats: 2)).MustFailAsync(409);

        await using var silo = new Silos(server);
        foreach (var experiment in made.Experiments)
            await silo.RunAsync(experiment.Id);
        var done = await server.Http.ReadAsync(Api + "/sweep").MustAsync<CampaignInfo>();
        Assert.All(done.Experiments, e => Assert.Equal("succeeded", e.State));
        var means = done.Table.Where(r => r.Class == "mean").ToList();
        Assert.Equal([1, 2], means.Select(r => r.Parameters["training.iterations"].GetInt32()));
        Assert.All(means, r => Assert.Equal((2, "multiclass"), (r.Runs, r.Prediction)));
        Assert.All(means, r => Assert.True(r.Std >= 0 && r.Min <= r.Mean && r.Mean <= r.Max));

        using var csv = await server.Http.ReadAsync(Api + "/sweep/table.csv");
        Assert.Equal("text/csv", csv.Content.Headers.ContentType?.MediaType);
        var lines = (await csv.Content.ReadAsStringAsync(Ct)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal((done.Table.Count + 1, "training.iterations,prediction,class,runs,mean,std,min,max,published"), (lines.Length, lines[0]));
        Assert.Equal(["training.iterations"], Assert.Single((await server.Http.ReadAsync(Api).MustAsync<Page<CampaignInfo>>()).Items).Fields);
        Assert.Equal(4, (await server.Http.ReadAsync("/api/v1/experiments?campaign=sweep").MustAsync<Page<ExperimentInfo>>()).Items.Count);
    }

    [Fact]
    public async Task Campaign_WhenTheSiloCrashesBeforeItsRunsAreMade_IsMadeWholeByTheNextRequest()
    {
        using (new Crash("campaign.before-submit"))
            await server.Http.PostJsonAsync(Api, Body("crash", [1, 2])).MustFailAsync(500);

        Assert.Empty(await server.Catalog.ListAsync(new ExperimentQuery(), Ct));
        Assert.Equal(2, (await server.Http.PostJsonAsync(Api, Body("crash", [1, 2])).MustAsync<CampaignInfo>()).Experiments.Count);
    }

    [Fact]
    public async Task Campaign_WhenOneOfItsSpecsIsBad_SubmitsNone()
    {
        var problem = await server.Http.PostJsonAsync(Api, Body("bad", [1, 2, 0])).MustFailAsync(422);
        Assert.Contains("training.iterations", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        await server.Http.PostJsonAsync(Api, Body("bad", [])).MustFailAsync(422);
        Assert.Empty(await server.Catalog.ListAsync(new ExperimentQuery(), Ct));
        await server.Http.ReadAsync(Api + "/bad").MustFailAsync(404);
    }

    [Fact]
    public async Task Campaign_WhenItComesManyTimesAtOnce_IsOne()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => server.Http.PostJsonAsync(Api, Body("race", [1, 2]))));
        Assert.Single(answers, a => a.StatusCode == HttpStatusCode.Created);
        Assert.All(answers, a => Assert.True(a.IsSuccessStatusCode, $"{a.StatusCode}"));
        Assert.Equal(2, (await server.Catalog.ListAsync(new ExperimentQuery(), Ct)).Count);
    }

    [Fact]
    public async Task Submit_WhenItIsRefused_TellsStatusAndField()
    {
        await server.Http.PostJsonAsync(Api, Body("mine", [1])).MustAsync<CampaignInfo>(HttpStatusCode.Created);
        await MustRefuseAsync("mine", Json(Body("mine", [2])), 409, "name");
        await MustRefuseAsync("other", Json(Body("mine", [1])), 422, "name");
        await MustRefuseAsync("bad", Json(Body("bad", [0])), 422, "spec.training.iterations");
        await MustRefuseAsync("bad", "{", 400, null);
        Assert.Equal(404, (await server.Grains.GetGrain<ICampaignGrain>("bad").DescribeAsync(new GrainRequest("1"))).Refusal?.Status);
    }

    [Fact]
    public async Task Submit_WhenTheCheckTakesLongerThanACall_IsAskedForAgain()
    {
        var grain = server.Grains.GetGrain<ICampaignGrain>("slow");
        var (request, json) = (new GrainRequest("1"), Json(Body("slow", [1])));
        using var submitting = new FaultPoint("campaign.before-submit", isHeld: true);
        Assert.Equal(new LongAnswer<CampaignDocument>(null), await grain.SubmitAsync(json, request));

        // The grain answers others meanwhile.
        Assert.NotNull((await grain.DescribeAsync(new GrainRequest("2"))).Result);
        submitting.Release();
        LongAnswer<CampaignDocument> answer;
        do
        {
            answer = await grain.SubmitAsync(json, request with { IsRepeated = true });
        }
        while (answer is { Result: null, Refusal: null });
        Assert.True(answer.Result?.IsNew);
        Assert.Equal(1, submitting.Reached);
    }

    [Fact]
    public async Task Table_WhenTheGrainHasTheScores_NeedsNoFile()
    {
        var made = await server.Http.PostJsonAsync(Api, Body("kept", [1])).MustAsync<CampaignInfo>(HttpStatusCode.Created);
        await using var silo = new Silos(server);
        await silo.RunAsync(made.Experiments[0].Id);
        var before = await server.Http.GetStringAsync(Api + "/kept/table.csv", Ct);
        Directory.Delete(server.Services.GetRequiredService<ExperimentStore>().Folder(made.Experiments[0].Id).Report, recursive: true);
        Assert.True(before.Split('\n').Length > 2, before);
        Assert.Equal(before, await server.Http.GetStringAsync(Api + "/kept/table.csv", Ct));
    }

    private static string Json(NewCampaign campaign) => JsonSerializer.Serialize(campaign, TeravoxJson.Compact);

    private async Task MustRefuseAsync(string key, string json, int status, string? field)
    {
        var refusal = (await server.Grains.GetGrain<ICampaignGrain>(key).SubmitAsync(json, new GrainRequest(Guid.NewGuid().ToString("N")))).Refusal;
        Assert.Equal((status, field), (refusal?.Status, refusal?.Field));
    }

    private static NewCampaign Body(string name, int[] iterations, int repeats = 1) => new()
    {
        Name = name,
        Spec = Specs.Tiny(),
        Repeats = repeats,
        Grid = new Dictionary<string, IReadOnlyList<JsonElement>> { ["training.iterations"] = [.. iterations.Select(i => JsonSerializer.SerializeToElement(i))] },
    };
}
