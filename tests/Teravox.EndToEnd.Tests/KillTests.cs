// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace Teravox.EndToEnd.Tests;

/// <summary>Whatever kills the program, the next start goes on and ends with the bytes of an unbroken run.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private const int LeastKills = 20;

    private static readonly string[] Tiny =
    [
        "--threads", "1",
        "--set", "data.phantom.shape=[16,48,48]",
        "--set", "network.fMaps=4",
        "--set", "training.iterations=24",
        "--set", "training.checkpointEvery=4",
        "--set", "training.patch=[8,16,16]",
        "--set", "inference.tile=[16,32,32]",
        "--set", "storage.chunk=[8,16,16]",
        "--set", "preset=train",
    ];

    [Fact]
    public async Task Run_WhenKilledAtTwentyPoints_EndsWithTheBytesOfAnUnbrokenRun()
    {
        using var folder = new TemporaryFolder();
        (await TeravoxProcess.RunAsync(Command(folder["unbroken"]))).MustSucceed();

        // The points move from kill to kill, so that they fall into every stage: into chunk writes, before and after
        // commits, between the two files of a checkpoint.
        var kills = 0;
        for (var run = 0; ; run++)
        {
            Assert.True(run < 200, $"after {kills} kills it has not ended");
            var point = 9 + (run * 7 % 23);
            var result = await TeravoxProcess.RunAsync(
                Command(folder["killed"]),
                ("TERAVOX_KILL_AT", "*:" + point.ToString(CultureInfo.InvariantCulture)));
            if (result.WasKilled)
            {
                kills++;
                continue;
            }

            result.MustSucceed();
            break;
        }

        output.WriteLine($"{kills} kills");
        Assert.True(kills >= LeastKills, $"only {kills} kills before it ended");
        Results.MustEqual(folder["unbroken"], folder["killed"]);
        Assert.Empty(Directory.EnumerateFiles(folder["killed"], ".tmp-*", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("train-multiclass: iteration")]
    [InlineData("infer-multiclass: ")]
    public async Task Run_WhenKilledFromOutside_EndsWithTheBytesOfAnUnbrokenRun(string moment)
    {
        using var folder = new TemporaryFolder();
        (await TeravoxProcess.RunAsync(Command(folder["unbroken"]))).MustSucceed();

        using (var process = TeravoxProcess.Start([.. Command(folder["killed"]), "--json"]))
        {
            var stage = moment.Split(':')[0];
            process.OutputLine += line =>
            {
                if (line.Contains($"\"stage\":\"{stage}\"", StringComparison.Ordinal))
                    process.Kill();
            };
            Assert.True((await process.EndAsync()).WasKilled);
        }

        (await TeravoxProcess.RunAsync(Command(folder["killed"]))).MustSucceed();
        Results.MustEqual(folder["unbroken"], folder["killed"]);
    }

    [Fact]
    public async Task Run_WhenInterrupted_SaysSoAndGoesOnLater()
    {
        using var folder = new TemporaryFolder();
        string[] longer = [.. Command(folder["interrupted"]), "--set", "training.iterations=400"];
        using (var process = TeravoxProcess.Start([.. longer, "--json"]))
        {
            var told = 0;
            process.OutputLine += line =>
            {
                if (line.Contains("\"stage\":\"train-multiclass\"", StringComparison.Ordinal) && Interlocked.Exchange(ref told, 1) == 0)
                    process.Interrupt();
            };
            var result = await process.EndAsync();
            Assert.Equal(130, result.ExitCode);
            Assert.Contains("the same command goes on", result.Error, StringComparison.Ordinal);
        }

        var second = (await TeravoxProcess.RunAsync(longer)).MustSucceed();
        Assert.Contains("going on from the last commit", second.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(folder["interrupted"], "report.html")));
    }

    [Fact]
    public async Task Run_WhenAnotherProcessWorksInTheFolder_IsRefused()
    {
        using var folder = new TemporaryFolder();
        using var first = TeravoxProcess.Start([.. Command(folder["out"]), "--json", "--set", "training.iterations=100000"]);
        var training = new TaskCompletionSource();
        first.OutputLine += line =>
        {
            if (line.Contains("\"stage\":\"train-multiclass\"", StringComparison.Ordinal))
                training.TrySetResult();
        };
        await training.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        (await TeravoxProcess.RunAsync([.. Command(folder["out"]), "--set", "training.iterations=100000"])).MustRefuse(folder["out"], "another");
        first.Kill();
        await first.EndAsync();
    }

    private static string[] Command(string outDir) =>
        ["run", Path.Combine(TeravoxProcess.RepositoryRoot, "specs", "phantom-quick.json"), .. Tiny, "--out", outDir];
}
