// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using static Teravox.Client.Tests.ScriptedServer;

namespace Teravox.Client.Tests;

/// <summary>An event stream that breaks in every way gives each event once.</summary>
public sealed class EventStreamTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Follow_WhenTheStreamBreaks_GoesOnAfterTheLastEvent()
    {
        var end = "event: end\ndata: {\"id\":1}\n\n";
        await using var server = await StartAsync(
            Stream(Event(3) + Event(5) + Event(6)[..20]),
            Problem(503, "busy"),
            Cut,
            Stream(": a comment\n\n" + Event(5) + Event(6) + Event(9) + end));
        using var client = server.Client();
        var numbers = await client.Events.FollowAsync(1, after: 2, Ct).Select(e => e.Id).ToListAsync(Ct);
        Assert.Equal([3, 5, 6, 9], numbers);
        Assert.Equal(["2", "5", "5", "5"], server.Requests.Select(r => r.Headers["Last-Event-ID"]));
        Assert.All(server.Requests, r => Assert.Equal("/api/v1/experiments/1/events/stream", r.Path));
    }

    [Fact]
    public async Task Follow_WhenTheStreamFallsSilent_OpensItAnew()
    {
        // Longer in all than the patience: silence is no failure, as long as the stream can be opened.
        var options = (TeravoxClientOptions o) => o with
        {
            StreamSilence = TimeSpan.FromMilliseconds(300),
            LongestDelay = TimeSpan.FromMilliseconds(50),
            Patience = TimeSpan.FromMilliseconds(500),
        };
        await using var server = await StartAsync(Silent(Event(1)), Silent(""), Silent(""), Stream(Event(2)));
        using var client = server.Client(options);
        await using var events = client.Events.FollowAsync(ct: Ct).GetAsyncEnumerator(Ct);
        Assert.True(await events.MoveNextAsync());
        Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30), Ct));
        Assert.Equal(2, events.Current.Id);
    }

    [Fact]
    public async Task Follow_WhenTheExperimentIsNotThere_SaysSo()
    {
        await using var server = await StartAsync(Problem(404, "there is no experiment 1"));
        using var client = server.Client();
        var error = await Assert.ThrowsAsync<TeravoxApiException>(async () => await client.Events.FollowAsync(1, ct: Ct).FirstAsync(Ct));
        Assert.Equal("there is no experiment 1", error.Message);
    }

    private static string Event(long id)
    {
        var data = JsonSerializer.Serialize(new EventInfo(id, 1, DateTimeOffset.UnixEpoch, "kind", null, "text"), TeravoxJson.Compact);
        return $"id: {id}\nevent: event\ndata: {data}\n\n";
    }

    private static RequestDelegate Silent(string text) => async context =>
    {
        await Stream(text)(context);
        await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
    };

    private static RequestDelegate Stream(string text) => async context =>
    {
        context.Response.ContentType = "text/event-stream";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), Ct);
        await context.Response.Body.FlushAsync(Ct);
    };
}
