// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;

namespace Teravox.EndToEnd.Tests;

/// <summary>Whatever kills the program, the next start goes on and ends with the bytes of an unbroken run.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private const int LeastKills = 22;

    // Fault points reached before the kill. The longest item passes some sixty, and three items overlap; five deaths in a row
    // without progress would park them, so some starts get further than that.
    private static readonly int[] Points = [150, 97, 121, 79, 106];

    private static readonly string[] Tiny =
    [
        "--threads", "1",
        "--set", "data.phantom.shape=[16,48,48]",
        "--set", "network.fMaps=4",
        "--set", "training.iterations=60",
        "--set", "training.checkpointEvery=4",
        "--set", "training.patch=[8,16,16]",
        "--set", "inference.tile=[16,16,16]",
        "--set", "storage.chunk=[16,16,16]",
        "--set", "preset=train",
    ];

    [Fact]
    public async Task Run_WhenKilledAtTwentyTwoPoints_EndsWithTheBytesOfAnUnbrokenRun()
    {
        using var folder = new TemporaryFolder();
        (await TeravoxProcess.RunAsync(Command(folder["unbroken"]))).MustSucceed();

        // The points move from kill to kill and from chain to chain, so that they fall into every stage: into chunk
        // writes, before and after commits, between the two files of a checkpoint.
        var kills = 0;
        for (var chain = 0; kills < LeastKills; chain++)
        {
            var killed = folder["killed" + chain.ToString(CultureInfo.InvariantCulture)];
            kills += await RunUnderKillsAsync(killed, chain);
            Results.MustEqual(folder["unbroken"], killed);
            Assert.Empty(Directory.EnumerateFileSystemEntries(killed, ".tmp-*", SearchOption.AllDirectories));
        }

        output.WriteLine($"{kills} kills");
    }

    private static async Task<int> RunUnderKillsAsync(string folder, int chain)
    {
        for (var kills = 0; kills < 100; kills++)
        {
            var point = Points[kills % Points.Length] + (3 * chain);
            var result = await TeravoxProcess.RunAsync(Command(folder), ("TERAVOX_KILL_AT", "*:" + point.ToString(CultureInfo.InvariantCulture)));
            if (result.WasKilled)
                continue;
            result.MustSucceed();
            Assert.True(kills > 0, "no point was reached: the kill switch does not work");
            return kills;
        }

        throw new InvalidOperationException("after 100 kills it has not ended");
    }

    [Theory]
    [InlineData("train-multiclass: iteration")]
    [InlineData("infer-multiclass: ")]
    public async Task Run_WhenKilledFromOutside_EndsWithTheBytesOfAnUnbrokenRun(string moment)
    {
        using var folder = new TemporaryFolder();
        var unbroken = (await TeravoxProcess.RunAsync([.. Command(folder["unbroken"]), "--json"])).MustSucceed();

        // Of the commits that it tells of, the last of every stage is never left out.
        var items = unbroken.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line))
            .Where(line => line.GetProperty("kind").GetString() == "committed" && line.GetProperty("done").GetInt32() == line.GetProperty("total").GetInt32())
            .DistinctBy(line => line.GetProperty("stage").GetString())
            .Sum(line => line.GetProperty("total").GetInt32());

        // Its lines are heard late on a busy machine: it waits at its last commit for a kill that has not come by then.
        using (var process = TeravoxProcess.Start([.. Command(folder["killed"]), "--json"], ("TERAVOX_STOP_AT", string.Create(CultureInfo.InvariantCulture, $"item.before-commit:{items}"))))
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
    public async Task Run_WhenKilledWhileItMakesLevels_EndsWithTheBytesOfAnUnbrokenRun()
    {
        using var folder = new TemporaryFolder();
        (await TeravoxProcess.RunAsync(Long(folder["unbroken"]))).MustSucceed();
        Assert.True(File.Exists(Path.Combine(folder["unbroken"], "labels.zarr", "s1", ".zarray")));

        // Raw, truth and labels each come to this point; the arrays are there then, and nothing names them yet.
        foreach (var volume in (int[])[1, 1, 2])
        {
            var point = $"levels.before-metadata:{volume}";
            var run = await TeravoxProcess.RunAsync(Long(folder["killed"]), ("TERAVOX_KILL_AT", point));

            // A tile of another volume may write that one's metadata while the process dies, and leave no second one to be killed at.
            Assert.True(run.WasKilled || (volume == 2 && run.ExitCode == 0), $"{point}: {run.Error}");
        }

        (await TeravoxProcess.RunAsync(Long(folder["killed"]))).MustSucceed();
        Results.MustEqual(folder["unbroken"], folder["killed"]);

        static string[] Long(string outDir) => [.. Command(outDir), "--set", "data.phantom.shape=[8,16,320]", "--set", "training.iterations=4"];
    }

    [Fact]
    public async Task Run_WhenInterrupted_SaysSoAndGoesOnLater()
    {
        using var folder = new TemporaryFolder();
        string[] longer = [.. Command(folder["interrupted"]), "--set", "training.iterations=3000"];
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
