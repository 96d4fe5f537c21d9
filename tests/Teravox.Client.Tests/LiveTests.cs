// SPDX-License-Identifier: Apache-2.0
using System.Net;

namespace Teravox.Client.Tests;

/// <summary>The client and a real silo.</summary>
public sealed class LiveTests(LiveSilo live)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Experiment_FromSubmissionToReport_GoesThroughTheClient()
    {
        using var client = live.Client();
        var key = Guid.NewGuid().ToString();
        var made = await client.Experiments.SubmitAsync(LiveSilo.Submission("sdk"), key, Ct);
        Assert.Equal(made.Id, (await client.Experiments.SubmitAsync(LiveSilo.Submission("sdk"), key, Ct)).Id);

        var events = await client.Events.FollowAsync(made.Id, ct: Ct).ToListAsync(Ct);
        Assert.NotEmpty(events);
        Assert.All(events, e => Assert.Equal(made.Id, e.Experiment));
        Assert.Equal(events.Select(e => e.Id).Distinct().Order(), events.Select(e => e.Id));

        // The stream ends when the experiment has.
        var progress = await client.Experiments.ProgressAsync(made.Id, Ct);
        Assert.True(progress.Experiment.State == "succeeded", string.Join('\n', progress.Failures.Select(f => f.Error)));
        Assert.All(progress.Stages, s => Assert.Equal((1.0, "done"), (s.Fraction, s.State)));

        var scores = await client.Experiments.ScoresAsync(made.Id, Ct);
        Assert.Equal("sdk", scores.Name);
        var files = await client.Experiments.ResultsAsync(made.Id, ct: Ct).ToListAsync(Ct);
        Assert.Contains(files, f => f.Path == "report.html");
        Assert.Contains(files, f => f.Path == "labels.zarr/");
        Assert.Contains(await client.Experiments.ResultsAsync(made.Id, "labels.zarr", Ct).ToListAsync(Ct), f => f.Path == "labels.zarr/.zattrs");
        Assert.Equal("sdk", (await client.Experiments.SpecAsync(made.Id, Ct)).Name);
        Assert.Contains(await client.Experiments.ListAsync("succeeded", ct: Ct).ToListAsync(Ct), e => e.Id == made.Id);
        Assert.Null(await client.Experiments.FindAsync(1_000_000, Ct));
    }

    [Fact]
    public async Task Submit_WhenTheSpecIsWrong_NamesTheField()
    {
        using var client = live.Client();
        var error = await Assert.ThrowsAsync<TeravoxApiException>(() => client.Experiments.SubmitAsync(LiveSilo.Submission("wrong", iterations: 0), ct: Ct));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "spec.training.iterations"), (error.Status, error.Field));
    }

    [Fact]
    public async Task Steering_WhenRepeated_ChangesNothingMore()
    {
        using var client = live.Client();
        var made = await client.Experiments.SubmitAsync(LiveSilo.Submission("steered", iterations: 1_000_000), ct: Ct);
        for (var i = 0; i < 2; i++)
            Assert.Equal("paused", (await client.Experiments.PauseAsync(made.Id, Ct)).State);
        for (var i = 0; i < 2; i++)
            Assert.Equal("running", (await client.Experiments.ResumeAsync(made.Id, Ct)).State);
        for (var i = 0; i < 2; i++)
            Assert.Equal("cancelled", (await client.Experiments.CancelAsync(made.Id, Ct)).State);
        var error = await Assert.ThrowsAsync<TeravoxApiException>(() => client.Experiments.ResumeAsync(made.Id, Ct));
        Assert.Equal(HttpStatusCode.Conflict, error.Status);
        Assert.Equal("cancelled", (await client.Experiments.WatchAsync(made.Id, null, TimeSpan.FromMilliseconds(50), Ct)).State);
    }

    [Fact]
    public async Task Silos_WhenOneIsThere_ShowsItsDevices()
    {
        using var client = live.Client();
        Assert.Equal("teravox", (await client.IndexAsync(Ct)).Service);
        var silo = Assert.Single(await client.SilosAsync(Ct));
        Assert.Equal("cpu", Assert.Single(silo.Devices).Name);
    }
}
