// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Cluster.Tests;

/// <summary>A training that moves from silo to silo ends with the weights of one that stayed.</summary>
public sealed class PreemptionTests(Database database)
{
    private const string Train = "train-multiclass";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("kill")]
    [InlineData("freeze")]
    [InlineData("drain")]
    public async Task Training_WhenItsSiloIsLost_GoesOnElsewhereToTheSameBytes(string how)
    {
        await using var cluster = await database.NewAsync();
        var unbroken = await database.UnbrokenAsync();
        var first = cluster.Start("--grace", "0");

        // Under way, past some checkpoints, on the only silo there is: whoever goes on does so from those.
        var moved = await cluster.SubmitAsync();
        var before = await cluster.RunningAsync(moved, Train, 0.2);
        var checkpoints = Path.Combine(cluster.Folder(moved), ".teravox", "checkpoints", "multiclass");
        Assert.NotEmpty(Directory.GetFiles(checkpoints, "*.safetensors", SearchOption.AllDirectories));
        switch (how)
        {
            case "kill":
                first.Kill();
                break;
            case "freeze":
                first.Freeze();
                break;
            default:
                first.Terminate();
                Assert.Equal(0, await first.EndAsync(Ct));
                break;
        }

        var second = cluster.Start();
        var taken = await second.WaitForAsync("claimed", line => line.GetProperty("stage").GetString() == Train, Ct);
        Assert.True(taken.GetProperty("attempt").GetInt32() > before.Attempt, $"attempt {taken.GetProperty("attempt")} follows {before.Attempt}");

        if (how == "freeze")
        {
            // The late holder must find out, and write nothing that counts.
            first.Thaw();
            await first.WaitForAsync("stopped", line => line.GetProperty("stage").GetString() == Train, Ct);
        }

        await cluster.SucceedAsync(moved);
        Assert.Equal(unbroken, cluster.Model(moved));
        var done = await second.WaitForAsync("committed", line => line.GetProperty("stage").GetString() == Train, Ct);
        Assert.Equal(moved, done.GetProperty("experiment").GetInt64());

        // Of the first silo's only: on a busy machine the second one may be taken for dead too.
        var deaths = (await cluster.Catalog.EventsAsync(moved, 0, 1000, Ct)).Count(e => e.Kind == "death" && e.Text.Contains(before.Silo, StringComparison.Ordinal));
        Assert.Equal(how == "drain", deaths == 0);
        Assert.Empty(Directory.EnumerateFileSystemEntries(cluster.Folder(moved), "*.tmp-*", SearchOption.AllDirectories));
    }
}
