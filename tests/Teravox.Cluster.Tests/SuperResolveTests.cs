// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Cluster.Tests;

/// <summary>Super-resolution by several silos: its sections are items, so any number of silos leaves the bytes of one.</summary>
public sealed class SuperResolveTests(Database database)
{
    private static readonly string[] Small =
        ["preset=super-resolve", "data.phantom.shape=[8,24,28]", "superResolve={\"maxIterations\":30,\"ensemble\":false}"];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SuperResolve_WhenASiloIsKilledInMidSectionAndTwoGoOn_LeavesTheBytesOfOneSilo()
    {
        await using var lone = await database.NewAsync();
        lone.Start();
        var unbroken = await lone.SubmitAsync(Small);
        await lone.SucceedAsync(unbroken);

        await using var cluster = await database.NewAsync();
        var doomed = cluster.Start();
        var experiment = await cluster.SubmitAsync(Small);
        await cluster.RunningAsync(experiment, "super-resolve");
        doomed.Kill();
        await doomed.EndAsync(Ct);
        cluster.Start();
        cluster.Start();
        await cluster.SucceedAsync(experiment);

        Assert.True(File.Exists(Path.Combine(cluster.Folder(experiment), "boosted.zarr/s0/0/0/0")));
        Assert.True(File.Exists(Path.Combine(cluster.Folder(experiment), "original-bicubic-boosted.png")));
        cluster.MustEqual(experiment, lone, unbroken);
    }
}
