// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Teravox.Contracts.Api;
using static Teravox.Client.Tests.ScriptedServer;

namespace Teravox.Client.Tests;

/// <summary>What is repeated, what is not, and what is said in the end.</summary>
public sealed class RetryTests
{
    private static readonly ExperimentInfo Experiment = new() { Id = 7, Name = "x", State = "running", Priority = 100, Created = DateTimeOffset.UnixEpoch };
    private static readonly SubmitExperiment Submission = new() { Spec = JsonSerializer.SerializeToElement(new { name = "x" }) };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Get_WhenTheServerIsBusy_WaitsAsLongAsItAsks()
    {
        await using var server = await StartAsync(Problem(503, "the database does not answer", retryAfter: 1), Json(Experiment));
        using var client = server.Client();
        Assert.Equal(7, (await client.Experiments.FindAsync(7, Ct))!.Id);
        var seen = server.Requests.ToArray();
        Assert.Equal(2, seen.Length);
        Assert.True(seen[1].At - seen[0].At > TimeSpan.FromMilliseconds(950), $"asked again after {seen[1].At - seen[0].At}");
    }

    [Fact]
    public async Task Get_WhenTheAnswerIsCutInTheMiddle_AsksAgain()
    {
        await using var server = await StartAsync(HalfOf(Experiment), Cut, Json(Experiment));
        using var client = server.Client();
        Assert.Equal("x", (await client.Experiments.FindAsync(7, Ct))!.Name);
        Assert.Equal(3, server.Requests.Count);
    }

    [Fact]
    public async Task Submit_WhenTheAnswerIsLost_IsKnownByItsKey()
    {
        await using var server = await StartAsync(Cut, HalfOf(Experiment), Problem(503, "busy"), Json(Experiment, 201));
        using var client = server.Client(o => o with { Key = "tvx_secret" });
        Assert.Equal(7, (await client.Experiments.SubmitAsync(Submission, ct: Ct)).Id);
        Assert.Equal(7, (await client.Experiments.SubmitAsync(Submission, ct: Ct)).Id);
        var keys = server.Requests.Select(r => r.Headers["Idempotency-Key"]).ToArray();
        Assert.Equal(5, keys.Length);
        Assert.Single(keys[..4].Distinct());
        Assert.NotEqual(keys[0], keys[4]);
        Assert.All(server.Requests, r => Assert.Equal("Bearer tvx_secret", r.Headers["Authorization"]));
    }

