// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Sockets;
using Teravox.Contracts.Grains;
using Teravox.Testing;

namespace Teravox.Cluster.Tests;

/// <summary>A silo's life as a process: waiting for its database, membership, the drain, its parent's death.</summary>
public sealed class SiloProcessTests(Database database)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Silo_FromItsStartToItsEnd_IsAMemberAndLeaves()
    {
        await using var cluster = await database.NewAsync();
        var silo = cluster.Start("--tag", "disk=fast", "--name", "alice", "--urls", "http://127.0.0.1:0");
        var url = (await silo.WaitForAsync("listening", null, Ct)).GetProperty("url").GetString()!;
        await silo.WaitForAsync("ready", null, Ct);
        var row = await JoinedAsync(cluster);

        Assert.StartsWith("alice-", row.Entry.Name, StringComparison.Ordinal);
        Assert.Equal(url, row.Entry.Url);
        Assert.Equal(["disk=fast"], row.Entry.Tags);
        Assert.Contains("train", row.Entry.Kinds);
        var device = Assert.Single(row.Entry.Devices);
        Assert.Equal(("cpu", 1), (device.Name, device.Threads));
        Assert.True(device.MemoryBytes > 1 << 28, "the memory of the machine is known");
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri(url + "/api/v1/silos"), Ct);
        Assert.Contains("alice", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);

        silo.Terminate();
        Assert.Equal(0, await silo.EndAsync(Ct));
        Assert.Contains("\"ended\"", silo.Said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Silo_WhenItsParentIsGone_GivesItsWorkBackAndEnds()
    {
        await using var cluster = await database.NewAsync();
        var silo = cluster.Start("--grace", "1000", "--name", "doomed");
        var other = cluster.Start("--tag", "other=yes");
        var experiment = await cluster.SubmitAsync("training.iterations=100000");
        var before = await cluster.RunningAsync(experiment, "train-multiclass");
        var (holder, heir) = before.Silo.StartsWith("doomed", StringComparison.Ordinal) ? (silo, other) : (other, silo);

        holder.Orphan();
        await holder.EndAsync(Ct);

        // Given back, not lost: it goes on elsewhere at once, and no death is counted.
        await heir.WaitForAsync("claimed", line => line.GetProperty("stage").GetString() == "train-multiclass", Ct);
        Assert.DoesNotContain(await cluster.Catalog.EventsAsync(experiment, 0, 1000, Ct), e => e.Kind == "death");
        await cluster.CancelAsync(experiment);
    }

    [Fact]
    public async Task Silo_WhenItsDatabaseIsNotUpYet_SaysSoAndWaits()
    {
        await using var cluster = await database.NewAsync();
        using var silo = SiloProcess.Start("postgres://teravox@127.0.0.1:1/teravox", Path.GetTempPath());
        await silo.WaitForAsync("waiting", null, Ct);
        Assert.False(silo.HasEnded);
        silo.Terminate();
        Assert.Equal(130, await silo.EndAsync(Ct));
    }

    [Fact]
    public async Task Silo_WhenItsConnectionsAreResetWhileItJoins_WaitsAndJoins()
    {
        await using var cluster = await database.NewAsync();
        await using var proxy = new PostgresProxy(cluster.Address);

        // The catalog's connections pass; those by which it becomes a member do not.
        proxy.ResetThoseThatSend("teravox orleans"u8.ToArray());
        using var silo = SiloProcess.Start(proxy.Address, Path.GetTempPath(), ["--device", "cpu"]);
        await silo.WaitForAsync("waiting", null, Ct);

        // One that is told to stop while it waits ends in order; another joins when it can.
        using var stopped = SiloProcess.Start(proxy.Address, Path.GetTempPath(), ["--device", "cpu"]);
        await stopped.WaitForAsync("waiting", null, Ct);
        stopped.Terminate();
        Assert.Equal(0, await stopped.EndAsync(Ct));
        proxy.Restore();
        await silo.WaitForAsync("ready", null, Ct);
        silo.Terminate();
        Assert.Equal(0, await silo.EndAsync(Ct));
    }

    [Fact]
    public async Task Silo_WhenItsPortIsTaken_NamesItAndEnds()
    {
        await using var cluster = await database.NewAsync();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var silo = cluster.Start("--urls", $"http://{other.LocalEndpoint}");
        Assert.Equal(2, await silo.EndAsync(Ct));
        Assert.Contains($"The silo cannot listen: Failed to bind to address http://{other.LocalEndpoint}", silo.Said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Client_WhenTheDatabaseIsAwayDuringItsCall_RepeatsTheCall()
    {
        await using var cluster = await database.NewAsync();
        await using var proxy = new PostgresProxy(cluster.Address);
        using var silo = SiloProcess.Start(proxy.Address, Path.GetTempPath(), ["--device", "cpu"]);
        await silo.WaitForAsync("ready", null, Ct);
        var client = await cluster.ClientAsync();
        await client.SilosAsync(Ct);
        proxy.Cut();

        // A grain that is not awake has to read its state.
        var calls = 0;
        var second = new TaskCompletionSource();
        var answer = client.CallAsync(
            async () =>
            {
                if (Interlocked.Increment(ref calls) == 2)
                    second.SetResult();
                return (await client.Grains.GetGrain<IExperimentGrain>("4711").DescribeAsync(), true);
            },
            Ct);
        await second.Task.WaitAsync(TimeSpan.FromSeconds(60), Ct);
        proxy.Restore();
        Assert.Null((await answer).Item1);
    }

    private static async Task<SiloState> JoinedAsync(Cluster cluster)
    {
        for (var i = 0; i < 600; i++)
        {
            if (await cluster.SilosAsync() is [var silo])
                return silo;
            await Task.Delay(50, Ct);
        }

        throw new TimeoutException("no silo joined");
    }
}
