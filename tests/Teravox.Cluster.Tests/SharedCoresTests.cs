// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Testing;

namespace Teravox.Cluster.Tests;

/// <summary>A silo with several CPU devices: they share its threads, work side by side, and leave the bytes of one device.</summary>
public sealed class SharedCoresTests(Database database)
{
    /// <summary>A multiclass and eight binary networks to train, each of which takes a device for itself.</summary>
    private static readonly string[] Table = ["preset=table4", "training.iterations=60", "binaryIterations=60", "training.checkpointEvery=30"];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Silo_WithTwoCpuDevices_WorksOnBothAndLeavesTheBytesOfOne()
    {
        await using var lone = await database.NewAsync();
        lone.Start();
        var expected = await lone.SubmitAsync(Table);
        await lone.SucceedAsync(expected);

        // The cluster's silos have one thread; the last of the options counts. Each device gets one of the two.
        await using var cluster = await database.NewAsync();
        var silo = cluster.Start(threads: 2, "--device", "cpu");
        Assert.Equal([1, 1], await ThreadsAsync(silo));
        var experiment = await cluster.SubmitAsync(Table);
        await cluster.SucceedAsync(experiment);

        Assert.Equal(2, await MostAtOnceAsync(silo, "train-"));
        cluster.MustEqual(experiment, lone, expected);
    }

    [Fact]
    public async Task Silo_WhenThreadsDoNotDivide_SharesOutAllAndNoMore()
    {
        await using var cluster = await database.NewAsync();
        Assert.Equal([3, 2], await ThreadsAsync(cluster.Start(threads: 5, "--device", "cpu")));
    }

    [Fact]
    public async Task Silo_WithFewerThreadsThanCpuDevices_SaysSo()
    {
        await using var cluster = await database.NewAsync();
        var silo = cluster.Start("--device", "cpu");
        Assert.Equal(2, await silo.EndAsync(Ct));
        Assert.Contains("--threads 1: 2 CPU devices need a thread each", silo.Said, StringComparison.Ordinal);
    }

    /// <summary>Threads of its devices, by what it said when it started.</summary>
    private static async Task<IEnumerable<int>> ThreadsAsync(SiloProcess silo) =>
        (await silo.WaitForAsync("start", null, Ct)).GetProperty("devices").EnumerateArray().Select(d => d.GetProperty("threads").GetInt32());

    /// <summary>Items of the stages that it had under way at a time, by its lines, which end with the report's.</summary>
    private static async Task<int> MostAtOnceAsync(SiloProcess silo, string stages)
    {
        await silo.WaitForAsync("done", line => line.GetProperty("stage").GetString() == "report", Ct);
        int running = 0, most = 0;
        foreach (var line in silo.Lines.Where(l => l.TryGetProperty("stage", out var stage) && stage.GetString()!.StartsWith(stages, StringComparison.Ordinal)))
        {
            running += line.GetProperty("kind").GetString() switch { "claimed" => 1, "committed" or "failed" or "stopped" => -1, _ => 0 };
            most = Math.Max(most, running);
        }

        return most;
    }
}