    [Fact]
    public async Task Register_WhenTheAnswerIsLost_IsNotSentAgain()
    {
        await using var server = await StartAsync(Cut);
        using var client = server.Client();
        var error = await Assert.ThrowsAsync<TeravoxUnreachableException>(() => client.Volumes.RegisterAsync(new RegisterVolume { Name = "v", Path = "v" }, Ct));
        Assert.Contains("broke", error.Message, StringComparison.Ordinal);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Register_WhenNobodyListensAtTheFirstServer_GoesToTheNext()
    {
        var volume = new VolumeInfo { Name = "v", Raw = "/v", Shape = new(1, 1, 1), Type = Contracts.VoxelType.UInt8, VoxelSize = new(1, 1, 1) };
        await using var server = await StartAsync(Json(volume, 201));
        using var client = ScriptedServer.Client([Nobody(), server.Address]);
        Assert.Equal("v", (await client.Volumes.RegisterAsync(new RegisterVolume { Name = "v", Path = "v" }, Ct)).Name);
    }

    [Fact]
    public async Task Get_WhenAServerGoesDown_StaysWithTheOther()
    {
        await using var second = await StartAsync(Json(Experiment));
        using var client = await AfterDeathOfTheFirst(second.Address);
        for (var i = 0; i < 3; i++)
            Assert.NotNull(await client.Experiments.FindAsync(7, Ct));
        Assert.Equal(3, second.Requests.Count);

        async Task<TeravoxClient> AfterDeathOfTheFirst(Uri other)
        {
            await using var first = await StartAsync(Json(Experiment));
            var made = ScriptedServer.Client([first.Address, other]);
            Assert.NotNull(await made.Experiments.FindAsync(7, Ct));
            return made;
        }
    }

    [Fact]
    public async Task Call_WhenNobodyEverListened_SaysSoAtOnce()
    {
        var nobody = Nobody();
        using var client = ScriptedServer.Client([nobody], o => o with { Patience = TimeSpan.FromMinutes(10) });
        var error = await Assert.ThrowsAsync<TeravoxUnreachableException>(() => client.SilosAsync(Ct)).WaitAsync(TimeSpan.FromSeconds(30), Ct);
        Assert.StartsWith($"no Teravox answers at {nobody.ToString().TrimEnd('/')} (", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_WhenTheServerStaysBusy_EndsWithItsReason()
    {
        await using var server = await StartAsync(Problem(503, "the database does not answer"));
        using var client = server.Client(o => o with { Patience = TimeSpan.FromSeconds(1) });
        var error = await Assert.ThrowsAsync<TeravoxApiException>(() => client.SilosAsync(Ct));
        Assert.Equal("the database does not answer", error.Message);
        Assert.False(error.IsCallersFault);
        Assert.True(server.Requests.Count > 2, $"{server.Requests.Count} attempts");
    }

    [Fact]
    public async Task Call_WhenTheServerAsksForMoreTimeThanThereIs_EndsAtOnce()
    {
        await using var server = await StartAsync(Problem(429, "too many wrong keys", retryAfter: 3600));
        using var client = server.Client();
        var error = await Assert.ThrowsAsync<TeravoxApiException>(() => client.SilosAsync(Ct)).WaitAsync(TimeSpan.FromSeconds(10), Ct);
        Assert.Equal(HttpStatusCode.TooManyRequests, error.Status);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Submit_WhenRefused_SaysFieldAndReasonAndIsNotSentAgain()
    {
        await using var server = await StartAsync(Problem(422, "must be 1 or more", "training.iterations"));
        using var client = server.Client();
        var error = await Assert.ThrowsAsync<TeravoxApiException>(() => client.Experiments.SubmitAsync(Submission, ct: Ct));
        Assert.Equal("training.iterations: must be 1 or more", error.Message);
        Assert.Equal(("training.iterations", true), (error.Field, error.IsCallersFault));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Delete_WhenTheAnswerWasLost_TakesGoneAsDone()
    {
        await using var server = await StartAsync(Cut, Problem(404, "no such volume"));
        using var client = server.Client();
        await client.Volumes.DeleteAsync("v", Ct);
        Assert.Equal(2, server.Requests.Count);
        await Assert.ThrowsAsync<TeravoxApiException>(() => client.Volumes.DeleteAsync("v", Ct));
    }

    [Fact]
    public async Task List_WhenThereAreSeveralPages_ReadsEachOnce()
    {
        await using var server = await StartAsync(
            Json(new Page<ExperimentInfo>([Experiment, Experiment], "a b")), Cut, Json(new Page<ExperimentInfo>([Experiment], null)));
        using var client = server.Client();
        Assert.Equal(3, await client.Experiments.ListAsync(state: "running", ct: Ct).CountAsync(Ct));
        Assert.Equal("/api/v1/experiments?limit=100&state=running&cursor=a%20b", server.Requests.Last().Path);
    }

    [Fact]
    public async Task Call_WhenItBreaksAfterLong_IsStillRepeated()
    {
        await using var server = await StartAsync(
            async context =>
            {
                await Task.Delay(600, Ct);
                context.Abort();
            },
            Json(Experiment));
        using var client = server.Client(o => o with { Patience = TimeSpan.FromMilliseconds(500) });
        Assert.NotNull(await client.Experiments.FindAsync(7, Ct));
    }

    [Fact]
    public async Task Call_WhenTheAnswerHasAnotherShape_SaysSo()
    {
        await using var server = await StartAsync(Json(new { id = "seven" }));
        using var client = server.Client();
        var error = await Assert.ThrowsAsync<TeravoxUnreachableException>(() => client.Experiments.FindAsync(7, Ct));
        Assert.Contains("does not understand", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_WhenSomethingElseAnswers_AsksWhetherTheAddressIsRight()
    {
        await using var server = await StartAsync(
            context =>
            {
                context.Response.ContentType = "text/html";
                return context.Response.Body.WriteAsync("<html>"u8.ToArray(), Ct).AsTask();
            },
            context =>
            {
                context.Response.StatusCode = 404;
                return Task.CompletedTask;
            });
        using var client = server.Client();
        Assert.Contains("is the address right?", (await Assert.ThrowsAsync<TeravoxUnreachableException>(() => client.SilosAsync(Ct))).Message, StringComparison.Ordinal);
        Assert.Contains("is the address right?", (await Assert.ThrowsAsync<TeravoxUnreachableException>(() => client.SilosAsync(Ct))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_WhenTheCallerStops_EndsAsCancelled()
    {
        await using var server = await StartAsync(Problem(503, "busy", retryAfter: 10));
        using var client = server.Client();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var call = client.SilosAsync(stop.Token);
        stop.CancelAfter(100);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    /// <summary>An address that nobody listens at: the port was free a moment ago.</summary>
    private static Uri Nobody()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
    }
}
