// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Http.Headers;
using Teravox.Contracts;
using Teravox.Contracts.Api;

namespace Teravox.Api.Tests;

/// <summary>What a finished experiment gives.</summary>
public sealed class ResultTests(FinishedExperiment finished)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private HttpClient Http => finished.Server.Http;

    [Fact]
    public async Task Progress_WhenTheExperimentEnded_EveryStageIsDone()
    {
        var progress = await Http.ReadAsync(finished.Api + "/progress").MustAsync<ExperimentProgress>();

        Assert.Equal("succeeded", progress.Experiment.State);
        Assert.Equal("import", progress.Stages[0].Name);
        Assert.All(progress.Stages, s => Assert.Equal(("done", 1.0, s.Items), (s.State, s.Fraction, s.Done)));
        Assert.All(progress.Stages, s => Assert.True(s.ItemsPerSecond > 0 && s.Ended >= s.Started));
        Assert.Empty(progress.Running);
        Assert.Empty(progress.Failures);
    }

    [Fact]
    public async Task Results_WhenListed_AreWhatLiesInTheFolderWithoutTheSilosOwn()
    {
        var files = await Http.ReadAsync(finished.Api + "/results").MustAsync<Page<ResultFile>>();
        var root = Path.Combine(finished.Server.StoreFolder, "experiments", $"{finished.Id}");

        Assert.Contains(files.Items, f => f.Path == "report.html");
        Assert.Contains(new ResultFile("labels.zarr/", 0), files.Items);
        Assert.DoesNotContain(files.Items, f => f.Path.Contains(".teravox", StringComparison.Ordinal));
        foreach (var file in files.Items.Where(f => !f.Path.EndsWith('/')))
        {
            var bytes = await Http.GetByteArrayAsync($"{finished.Api}/results/{file.Path}", Ct);
            Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(root, file.Path), Ct), bytes);
            Assert.Equal(file.Bytes, bytes.Length);
        }
    }

    [Fact]
    public async Task Results_WhenListedInSmallPages_GiveAllOfAVolumeOnce()
    {
        var whole = await Http.ReadAsync(finished.Api + "/results?under=labels.zarr").MustAsync<Page<ResultFile>>();
        var paged = new List<ResultFile>();
        string? cursor = null;
        do
        {
            var page = await Http.ReadAsync($"{finished.Api}/results?under=labels.zarr&limit=2{(cursor is null ? "" : "&cursor=" + Uri.EscapeDataString(cursor))}").MustAsync<Page<ResultFile>>();
            Assert.InRange(page.Items.Count, 1, 2);
            paged.AddRange(page.Items);
            cursor = page.Next;
        }
        while (cursor is not null);

        Assert.Equal(whole.Items, paged);
        Assert.Contains(whole.Items, f => f.Path == "labels.zarr/.zattrs");
        Assert.Contains(whole.Items, f => f.Path.StartsWith("labels.zarr/s0/0/", StringComparison.Ordinal));
        foreach (var file in whole.Items)
            Assert.Equal(file.Bytes, (await Http.GetByteArrayAsync($"{finished.Api}/results/{file.Path}", Ct)).Length);
    }

    [Fact]
    public async Task ResultFile_WhenARangeIsAsked_GivesThatPart()
    {
        const string path = "/results/models/multiclass.safetensors";
        var whole = await Http.GetByteArrayAsync(finished.Api + path, Ct);
        using var request = new HttpRequestMessage(HttpMethod.Get, finished.Api + path) { Headers = { Range = new RangeHeaderValue(100, 199) } };
        using var answer = await Http.SendAsync(request, Ct);

        Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
        Assert.Equal(whole[100..200], await answer.Content.ReadAsByteArrayAsync(Ct));
    }

    [Fact]
    public async Task Report_WhenShown_IsInASandbox()
    {
        using var answer = await Http.ReadAsync(finished.Api + "/report");

        Assert.Equal("text/html", answer.Content.Headers.ContentType?.MediaType);
        Assert.StartsWith("sandbox;", Assert.Single(answer.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.Contains("<html", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scores_WhenTheExperimentEnded_AreThoseOfItsFile()
    {
        var scores = await Http.ReadAsync(finished.Api + "/scores").MustAsync<ScoreReport>();
        var spec = await Http.ReadAsync(finished.Api + "/spec").MustAsync<ExperimentSpec>();

        Assert.Equal(("finished", "finished"), (scores.Name, spec.Name));
        Assert.Equal("multiclass", Assert.Single(scores.Predictions).Name);
        Assert.Equal(2, spec.Training.Iterations);
    }
}
