// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Campaign;
using Teravox.Grains.Scoring;

namespace Teravox.Grains.Tests;

public sealed partial class CampaignWriterTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Write_WhenRunsAreDone_ShowsEveryCombinationWithItsSpreadAndThePublishedValues()
    {
        var campaign = Make("""{ "preset": ["table4", "train"] }""", repeats: 2);
        var runs = CampaignGrid.Runs(campaign);
        CampaignWriter.Write(
            _folder["."],
            campaign,
            [.. runs.Select((run, i) => new CampaignStand(run, "done", Scores(run, i < 2 ? "table4" : "train", i < 2 ? ["multiclass", "binary"] : ["multiclass"], .5 + (.1 * i)), run.Name + "/report.html"))]);

        var html = File.ReadAllText(_folder["summary.html"]);
        Assert.Contains("<dd>4 of 4</dd>", html, StringComparison.Ordinal);
        Assert.DoesNotContain("Not all runs", html, StringComparison.Ordinal);
        Assert.Equal(["preset table4", "preset train"], Headings().Matches(html).Select(m => m.Groups[1].Value).Where(h => h.StartsWith("preset", StringComparison.Ordinal)));

        // Two runs of .5 and .6: mean .55, deviation .0707; published by the source for cytosol, binary: .954.
        var tables = Tables(html);
        Assert.Equal(4, tables.Count);
        Assert.Equal(["cytosol", "10.0 %", "0.182", "0.550 ± 0.071", "0.955", "0.550 ± 0.071", "0.954"], tables[1][1]);
        Assert.Equal(["mean", "", "", "0.550 ± 0.071", "", "0.550 ± 0.071", ""], tables[1][^1]);
        Assert.Equal(["cytosol", "10.0 %", "0.182", "0.750 ± 0.071"], tables[2][1]);
        Assert.Equal(["preset train", "2", "0.750 ± 0.071", ""], tables[0][2]);
        Assert.Contains("<a href=\"paper-003/report.html\">paper-003</a>", html, StringComparison.Ordinal);
        foreach (Match chart in Svg().Matches(html))
            Assert.Equal("svg", XElement.Parse(chart.Value).Name.LocalName);
        Assert.Equal(1 + (2 * 9) + 9, File.ReadAllLines(_folder["summary.csv"]).Length);
    }

    [Fact]
    public void Write_WhenSectionsWereDegraded_SetsBothWaysSideBySide()
    {
        var campaign = Make("""{ "preset": ["table4", "table5"] }""", repeats: 2);
        var runs = CampaignGrid.Runs(campaign);
        ImageScores Images(double boosted) => new()
        {
            Scale = Scale.Two,
            Degraded = Reduction.Gaussian,
            Learnt = Reduction.Bicubic,
            Sections = [new(3, new(26, .5), new(boosted, .6), 100), new(4, new(28, .7), new(null, .8), 100)],
        };
        CampaignWriter.Write(
            _folder["."],
            campaign,
            [
                .. runs.Take(2).Select(run => new CampaignStand(run, "done", Scores(run, "table4", ["multiclass"], .5))),
                .. runs.Skip(2).Select((run, i) => new CampaignStand(run, "done", Scores(run, "table5", ["original", "lr", "boosted"], .5) with { Images = Images(25 + i) })),
            ]);

        Assert.Equal("preset,runs,psnr_lr,psnr_boosted,ssim_lr,ssim_boosted\ntable5,2,27,25.5,0.6,0.7\n", File.ReadAllText(_folder["summary-images.csv"]));
        var html = File.ReadAllText(_folder["summary.html"]);
        Assert.Equal(["super-resolution (boosted)", "25.50 dB", "−1.50 dB", "0.7000"], Tables(html).Single(t => t[0][0] == "brought back by")[2]);
        Assert.Single(Regex.Matches(html, "The two differ, which costs"));
        Assert.Contains("table5,boosted,myelin,2,0.5,0,0.5,0.5,0.687", File.ReadAllLines(_folder["summary.csv"]));
        Assert.Contains("table5,original,myelin,2,0.5,0,0.5,0.5,", File.ReadAllLines(_folder["summary.csv"]));
    }

    [Fact]
    public void Write_WhenRunsFailedOrWait_SaysSoAndShowsTheRest()
    {
        var campaign = Make("""{ "training.iterations": [1, 2, 3] }""", repeats: 1) with { Name = "a.b" };
        var runs = CampaignGrid.Runs(campaign);
        CampaignWriter.Write(_folder["."], campaign, [new(runs[0], "failed"), new(runs[1], "done", Scores(runs[1], "train", ["multiclass"], null)), new(runs[2], "waiting")]);

        var html = File.ReadAllText(_folder["summary.html"]);
        Assert.Contains("what follows is of the 1 that are", html, StringComparison.Ordinal);
        Assert.Contains("<h2>training.iterations 2</h2>", html, StringComparison.Ordinal);
        Assert.Equal(["failed", "done", "waiting"], Tables(html)[^1].Skip(1).Select(row => row[^1]));
        Assert.Equal(["cytosol", "10.0 %", "0.182", "–"], Tables(html)[1][1]);

        CampaignWriter.Write(_folder["."], campaign, [.. runs.Select(run => new CampaignStand(run, "waiting"))]);
        Assert.Single(Tables(File.ReadAllText(_folder["summary.html"])));
    }

    private static NewCampaign Make(string grid, int repeats) => new()
    {
        Name = "paper",
        Spec = JsonElement.Parse("""{ "data": { "phantom": {} } }"""),
        Grid = JsonSerializer.Deserialize<IReadOnlyDictionary<string, IReadOnlyList<JsonElement>>>(grid, TeravoxJson.Compact)!,
        Repeats = repeats,
    };

    private static ScoreReport Scores(CampaignRun run, string preset, string[] predictions, double? f1)
    {
        var classes = new ClassMap { Classes = [.. PublishedScores.ClassNames.Select((name, id) => new ClassEntry { Id = id, Name = name, Show = "#112233" })] };
        return new ScoreReport
        {
            Name = run.Name,
            Preset = preset,
            Classes = classes.Classes,
            Regions = new ScoreRegions([], []),
            Predictions =
            [
                .. predictions.Select(name => new PredictionScore
                {
                    Name = name,
                    MeanF1 = f1,
                    Classes = [.. classes.Classes.Select(c => new ClassScore { Id = c.Id, Name = c.Name, ShareTest = .1, Floor = .2 / 1.1, Threshold = 128, F1 = f1, Curve = [], TrainCurve = [] })],
                }),
            ],
            Published = PublishedScores.For(preset, classes, predictions),
        };
    }

    /// <summary>The page's tables: rows of cells, their text alone.</summary>
    private static List<List<List<string>>> Tables(string html) =>
        [.. Table().Matches(html).Select(table => XElement.Parse(table.Value).Descendants("tr")
            .Select(row => row.Elements().Select(cell => cell.Value.Replace('\u2009', ' ')).ToList()).ToList())];

    [GeneratedRegex("<table.*?</table>", RegexOptions.Singleline)]
    private static partial Regex Table();

    [GeneratedRegex("<svg.*?</svg>", RegexOptions.Singleline)]
    private static partial Regex Svg();

    [GeneratedRegex("<h2>(.*?)</h2>")]
    private static partial Regex Headings();
}
