// SPDX-License-Identifier: Apache-2.0
using Teravox.Client;
using Teravox.Contracts;
using Teravox.Grains.Catalog;
using Teravox.Grains.Catalog.Postgres;

namespace Teravox.Cluster.Tests;

/// <summary>What the Orleans client makes of calls that are lost.</summary>
public sealed class ClusterClientTests(Database database)
{
    /// <summary>It trains for longer than a test lasts.</summary>
    private const string Spec = """
        {
          "name": "long", "seed": 1, "preset": "train", "data": { "phantom": { "shape": [8, 32, 32], "seed": 1 } },
          "network": { "levels": 2, "fMaps": 4 }, "training": { "iterations": 1000000, "patch": [8, 16, 16] },
          "inference": { "tile": [8, 16, 16] }, "storage": { "chunk": [8, 16, 16] }
        }
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>The silo dies of the submission that it has stored and not answered; another one is asked again.</summary>
    [Fact]
    public async Task Submit_WhenItsSiloDiesWithTheAnswer_MakesOneExperiment()
    {
        await using var cluster = await database.NewAsync();
        var doomed = cluster.Start(new Dictionary<string, string> { ["TERAVOX_KILL_AT"] = "catalog.after-commit:submit:1" });
        await doomed.WaitForAsync("ready", null, Ct);
        var client = await cluster.ClientAsync();

        var submitting = client.SubmitAsync(Spec, ct: Ct);
        await doomed.EndAsync(Ct);
        var stored = Assert.Single(await cluster.Catalog.ListAsync(new ExperimentQuery(), Ct)).Id;
        Assert.False(submitting.IsCompleted, "it was answered by a silo that died before it could");
        cluster.Start();

        Assert.Equal(stored, await submitting.WaitAsync(Patience, Ct));
        Assert.Single(await cluster.Catalog.ListAsync(new ExperimentQuery(), Ct));
        Assert.True(await client.CancelAsync(stored, Ct));
        Assert.False(await client.CancelAsync(stored, Ct));
        Assert.Single(await cluster.Catalog.EventsAsync(stored, 0, 1000, Ct), static line => line.Kind == "cancelled");
    }

    [Fact]
    public async Task Call_WhenNobodyAnswersForThePatience_GivesUpAndSaysSo()
    {
        await using var cluster = await database.NewAsync();
        await using var client = await ConnectAsync(cluster, TimeSpan.Zero);
        var calls = 0;

        var gaveUp = await Assert.ThrowsAsync<TimeoutException>(() => client.CallAsync(() => Lost(ref calls), Ct).WaitAsync(Patience, Ct));
        Assert.Equal("The cluster did not answer within 0 s: lost", gaveUp.Message);
        Assert.Equal(1, calls);
    }

    [Fact]
    public async Task Call_WhenItFailsByItself_IsNotRepeated()
    {
        await using var cluster = await database.NewAsync();
        await using var client = await ConnectAsync(cluster, Patience);
        var calls = 0;

        await Assert.ThrowsAsync<InputException>(() => client.CallAsync<int>(
            () =>
            {
                calls++;
                throw new InputException("no");
            },
            Ct));
        Assert.Equal(1, calls);
    }

    [Fact]
    public async Task Call_WhenTheCallerCancels_EndsAtOnce()
    {
        await using var cluster = await database.NewAsync();
        await using var client = await ConnectAsync(cluster, Patience);

        // While a call is in flight, and while calls are lost.
        using (var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct))
        {
            var inFlight = client.CallAsync(() => new TaskCompletionSource<int>().Task, stop.Token);
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => inFlight.WaitAsync(Patience, Ct));
        }

        using (var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct))
        {
            var calls = 0;
            var lost = client.CallAsync(
                () =>
                {
                    if (calls == 2)
                        stop.Cancel();
                    return Lost(ref calls);
                },
                stop.Token);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => lost.WaitAsync(Patience, Ct));
            Assert.Equal(3, calls);
        }
    }

    private static Task<int> Lost(ref int calls)
    {
        calls++;
        return Task.FromException<int>(new TimeoutException("lost"));
    }

    private static async Task<ClusterClient> ConnectAsync(Cluster cluster, TimeSpan patience)
    {
        await cluster.Start().WaitForAsync("ready", null, Ct);
        return await ClusterClient.ConnectAsync(new ClusterClientOptions { Database = OrleansQueries.ConnectionString(cluster.Address), Patience = patience }, Ct);
    }
}
