// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;

namespace Teravox.Api.Tests;

/// <summary>Server-sent events.</summary>
public sealed class EventTests(FinishedExperiment finished)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private sealed record Message(string? Id, string Name, string Data)
    {
        public EventInfo Event => JsonSerializer.Deserialize<EventInfo>(Data, TeravoxJson.Compact)!;
    }

    [Fact]
    public async Task Stream_WhenTheExperimentEnded_GivesAllAndEnds()
    {
        var events = await finished.Server.Http.ReadAsync(finished.Api + "/events").MustAsync<List<EventInfo>>();
        var messages = await ReadAsync(finished.Server, finished.Api + "/events/stream", null).ToListAsync(Ct);

        Assert.Equal(events, messages[..^1].Select(m => m.Event));
        Assert.All(messages[..^1], m => Assert.Equal(("event", $"{m.Event.Id}"), (m.Name, m.Id)));
        Assert.Equal("end", messages[^1].Name);
        Assert.Equal("succeeded", JsonSerializer.Deserialize<ExperimentInfo>(messages[^1].Data, TeravoxJson.Compact)!.State);
    }

    [Fact]
    public async Task Stream_WhenItGoesOnAfterAnEvent_MissesNoneAndRepeatsNone()
    {
        var all = await ReadAsync(finished.Server, finished.Api + "/events/stream", null).ToListAsync(Ct);
        var rest = await ReadAsync(finished.Server, finished.Api + "/events/stream", all[1].Id).ToListAsync(Ct);

        Assert.Equal(all[2..], rest);
        Assert.Equal(all[2..], await ReadAsync(finished.Server, $"{finished.Api}/events/stream?after={all[1].Id}", null).ToListAsync(Ct));
        var page = await finished.Server.Http.ReadAsync($"{finished.Api}/events?after={all[1].Id}&limit=2").MustAsync<List<EventInfo>>();
        Assert.Equal(all[2..4].Select(m => m.Event), page);
        await finished.Server.Http.ReadAsync(finished.Api + "/events?limit=0").MustFailAsync(422);
        await finished.Server.Http.ReadAsync("/api/v1/experiments/99/events/stream").MustFailAsync(404);
        await finished.Server.Http.ReadAsync(finished.Api + "/events/stream?after=-1").MustFailAsync(422);
    }

    [Fact]
    public async Task Stream_WhenSomethingHappens_TellsItAtOnce()
    {
        await using var server = await Server.StartAsync();
        var id = (await server.Http.PostJsonAsync("/api/v1/experiments", Specs.Submit()).MustAsync<ExperimentInfo>(HttpStatusCode.Created)).Id;
        await using var one = ReadAsync(server, $"/api/v1/experiments/{id}/events/stream", null).GetAsyncEnumerator(Ct);
        await using var all = ReadAsync(server, "/api/v1/events/stream", null).GetAsyncEnumerator(Ct);
        foreach (var kind in (string[])["submitted", "expanded"])
        {
            Assert.True(await one.MoveNextAsync() && await all.MoveNextAsync());
            Assert.Equal((kind, one.Current), (one.Current.Event.Kind, all.Current));
        }

        await server.Http.PostJsonAsync($"/api/v1/experiments/{id}/cancel", null).MustAsync<ExperimentInfo>();
        Assert.True(await one.MoveNextAsync() && await all.MoveNextAsync());
        Assert.Equal("cancelled", one.Current.Event.Kind);
        Assert.Equal(one.Current, all.Current);
        Assert.True(await one.MoveNextAsync());
        Assert.Equal("end", one.Current.Name);
        Assert.False(await one.MoveNextAsync());
    }

    [Fact]
    public async Task Stop_WhenAStreamIsOpen_DoesNotWaitForItsReader()
    {
        await using var server = await Server.StartAsync();
        await server.Http.PostJsonAsync("/api/v1/experiments", Specs.Submit()).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
        await using var all = ReadAsync(server, "/api/v1/events/stream", null).GetAsyncEnumerator(Ct);
        foreach (var kind in (string[])["submitted", "expanded"])
        {
            Assert.True(await all.MoveNextAsync());
            Assert.Equal(kind, all.Current.Event.Kind);
        }

        var stopping = server.StopAsync();

        // The stream ends in order: a server that waits for its reader cuts the connection in the end, and this throws.
        Assert.False(await all.MoveNextAsync());
        await stopping;
    }

    private static async IAsyncEnumerable<Message> ReadAsync(Server server, string path, string? last)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        patience.CancelAfter(Patience);
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (last is not null)
            request.Headers.Add("Last-Event-ID", last);
        using var answer = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(patience.Token));
        string? id = null, name = null;
        while (await reader.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.StartsWith("id: ", StringComparison.Ordinal))
                id = line[4..];
            else if (line.StartsWith("event: ", StringComparison.Ordinal))
                name = line[7..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
                yield return new Message(id, name!, line[6..]);
            else if (line.Length == 0)
                id = name = null;
        }
    }
}
