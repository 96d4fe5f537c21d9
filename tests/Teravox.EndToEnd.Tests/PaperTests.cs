// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Volumes;
using Teravox.Volumes.Phantom;

namespace Teravox.EndToEnd.Tests;

/// <summary>The campaign over the source's three tables in small, killed in its second run and started again.</summary>
public sealed class QuickPaper : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>Less training than --quick has: what is compared does not depend on how much was learnt.</summary>
    public static IReadOnlyList<string> Smaller { get; } = ["--set", "training.iterations=40", "--set", "training.checkpointEvery=20", "--set", "binaryIterations=15"];

    /// <summary>The campaign's folder.</summary>
    public string Out => _folder["paper"];

    /// <summary>What the kill left of the summary.</summary>
    public string SummaryAfterKill { get; private set; } = "";

    /// <summary>What the second start said, a JSON object a line.</summary>
    public IReadOnlyList<string> SecondStart { get; private set; } = [];

    /// <summary>The folder of the run over a preset.</summary>
    public string RunOf(string preset) => Path.Combine(Out, $"source-paper-00{preset[^1] - '3'}");

    public async ValueTask InitializeAsync()
    {
        string[] command = ["run", "source-paper", "--quick", .. Smaller, "--out", Out, "--json"];
        using (var process = TeravoxProcess.Start(command))
        {
            process.OutputLine += line =>
            {
                if (line.Contains("\"stage\":\"super-resolve\"", StringComparison.Ordinal))
                    process.Kill();
            };
            var killed = await process.EndAsync();
            Assert.True(killed.WasKilled, killed.Error);
        }

        SummaryAfterKill = await File.ReadAllTextAsync(Path.Combine(Out, "summary.html"));
        SecondStart = (await TeravoxProcess.RunAsync(command)).MustSucceed().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>The source's experiments by the command that people type: every table has numbers, and they are those of the volumes.</summary>
public sealed class PaperTests(QuickPaper paper, ITestOutputHelper output) : IClassFixture<QuickPaper>
{
    private static readonly PhantomVolume Truth = Phantom.Generate(new Int3(12, 64, 64), 7);

    // The first 25 of 32 sections train.
    private static readonly Box3 Test = Box3.Between(new Int3(9, 0, 0), Truth.Shape), Train = Box3.Whole(new Int3(9, 64, 64));

    [Fact]
    public void Campaign_WhenKilledInItsSecondRun_GoesOnWithWhatIsLeft()
    {
        Assert.Contains("<dd>1 of 3</dd>", paper.SummaryAfterKill, StringComparison.Ordinal);
        var second = paper.SecondStart.ToList();
        int Of(int number) => second.FindIndex(l => l.Contains($"\"kind\":\"run\",\"number\":{number},\"runs\":3", StringComparison.Ordinal));
        Assert.DoesNotContain(second[Of(1)..Of(2)], l => l.Contains("\"committed\"", StringComparison.Ordinal));
        Assert.Contains(second[Of(2)..Of(3)], l => l.Contains("\"resumed\":true", StringComparison.Ordinal));
        Assert.DoesNotContain(second[Of(2)..Of(3)], l => l.Contains("\"stage\":\"import\"", StringComparison.Ordinal));
        Assert.Contains(second[Of(3)..], l => l.Contains("\"stage\":\"import\"", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("table4", "multiclass", "binary")]
    [InlineData("table5", "original", "lr", "boosted")]
    [InlineData("table6", "lr", "boosted")]
    public async Task Table_WhenRunInSmall_IsThatOfTheCampaignAndOfTheVolumes(string preset, params string[] predictions)
    {
        // 1. The single run has the bytes of the campaign's, which was killed meanwhile; the names in report and scores differ.
        using var folder = new TemporaryFolder();
        output.WriteLine((await TeravoxProcess.RunAsync(["run", preset, "--quick", .. QuickPaper.Smaller, "--out", folder["out"]])).MustSucceed().Output);
        var (single, inCampaign) = (Results.Of(folder["out"]), Results.Of(paper.RunOf(preset)));
        Assert.Equal(single.Keys, inCampaign.Keys);
        foreach (var (name, bytes) in single.Where(f => f.Key is not ("report.html" or "scores.json" or "provenance.json")))
            Assert.True(bytes.AsSpan().SequenceEqual(inCampaign[name]), name + " differs");

        // 2. Every F1 is that of the stored probabilities against the phantom, counted voxel by voxel.
        var report = JsonSerializer.Deserialize<ScoreReport>(await File.ReadAllTextAsync(Path.Combine(folder["out"], "scores.json"), TestContext.Current.CancellationToken), TeravoxJson.Compact)!;
        Assert.Equal(predictions, report.Predictions.Select(p => p.Name));
        foreach (var prediction in report.Predictions)
        {
            var file = prediction.Name == "multiclass" ? "probabilities.zarr" : $"probabilities-{prediction.Name}.zarr";
            var probabilities = OmeVolume.Open(Path.Combine(folder["out"], file));
            var covered = preset == "table4" ? Box3.Whole(Truth.Shape) : Test;
            Assert.Equal(covered.Shape, probabilities.Shape);
            foreach (var c in prediction.Classes)
            {
                Assert.Equal(F1(probabilities, covered, c, c.Threshold, Test)!.Value, c.F1!.Value, 12);
                if (preset == "table4")
                    Assert.Equal(c.TrainF1!.Value, Enumerable.Range(1, 255).Max(t => F1(probabilities, covered, c, t, Train))!.Value, 12);
            }
        }

        // 3. The source's values stand beside.
        Assert.Equal(predictions.Where(p => p != "original"), predictions.Where(p => report.Published!.Any(c => c.Prediction == p)));
        var html = await File.ReadAllTextAsync(Path.Combine(folder["out"], "report.html"), TestContext.Current.CancellationToken);
        Assert.All(report.Published!, c => Assert.All(c.F1, f1 => Assert.Contains($">{f1:F3}<", html, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("table5", 9, 12)]
    [InlineData("table6", 0, 9)]
    public void Images_WhenSectionsWereDegraded_HaveTheFidelityOfTheVolumes(string preset, int first, int end)
    {
        var rows = File.ReadAllLines(Path.Combine(paper.RunOf(preset), "images.csv")).Select(l => l.Split(',')).ToArray();
        Assert.Equal([.. Enumerable.Range(first, end - first).Select(z => z.ToString(CultureInfo.InvariantCulture)), "mean"], rows.Skip(1).Select(r => r[0]));
        foreach (var (name, column) in ((string, int)[])[("lr", 1), ("boosted", 2)])
        {
            var volume = OmeVolume.Open(Path.Combine(paper.RunOf(preset), name + ".zarr"));
            for (var z = first; z < end; z++)
                Assert.Equal(Psnr(volume, z - first, z), Number(rows[z - first + 1][column]), 9);
        }

        // Less than ZSSR can do, in so few iterations, but more than nothing: by mean PSNR and SSIM.
        Assert.True(Number(rows[^1][2]) > Number(rows[^1][1]) + .5, string.Join(' ', rows[^1]));
        Assert.True(Number(rows[^1][4]) > Number(rows[^1][3]), string.Join(' ', rows[^1]));
    }

    [Fact]
    public void Summary_WhenAllIsDone_HasTheThreeTables()
    {
        var html = File.ReadAllText(Path.Combine(paper.Out, "summary.html"));
        Assert.Contains("<dd>3 of 3</dd>", html, StringComparison.Ordinal);
        var rows = File.ReadAllLines(Path.Combine(paper.Out, "summary.csv"));
        Assert.Equal(1 + ((2 + 3 + 2) * 9), rows.Length);
        Assert.All(rows.Skip(1), r => Assert.InRange(Number(r.Split(',')[4]), 0, 1));
        Assert.Equal(3, File.ReadAllLines(Path.Combine(paper.Out, "summary-images.csv")).Length);
        foreach (var preset in (string[])["table4", "table5", "table6"])
        {
            Assert.Contains($"<h2>preset {preset}</h2>", html, StringComparison.Ordinal);
            Assert.Contains($"href=\"{Path.GetFileName(paper.RunOf(preset))}/report.html\"", html, StringComparison.Ordinal);
        }
    }

    /// <summary>F1 of a class on a region, voxel by voxel.</summary>
    private static double? F1(OmeVolume probabilities, Box3 covered, ClassScore c, int threshold, Box3 region)
    {
        var grey = new byte[region.Count];
        probabilities.Read(region with { Start = region.Start - covered.Start }, grey, c.Id);
        var truth = Truth.Labels.AsSpan((int)(region.Start.Z * (long)Truth.Shape.Y * Truth.Shape.X), grey.Length);
        int hits = 0, wrong = 0;
        for (var i = 0; i < grey.Length; i++)
        {
            var (called, real) = (grey[i] >= threshold, truth[i] == c.Id);
            hits += called && real ? 1 : 0;
            wrong += called != real ? 1 : 0;
        }

        return hits + wrong == 0 ? null : 2.0 * hits / ((2 * hits) + wrong);
    }

    private static double Psnr(OmeVolume volume, int section, int original)
    {
        var pixels = new byte[Truth.Shape.Y * Truth.Shape.X];
        volume.Read(new Box3(new Int3(section, 0, 0), Truth.Shape with { Z = 1 }), pixels);
        var squares = 0.0;
        for (var i = 0; i < pixels.Length; i++)
            squares += Math.Pow(pixels[i] - Truth.Raw[(original * pixels.Length) + i], 2);
        return 10 * Math.Log10(255.0 * 255 * pixels.Length / squares);
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
