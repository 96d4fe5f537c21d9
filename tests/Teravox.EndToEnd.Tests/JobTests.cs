// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;

namespace Teravox.EndToEnd.Tests;

/// <summary>What people do with a finished experiment, as they would type it.</summary>
public sealed class JobTests(FinishedExperiment finished, ITestOutputHelper output) : IClassFixture<FinishedExperiment>
{
    [Fact]
    public void Run_WhenItSucceeds_LeavesEverythingItPromises()
    {
        string[] promised =
        [
            "report.html", "scores.csv", "scores.json", "confusion.csv", "provenance.json",
            "labels.zarr/.zattrs", "probabilities.zarr/.zattrs", "models/multiclass.safetensors",
        ];
        Assert.All(promised, f => Assert.True(File.Exists(Path.Combine(finished.Out, f)), f + " is missing"));
        var html = File.ReadAllText(Path.Combine(finished.Out, "report.html"));
        Assert.Contains("<svg", html, StringComparison.Ordinal);
        Assert.Contains("data:image/png;base64,", html, StringComparison.Ordinal);
        Assert.DoesNotContain("src=\"http", html, StringComparison.Ordinal);
        using var provenance = JsonDocument.Parse(File.ReadAllText(Path.Combine(finished.Out, "provenance.json")));
        Assert.Equal(64, provenance.RootElement.GetProperty("models").GetProperty("multiclass").GetString()!.Length);
        Assert.Equal(64, provenance.RootElement.GetProperty("inputs").GetProperty("raw").GetString()!.Length);
    }

