// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Text.Json;
using Teravox.EndToEnd.Tests;

namespace Teravox.Client.Tests;

/// <summary>The commands as people type them, against a real silo.</summary>
public sealed class CommandTests(LiveSilo live)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Submit_WhenWatchedAndFetched_GivesWhatAnEmbeddedRunGives()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["spec.json"], LiveSilo.Spec("typed"), Ct);
        var submitted = (await Teravox("submit", folder["spec.json"], "--set", "training.iterations=30", "--watch")).MustSucceed();
        Assert.Contains("train", submitted.Error, StringComparison.Ordinal);
        Assert.Contains("mitochondria", submitted.Output, StringComparison.Ordinal);
        var id = Number(submitted.Output);

        (await Teravox("report", id, "--out", folder["fetched"], "--all")).MustSucceed();
        (await TeravoxProcess.RunAsync("run", folder["spec.json"], "--set", "training.iterations=30", "--threads", "1", "--out", folder["embedded"])).MustSucceed();
        var (expected, fetched) = (Results.Of(folder["embedded"]), Results.Of(folder["fetched"]));
        Assert.Equal(expected.Keys, fetched.Keys);
        foreach (var name in expected.Keys.Where(n => n is "scores.json" or "scores.csv" or "confusion.csv" || n.EndsWith(".safetensors", StringComparison.Ordinal) || n.Contains(".zarr/", StringComparison.Ordinal)))
            Assert.True(expected[name].AsSpan().SequenceEqual(fetched[name]), $"{name} differs");

        // A second fetch has nothing left to do and says so.
        var again = (await Teravox("report", id, "--out", folder["fetched"], "--all", "--json")).MustSucceed();
        Assert.Contains("\"kind\":\"fetched\"", again.Output, StringComparison.Ordinal);
        Assert.Contains("\"bytesPerSecond\":0", again.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Campaign_WhenFetched_HasTheSummaryOfAnEmbeddedRun()
    {
        using var folder = new TemporaryFolder();
        var spec = LiveSilo.Spec("one").Replace("\"name\": \"one\",", "", StringComparison.Ordinal);
        await File.WriteAllTextAsync(folder["rates.json"], $$"""{ "name": "fetched-rates", "spec": {{spec}}, "grid": { "training.iterations": [3, 4] }, "repeats": 2 }""", Ct);
        (await Teravox("campaign", folder["rates.json"], "--set", "training.learningRate=0.01")).MustSucceed();
        using var client = live.Client();
        foreach (var experiment in (await client.Campaigns.FindAsync("fetched-rates", Ct))!.Experiments)
            Assert.Equal("succeeded", (await client.Experiments.WatchAsync(experiment.Id, static _ => { }, TimeSpan.FromMilliseconds(200), Ct)).State);

        Assert.Contains("fetched-rates-003", (await Teravox("campaign", "fetched-rates", "--out", folder["fetched"])).MustSucceed().Output, StringComparison.Ordinal);
        (await TeravoxProcess.RunAsync("run", folder["rates.json"], "--set", "training.learningRate=0.01", "--threads", "1", "--out", folder["embedded"])).MustSucceed();
        foreach (var file in (string[])["summary.csv", "fetched-rates-004/scores.csv"])
            Assert.Equal(await File.ReadAllTextAsync(folder["embedded/" + file], Ct), await File.ReadAllTextAsync(folder["fetched/" + file], Ct));
        var html = await File.ReadAllTextAsync(folder["fetched/summary.html"], Ct);
        Assert.Contains("<dd>4 of 4</dd>", html, StringComparison.Ordinal);
        Assert.True(File.Exists(folder["fetched/fetched-rates-001/report.html"]));
        (await Teravox("campaign", "no-such", "--out", folder["none"])).MustRefuse("no-such", "neither a file nor a campaign");
    }

    [Fact]
    public async Task Status_WhenGivenJson_IsReadByMachines()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["spec.json"], LiveSilo.Spec("listed", 1_000_000), Ct);
        var submitted = (await Teravox("submit", folder["spec.json"], "--priority", "7", "--json")).MustSucceed();
        var made = JsonElement.Parse(submitted.Output);
        var id = made.GetProperty("id").GetRawText();
        Assert.Equal(7, made.GetProperty("priority").GetInt32());

        var listed = (await Teravox("status", "--json")).MustSucceed().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains(listed, line => JsonElement.Parse(line).GetProperty("id").GetRawText() == id);
        Assert.Contains("listed", (await Teravox("status")).MustSucceed().Output, StringComparison.Ordinal);

        Assert.Contains("is paused", (await Teravox("pause", id)).MustSucceed().Output, StringComparison.Ordinal);
        var shown = (await Teravox("status", id)).MustSucceed().Output;
        Assert.Contains($"Experiment {id} (listed): paused", shown, StringComparison.Ordinal);
        Assert.Contains("train-multiclass", shown, StringComparison.Ordinal);
        Assert.Contains("is running", (await Teravox("resume", id)).MustSucceed().Output, StringComparison.Ordinal);
        Assert.Contains("is cancelled", (await Teravox("cancel", id)).MustSucceed().Output, StringComparison.Ordinal);
        (await Teravox("retry", id)).MustRefuse("cancelled");
        Assert.Equal(1, (await Teravox("status", id, "--watch")).ExitCode);
        (await Teravox("status", "999999")).MustRefuse("999999");
        Assert.Contains("cpu", (await Teravox("silos")).MustSucceed().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Submit_WhenTheClusterRefuses_SaysItsSentence()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["spec.json"], LiveSilo.Spec("refused"), Ct);
        var refused = await Teravox("submit", folder["spec.json"], "--set", "split={\"train\":[0,90],\"test\":[6,8]}");
        refused.MustRefuse("split.train", "8 sections");
        Assert.Equal(2, refused.ExitCode);
    }

    [Fact]
    public async Task Submit_WhenNoSiloCanRunIt_SaysWhatIsMissingAtOnceAndInTheStatus()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["spec.json"], LiveSilo.Spec("needy"), Ct);
        var submitted = (await Teravox("submit", folder["spec.json"], "--set", "needs.tag=disk=fast")).MustSucceed();
        Assert.Contains("No silo can run it now: needs", submitted.Error, StringComparison.Ordinal);
        var id = Number(submitted.Output);
        using var client = live.Client();
        var deadline = Stopwatch.StartNew();
        while ((await client.Experiments.ProgressAsync(long.Parse(id), Ct)).Stages.All(s => s.Blocked is null))
        {
            Assert.True(deadline.Elapsed < TimeSpan.FromSeconds(60), "no stage was reported as blocked within a minute");
            await Task.Delay(200, Ct);
        }

        Assert.Contains("blocked: needs", (await Teravox("status", id)).MustSucceed().Output, StringComparison.Ordinal);
        (await Teravox("cancel", id)).MustSucceed();
    }

    [Fact]
    public async Task Command_WhenNobodyListens_SaysHowToStartACluster()
    {
        var nobody = await TeravoxProcess.RunAsync("status", "--server", "http://127.0.0.1:9");
        nobody.MustRefuse("no Teravox answers at http://127.0.0.1:9", "./teravox cluster");
        Assert.Equal(1, nobody.ExitCode);
        (await TeravoxProcess.RunAsync("status", "--server", "somewhere")).MustRefuse("--server somewhere");
    }

    [Fact]
    public async Task Help_OfEveryCommand_EndsWithAnExample()
    {
        foreach (var command in (string[])["submit", "status", "pause", "report", "campaign", "silos", "volumes add", "models add"])
        {
            var help = (await TeravoxProcess.RunAsync([.. command.Split(' '), "--help"])).MustSucceed().Output;
            Assert.Contains("Example:", help, StringComparison.Ordinal);
            Assert.Contains($"./teravox {command}", help, StringComparison.Ordinal);
        }
    }

    private Task<TeravoxProcess.Result> Teravox(params string[] arguments) => TeravoxProcess.RunAsync(arguments, [("TERAVOX_SERVER", live.Url)]);

    private static string Number(string output) => output.Split("Experiment ")[1].Split(' ')[0];
}
