// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Text.Json;
using Teravox.Contracts.Api;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;

namespace Teravox.Api.Tests;

/// <summary>Submitting, listing and steering experiments.</summary>
public sealed class SubmissionTests : IAsyncLifetime
{
    private const string Api = "/api/v1/experiments";
    private Server server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => server = await Server.StartAsync();

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task Submit_WhenTheKeyAndBodyAreTheSame_MakesOneExperiment()
    {
        var first = await server.Http.PostJsonAsync(Api, Specs.Submit(), ("Idempotency-Key", "k")).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
        var second = await server.Http.PostJsonAsync(Api, Specs.Submit(), ("Idempotency-Key", "k")).MustAsync<ExperimentInfo>();
        var other = await server.Http.PostJsonAsync(Api, Specs.Submit(), ("Idempotency-Key", "other")).MustAsync<ExperimentInfo>(HttpStatusCode.Created);

        Assert.Equal(first.Id, second.Id);
        Assert.NotEqual(first.Id, other.Id);
        var problem = await server.Http.PostJsonAsync(Api, Specs.Submit(iterations: 3), ("Idempotency-Key", "k")).MustFailAsync(422);
        Assert.Equal("Idempotency-Key", problem.GetProperty("field").GetString());
        Assert.Equal(2, (await server.Catalog.ListAsync(new ExperimentQuery(), Ct)).Count);
    }