    [Fact]
    public async Task Score_WhenGivenTheModelsThresholds_AgreesWithTheReportsCounts()
    {
        // The report scores the test sections only; over all sections the counts are those of a score of the whole.
        var truth = Path.Combine(finished.Stack, "labels");
        string[] command = ["score", Path.Combine(finished.Out, "probabilities.zarr"), "--labels", truth, "--classes", Path.Combine(finished.Stack, "classes.json"), "--json"];
        using var own = JsonDocument.Parse((await TeravoxProcess.RunAsync(command)).MustSucceed().Output);
        using var models = JsonDocument.Parse((await TeravoxProcess.RunAsync([.. command, "--model", finished.Model])).MustSucceed().Output);
        using var report = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(finished.Out, "scores.json"), TestContext.Current.CancellationToken));
        var (best, given, tested) = (Classes(own), Classes(models), Classes(report));
        Assert.Equal(8, best.Count);
        for (var c = 0; c < best.Count; c++)
        {
            Assert.Equal(tested[c].GetProperty("threshold").GetInt32(), given[c].GetProperty("threshold").GetInt32());
            Assert.True(F1(best[c]) >= F1(given[c]), "the best threshold is worse than another");
        }
    }

    [Fact]
    public async Task Score_WhenGivenTheTruthItself_IsPerfect()
    {
        var labels = Path.Combine(finished.Stack, "labels");
        using var json = JsonDocument.Parse((await TeravoxProcess.RunAsync("score", labels, "--labels", labels, "--classes", Path.Combine(finished.Stack, "classes.json"), "--json")).MustSucceed().Output);
        Assert.All(Classes(json).Where(c => c.GetProperty("shareTest").GetDouble() > 0), c => Assert.Equal(1.0, F1(c)));
    }

    [Fact]
    public async Task Segment_WhenTheSameStackComesAsFolderZipAndAnyTiling_GivesTheSameLabels()
    {
        using var folder = new TemporaryFolder();
        var raw = Path.Combine(finished.Stack, "raw");
        ZipFile.CreateFromDirectory(raw, folder["raw.zip"]);
        (await TeravoxProcess.RunAsync("segment", raw, "--model", finished.Model, "--out", folder["a"])).MustSucceed();
        (await TeravoxProcess.RunAsync("segment", folder["raw.zip"], "--model", finished.Model, "--out", folder["b"])).MustSucceed();
        foreach (var file in (string[])["labels.zarr/.zattrs", "probabilities.zarr/.zattrs", "provenance.json"])
            Assert.True(File.Exists(Path.Combine(folder["a"], file)), file + " is missing");
        Assert.Equal(Results.Of(Path.Combine(folder["a"], "labels.zarr")), Results.Of(Path.Combine(folder["b"], "labels.zarr")));

        // The experiment segmented the same volume with the same model: its labels are these.
        foreach (var (volume, where) in ((string, string)[])[("a", folder["a"]), ("b", folder["b"]), ("run", finished.Out)])
            (await TeravoxProcess.RunAsync("export", Path.Combine(where, "labels.zarr"), "--format", "png", "--out", folder[volume + "-png"])).MustSucceed();
        Assert.Equal(12, Directory.GetFiles(folder["a-png"], "*.png").Length);
        Assert.Equal(Results.Of(folder["run-png"]), Results.Of(folder["a-png"]));
    }

    [Fact]
    public async Task Segment_WhenTheStackIsAnOmeZarr_ReadsItWhereItLies()
    {
        using var folder = new TemporaryFolder();
        var volume = Path.Combine(finished.Out, ".teravox", "raw.zarr");
        (await TeravoxProcess.RunAsync("segment", volume, "--model", finished.Model, "--out", folder["out"])).MustSucceed();
        Assert.False(Directory.Exists(Path.Combine(folder["out"], ".teravox", "raw.zarr")), "the volume was copied");
        (await TeravoxProcess.RunAsync("export", Path.Combine(finished.Out, "labels.zarr"), "--format", "tif", "--out", folder["run"])).MustSucceed();
        (await TeravoxProcess.RunAsync("export", Path.Combine(folder["out"], "labels.zarr"), "--format", "tif", "--out", folder["segmented"])).MustSucceed();
        Results.MustEqual(folder["run"], folder["segmented"]);
    }

    [Fact]
    public async Task Export_WhenProbabilitiesAreAsked_WritesOneFolderAClass()
    {
        using var folder = new TemporaryFolder();
        (await TeravoxProcess.RunAsync("export", Path.Combine(finished.Out, "probabilities.zarr"), "--format", "tif", "--out", folder["tif"])).MustSucceed();
        Assert.Equal(8, Directory.GetDirectories(folder["tif"]).Length);
        Assert.All(Directory.GetDirectories(folder["tif"]), d => Assert.Equal(12, Directory.GetFiles(d, "*.tif").Length));
    }

    [Fact]
    public async Task Explore_WhenGivenLabels_ShowsSharesAndOverlays()
    {
        using var folder = new TemporaryFolder();
        (await TeravoxProcess.RunAsync(
            "explore", Path.Combine(finished.Stack, "raw"), "--labels", Path.Combine(finished.Stack, "labels"),
            "--classes", Path.Combine(finished.Stack, "classes.json"), "--out", folder["look"])).MustSucceed();
        var csv = await File.ReadAllLinesAsync(Path.Combine(folder["look"], "classes.csv"), TestContext.Current.CancellationToken);
        Assert.Equal(9, csv.Length);
        Assert.Equal(12 * 40 * 44, csv.Skip(1).Sum(l => long.Parse(l.Split(',')[2], CultureInfo.InvariantCulture)));
        Assert.Contains("<svg", await File.ReadAllTextAsync(Path.Combine(folder["look"], "explore.html"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_OfEveryCommand_EndsWithAnExample()
    {
        foreach (var command in (string[])["demo", "doctor", "run", "segment", "zssr", "score", "export", "explore", "phantom", "model show", "model import", "silo", "cluster"])
        {
            var help = (await TeravoxProcess.RunAsync([.. command.Split(' '), "--help"])).MustSucceed().Output;
            Assert.Contains("Example:", help, StringComparison.Ordinal);
            Assert.Contains($"./teravox {command}", help, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Run_OfTheQuickPhantom_PutsMulticlassAndBinarySideBySide()
    {
        using var folder = new TemporaryFolder();
        var result = (await TeravoxProcess.RunAsync("run", Spec("phantom-quick.json"), "--out", folder["out"])).MustSucceed();
        output.WriteLine(result.Output);
        using var report = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder["out"], "scores.json"), TestContext.Current.CancellationToken));
        Assert.Equal(["multiclass", "binary"], report.RootElement.GetProperty("predictions").EnumerateArray().Select(p => p.GetProperty("name").GetString()!));
        Assert.Equal(9, Directory.GetFiles(Path.Combine(folder["out"], "models"), "*.safetensors").Length);
        Assert.True(Directory.Exists(Path.Combine(folder["out"], "probabilities-binary.zarr")));

        // Cytosol and membrane are half learnt even in so short a training: well above calling every voxel.
        foreach (var prediction in report.RootElement.GetProperty("predictions").EnumerateArray())
        {
            foreach (var id in (int[])[0, 3])
            {
                var c = prediction.GetProperty("classes")[id];
                Assert.True(F1(c) > c.GetProperty("floor").GetDouble() + 0.02, $"{prediction.GetProperty("name")}, {c.GetProperty("name")}: F1 {F1(c)}");
            }
        }
    }

    [Fact]
    public async Task Run_OfTheNerveCord_LearnsInAShortForm()
    {
        var data = VncData.Require();
        using var folder = new TemporaryFolder();
        (await TeravoxProcess.RunAsync(
            "run", Spec("drosophila-vnc.json"), "--set", "data=" + data, "--out", folder["out"],
            "--set", "network={\"levels\":2,\"fMaps\":8,\"pool\":[[1,2,2]]}", "--set", "training.iterations=120", "--set", "training.learningRate=0.004",
            "--set", "training.patch=[4,96,96]")).MustSucceed();
        using var report = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder["out"], "scores.json"), TestContext.Current.CancellationToken));
        var classes = Classes(report);
        output.WriteLine(string.Join(", ", classes.Select(c => $"{c.GetProperty("name")} {F1(c):F3}")));
        Assert.True(F1(classes[1]) > 0.45, $"membrane: F1 {F1(classes[1])}, floor 0.29");
    }

    private static string Spec(string name) => Path.Combine(TeravoxProcess.RepositoryRoot, "specs", name);

    private static List<JsonElement> Classes(JsonDocument report) =>
        [.. report.RootElement.GetProperty("predictions")[0].GetProperty("classes").EnumerateArray()];

    private static double F1(JsonElement c) => c.TryGetProperty("f1", out var f1) && f1.ValueKind == JsonValueKind.Number ? f1.GetDouble() : 0;
}