    [Fact]
    public async Task Submit_WhenManyComeAtOnceWithOneKey_MakesOneExperiment()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => server.Http.PostJsonAsync(Api, Specs.Submit(), ("Idempotency-Key", "race"))));

        Assert.Single(answers, a => a.StatusCode == HttpStatusCode.Created);
        Assert.All(answers, a => Assert.True(a.StatusCode is HttpStatusCode.Created or HttpStatusCode.OK, $"{a.StatusCode}"));
        Assert.Single(await server.Catalog.ListAsync(new ExperimentQuery(), Ct));
    }

    [Fact]
    public async Task Submit_WhenTheSpecWasBad_TheKeyIsFreeForTheMendedOne()
    {
        await server.Http.PostJsonAsync(Api, Specs.Submit(iterations: 0), ("Idempotency-Key", "k")).MustFailAsync(422);
        await server.Http.PostJsonAsync(Api, Specs.Submit(), ("Idempotency-Key", "k")).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
    }

    [Theory]
    [InlineData("""{"spec": {"name": "x", "data": {"phantom": {}}, "trainig": {}}}""", 422, "spec.trainig")]
    [InlineData("""{"spec": {"data": {"phantom": {}}}}""", 422, "spec.name")]
    [InlineData("""{"spec": {"name": "x", "data": {"phantom": {}}, "training": {"batch": 0}}}""", 422, "spec.training.batch")]
    [InlineData("""{"spec": {"name": "x", "data": {"volume": "none"}}}""", 422, "spec.data.volume")]
    [InlineData("""{"spec": {"name": "x", "data": {"phantom": {}}, "preset": "segment", "model": "model:none"}}""", 422, "spec.model")]
    [InlineData("""{"spec": {"name": "x", "data": {"phantom": {}}, "preset": "table5", "degrade": {"scale": 5}}}""", 422, "spec.degrade.scale")]
    [InlineData("""{"spec": {"name": "x", "data": {"phantom": {}}, "preset": "super-resolve", "superResolve": {"kernel": [[1, 1]]}}}""", 422, "spec.superResolve.kernel")]
    [InlineData("""{"spec": {"name": "x", "data": {"raw": "/etc"}, "preset": "super-resolve"}}""", 422, "spec.data.raw")]
    [InlineData("""{"spec": {"name": "x", "data": null}}""", 422, "spec.data")]
    [InlineData("""{"spec": 5}""", 422, "spec")]
    [InlineData("""{"spec": {}, "priorty": 5}""", 400, "priorty")]
    [InlineData("""{"priority": 5}""", 400, null)]
    [InlineData("""{"spec": {}, "priority": "high"}""", 400, "priority")]
    [InlineData("""{"spec": {""", 400, null)]
    [InlineData("null", 400, null)]
    public async Task Submit_WhenTheBodyIsBad_NamesTheField(string body, int status, string? field)
    {
        var problem = await server.Http.PostJsonAsync(Api, body).MustFailAsync(status);
        if (field is not null)
            Assert.Equal(field, problem.GetProperty("field").GetString());
        Assert.Empty(await server.Catalog.ListAsync(new ExperimentQuery(), Ct));
    }

    [Fact]
    public async Task Submit_WhenTheBodyIsNoJson_Is415()
    {
        using var text = new StringContent("spec");
        await server.Http.PostAsync(Api, text, Ct).MustFailAsync(415);
    }

    [Fact]
    public async Task Submit_WhenNoSiloIsThere_SaysSoButIsAccepted()
    {
        var info = await server.Http.PostJsonAsync(Api, Specs.Submit()).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
        Assert.Contains("no silo", info.Blocked, StringComparison.Ordinal);
        var stages = (await server.Http.ReadAsync($"{Api}/{info.Id}/progress").MustAsync<ExperimentProgress>()).Stages;
        Assert.Contains("no silo", stages[0].Blocked, StringComparison.Ordinal);
        Assert.Null(stages[1].Blocked);

        await server.Grains.GetGrain<ISchedulerGrain>(ISchedulerGrain.Key).JoinAsync(
            new SiloEntry(server.Name, null, "m", "1", [new DeviceInfo("cpu", 1, 1, 0)], [], ["import", "train", "infer", "threshold", "label", "report"]));
        info = await server.Http.PostJsonAsync(Api, Specs.Submit()).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
        Assert.Null(info.Blocked);
        var gpu = JsonElement.Parse(Specs.Tiny().GetRawText().Replace("\"network\"", "\"needs\": {\"gpu\": true}, \"network\"", StringComparison.Ordinal));
        info = await server.Http.PostJsonAsync(Api, new { spec = gpu }).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
        Assert.Contains("CUDA", info.Blocked, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("table5")]
    [InlineData("table6")]
    [InlineData("super-resolve")]
    public async Task Submit_OfAPresetThatSuperResolves_AsksForTheDeviceAndForSilosThatKnowTheWork(string preset)
    {
        var known = new SiloEntry(server.Name, null, "m", "1", [new DeviceInfo("cuda:0", 1, 1, 0)], [], ["import", "train", "infer", "threshold", "label", "report"]);
        var scheduler = server.Grains.GetGrain<ISchedulerGrain>(ISchedulerGrain.Key);
        await scheduler.JoinAsync(known);
        var fields = $"\"preset\": \"{preset}\", \"needs\": {{\"gpu\": true}}, \"network\"";
        var spec = JsonElement.Parse(Specs.Tiny().GetRawText().Replace("\"network\"", fields, StringComparison.Ordinal));
        var info = await server.Http.PostJsonAsync(Api, new { spec }).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
        Assert.Contains("no silo can run", info.Blocked, StringComparison.Ordinal);

        // On a machine without a GPU all but the device's work can run.
        string[] kinds = [.. known.Kinds, "degrade", "enlarge", "super-resolve", "compare"];
        await scheduler.JoinAsync(known with { Devices = [new DeviceInfo("cpu", 1, 1, 0)], Kinds = kinds });
        info = await server.Http.PostJsonAsync(Api, new { spec }).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
        Assert.Contains("CUDA", info.Blocked, StringComparison.Ordinal);
        await scheduler.JoinAsync(known with { Kinds = kinds });
        info = await server.Http.PostJsonAsync(Api, new { spec }).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
        Assert.Null(info.Blocked);
        var stages = (await server.Http.ReadAsync($"{Api}/{info.Id}/progress").MustAsync<ExperimentProgress>()).Stages;
        Assert.Contains(stages, s => s.Name == "super-resolve");
    }

    [Fact]
    public async Task List_WhenReadInPages_GivesEachOnceFromTheNewest()
    {
        for (var i = 0; i < 5; i++)
            await server.Http.PostJsonAsync(Api, Specs.Submit($"e{i}")).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
        await server.Http.PostJsonAsync($"{Api}/2/pause", null).MustAsync<ExperimentInfo>();

        var names = new List<string>();
        for (string? cursor = null; ;)
        {
            var page = await server.Http.ReadAsync($"{Api}?limit=2{(cursor is null ? "" : $"&cursor={cursor}")}").MustAsync<Page<ExperimentInfo>>();
            names.AddRange(page.Items.Select(i => i.Name));
            if ((cursor = page.Next) is null)
                break;
        }

        Assert.Equal(["e4", "e3", "e2", "e1", "e0"], names);
        var paused = await server.Http.ReadAsync($"{Api}?state=paused").MustAsync<Page<ExperimentInfo>>();
        Assert.Equal("e1", Assert.Single(paused.Items).Name);
        Assert.Null(paused.Next);
        Assert.Empty((await server.Http.ReadAsync($"{Api}?owner=nobody").MustAsync<Page<ExperimentInfo>>()).Items);
        await server.Http.ReadAsync($"{Api}?limit=0").MustFailAsync(422);
        await server.Http.ReadAsync($"{Api}?limit=201").MustFailAsync(422);
        await server.Http.ReadAsync($"{Api}?limit=x").MustFailAsync(400);
        await server.Http.ReadAsync($"{Api}?cursor=x").MustFailAsync(422);
        await server.Http.ReadAsync($"{Api}?state=asleep").MustFailAsync(422);
    }

    [Fact]
    public async Task Steer_WhenTheStateFits_ChangesIt()
    {
        var id = (await server.Http.PostJsonAsync(Api, Specs.Submit()).MustAsync<ExperimentInfo>(HttpStatusCode.Created)).Id;
        async Task<string> Do(string verb) => (await server.Http.PostJsonAsync($"{Api}/{id}/{verb}", null).MustAsync<ExperimentInfo>()).State;

        Assert.Equal("paused", await Do("pause"));
        Assert.Equal("paused", await Do("pause"));
        Assert.Equal("running", await Do("resume"));
        Assert.Equal("cancelled", await Do("cancel"));
        Assert.Equal("cancelled", await Do("cancel"));
        await server.Http.PostJsonAsync($"{Api}/{id}/resume", null).MustFailAsync(409);
        await server.Http.PostJsonAsync($"{Api}/{id}/retry", null).MustFailAsync(409);
        await server.Http.PostJsonAsync($"{Api}/99/pause", null).MustFailAsync(404);
    }

    [Fact]
    public async Task Progress_WhenAnItemFailed_SaysWhyAndRetryMendsIt()
    {
        var data = JsonSerializer.Serialize(Stacks.Write(Path.Combine(server.Root, "stack")));
        var spec = JsonElement.Parse(Specs.Tiny(data: data).GetRawText().Replace("\"chunk\": [8,", "\"chunk\": [2,", StringComparison.Ordinal));
        var id = (await server.Http.PostJsonAsync(Api, new { spec }).MustAsync<ExperimentInfo>(HttpStatusCode.Created)).Id;
        var items = await Items.TakeAsync(server, id, "import", 2);
        await items.ReportAsync(0, ReportKind.Held, new WorkProgress(0.5, "half"));
        await items.ReportAsync(1, ReportKind.Failed, outcome: new RunOutcome(RunEnd.Failed, Error: "slice 7 is broken", Final: true));
        Assert.Equal(ExperimentState.Failed, await server.Experiments.WaitForEndAsync(id, Ct));

        var progress = await server.Http.ReadAsync($"{Api}/{id}/progress").MustAsync<ExperimentProgress>();
        Assert.Equal("failed", progress.Experiment.State);
        Assert.Equal(("import", 4, 0.125), (progress.Stages[0].Name, progress.Stages[0].Items, progress.Stages[0].Fraction));
        Assert.Equal("slice 7 is broken", Assert.Single(progress.Failures).Error);
        var running = Assert.Single(progress.Running);
        Assert.Equal(("s", 0.5, "half"), (running.Silo, running.Fraction, running.Note));

        var retried = await server.Http.PostJsonAsync($"{Api}/{id}/retry", null).MustAsync<ExperimentInfo>();
        Assert.Equal("running", retried.State);
        Assert.Empty((await server.Http.ReadAsync($"{Api}/{id}/progress").MustAsync<ExperimentProgress>()).Failures);
    }
}
