// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Teravox.Contracts;
using Teravox.Grains.Report;
using Teravox.Volumes;

namespace Teravox.Scoring.Tests;

public sealed partial class ReportTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("teravox-report-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Write_WhenAnExperimentIsDone_LeavesAPageThatNeedsNothingElse()
    {
        ReportWriter.Write(_directory, ReportSample.Report(new(24, 64, 64)));
        var html = File.ReadAllText(Path.Combine(_directory, "report.html"));
        var text = Data().Replace(html, "");
        Assert.DoesNotContain("<script", text, StringComparison.Ordinal);
        Assert.DoesNotContain("http", text, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", text, StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;", html, StringComparison.Ordinal); // a label of the provenance, made safe
        Assert.Contains("phantom</strong>", html, StringComparison.Ordinal);
        Assert.Contains(">0.904<", html, StringComparison.Ordinal); // published, multiclass myelin
        Assert.Contains("style=\"aspect-ratio:320/240\" alt=\"yz, x = 32: raw\"", html, StringComparison.Ordinal); // 24 sections twice as thick
        CheckPictures(html, (2 * (2 + 4)) + 16 + 1);
        Assert.Equal(1 + 8 + 2 + 2, CheckCharts(html));
    }

    [Fact]
    public void Write_WhenSectionsWereDegraded_ShowsPicturesFidelityAndWhatAnotherKernelCosts()
    {
        var matched = ReportSample.Table5(new(24, 64, 64));
        ReportWriter.Write(_directory, matched);
        var html = File.ReadAllText(Path.Combine(_directory, "report.html"));
        Assert.Contains("learnt to undo the same reduction", html, StringComparison.Ordinal);
        Assert.DoesNotContain("The two differ", html, StringComparison.Ordinal);
        Assert.Contains(">0.297<", html, StringComparison.Ordinal); // published, lr and boosted synapses
        Assert.Contains(">0.687<", html, StringComparison.Ordinal); // published, boosted myelin
        Assert.Contains("alt=\"xy, z = 21: membrane, boosted\"", html, StringComparison.Ordinal);

        // Two sections with three predictions (raw, truth, and two a prediction), eight classes and one of them open, three crops, one preview.
        CheckPictures(html, (2 * (2 + 6)) + (9 * 3) + 3 + 1);
        Assert.Equal(3, Regex.Count(html, "alt=\"section 21, the whole: "));

        // Sections 18..23, PSNR 26.5, 26.8, 27.1 twice against 28.6, 28.8, 28, 28.2, 28.4, 28.6.
        Assert.Contains("<dt>gain</dt><dd>+1.63\u2009dB</dd>", html, StringComparison.Ordinal);
        var rows = File.ReadAllLines(Path.Combine(_directory, "images.csv")).Select(static l => l.Split(',')).ToArray();
        Assert.Equal(["18", "19", "20", "21", "22", "23", "mean"], rows.Skip(1).Select(static r => r[0]));
        Assert.Equal(26.8, double.Parse(rows[^1][1], CultureInfo.InvariantCulture), 9);
        Assert.Equal(28.4333333333, double.Parse(rows[^1][2], CultureInfo.InvariantCulture), 9);
        Assert.Equal("true", rows[3][6]);

        // The scores come back whole, means and all.
        var scores = JsonSerializer.Deserialize<ScoreReport>(File.ReadAllText(Path.Combine(_directory, "scores.json")), TeravoxJson.Indented)!;
        Assert.Equal(matched.Scores.Images!.Sections, scores.Images!.Sections);
        Assert.Equal(matched.Scores.Images.Boosted, scores.Images.Boosted);

        ReportWriter.Write(_directory, ReportSample.Table5(new(24, 64, 64), Reduction.Gaussian));
        var mismatched = File.ReadAllText(Path.Combine(_directory, "report.html"));
        Assert.Contains("The two differ, which costs.", mismatched, StringComparison.Ordinal);
        Assert.Contains("scikit-image's rescale", mismatched, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_WhenRepeated_IsTheSameBytes()
    {
        var input = ReportSample.Report(new(16, 48, 48));
        foreach (var name in new[] { "a", "b" })
            ReportWriter.Write(Path.Combine(_directory, name), input);
        foreach (var file in new[] { "report.html", "scores.json", "scores.csv", "confusion.csv" })
        {
            var bytes = File.ReadAllBytes(Path.Combine(_directory, "a", file));
            Assert.NotEmpty(bytes);
            Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(_directory, "b", file)));
            Assert.DoesNotContain((byte)'\r', bytes);
        }
    }

    [Fact]
    public void Write_WhenReadBack_TablesHoldTheScores()
    {
        var input = ReportSample.Report(new(16, 48, 48));
        ReportWriter.Write(_directory, input);
        var scores = JsonSerializer.Deserialize<ScoreReport>(File.ReadAllText(Path.Combine(_directory, "scores.json")), TeravoxJson.Indented)!;
        Assert.Equal(input.Scores.Predictions[1].Classes[3].F1, scores.Predictions[1].Classes[3].F1);
        var lines = File.ReadAllLines(Path.Combine(_directory, "scores.csv"));
        Assert.Equal(1 + 16, lines.Length);
        var header = lines[0].Split(',');
        foreach (var (line, k) in lines.Skip(1).Select(static (l, k) => (l, k)))
        {
            var fields = line.Split(',');
            var score = input.Scores.Predictions[k / 8].Classes[k % 8];
            Assert.Equal(header.Length, fields.Length);
            Assert.Equal(score.Name, fields[Array.IndexOf(header, "class")]);
            Assert.Equal(score.F1, double.Parse(fields[Array.IndexOf(header, "f1")], CultureInfo.InvariantCulture));
            Assert.Equal(score.Threshold, int.Parse(fields[Array.IndexOf(header, "threshold")], CultureInfo.InvariantCulture));
        }

        var confusion = File.ReadAllLines(Path.Combine(_directory, "confusion.csv")).Skip(1).Select(static l => l.Split(',')).ToArray();
        Assert.Equal(2 * 64, confusion.Length);
        Assert.Equal(
            input.Scores.Predictions.Sum(static p => p.Confusion!.Sum(static r => r.Sum())),
            confusion.Sum(static f => long.Parse(f[5], CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void Write_WhenThereIsLittleToShow_LeavesItsSectionsOut()
    {
        var full = ReportSample.Report(new(16, 48, 48));
        var empty = new double?[256];
        var absent = full.Scores.Predictions[0].Classes.Select(c => c with { F1 = null, Precision = null, Recall = null, Floor = null, ShareTest = null, Curve = empty, TrainCurve = empty });
        var scores = full.Scores with
        {
            Preset = null,
            Published = null,
            Predictions = [new PredictionScore { Name = "a, \"b\" <c>", Classes = [.. absent] }],
        };
        ReportWriter.Write(_directory, new ReportInput { Scores = scores, Losses = [new("none", []), new("bad", [double.NaN])] });
        var html = File.ReadAllText(Path.Combine(_directory, "report.html"));
        Assert.False(File.Exists(Path.Combine(_directory, "confusion.csv")));
        Assert.DoesNotContain("NaN", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<c>", html, StringComparison.Ordinal);
        Assert.DoesNotContain("Training</h2>", html, StringComparison.Ordinal);
        Assert.StartsWith("\"a, \"\"b\"\" <c>\",0,cytosol,", File.ReadAllLines(Path.Combine(_directory, "scores.csv"))[1], StringComparison.Ordinal);
        Assert.Equal(1 + 8, CheckCharts(html));
        ReportWriter.Write(_directory, new ReportInput { Scores = scores with { Predictions = [] } });
    }

    [Fact]
    public void Explore_WhenAVolumeHasLabels_ShowsGreysSharesAndSections()
    {
        ExploreWriter.Write(_directory, ReportSample.Explore(new(16, 64, 64)));
        var html = File.ReadAllText(Path.Combine(_directory, "explore.html"));
        Assert.DoesNotContain("<script", html, StringComparison.Ordinal);
        Assert.Contains("12 of 20 label images", html, StringComparison.Ordinal);
        Assert.Contains("1\u2009234 voxels are not labelled", html, StringComparison.Ordinal);
        CheckPictures(html, (2 * 2) + 8);
        Assert.Equal(1, CheckCharts(html));
        Assert.Equal(257, File.ReadAllLines(Path.Combine(_directory, "intensity.csv")).Length);
        var rows = File.ReadAllLines(Path.Combine(_directory, "classes.csv")).Skip(1).Select(static l => l.Split(',')).ToArray();
        Assert.Equal(16 * 64 * 64, rows.Sum(static r => long.Parse(r[2], CultureInfo.InvariantCulture)));
        Assert.Equal(1, rows.Sum(static r => double.Parse(r[3], CultureInfo.InvariantCulture)), 12);
    }

    [Fact]
    public void Explore_WhenThereAreNoLabels_ShowsGreysOnly()
    {
        var input = ReportSample.Explore(new(16, 48, 48));
        ExploreWriter.Write(_directory, input with { Classes = null, ClassCounts = null, Notes = [] });
        var html = File.ReadAllText(Path.Combine(_directory, "explore.html"));
        CheckPictures(html, 2);
        Assert.False(File.Exists(Path.Combine(_directory, "classes.csv")));
    }

    /// <summary>Every chart is well-formed XML; returns how many there are.</summary>
    private static int CheckCharts(string html)
    {
        var charts = Svg().Matches(html);
        foreach (Match chart in charts)
            Assert.Equal("svg", XElement.Parse(chart.Value).Name.LocalName);
        return charts.Count;
    }

    private static void CheckPictures(string html, int expected)
    {
        var pictures = Data().Matches(html);
        Assert.Equal(expected, pictures.Count);
        foreach (Match picture in pictures)
            Assert.True(ImageCodec.Decode(Convert.FromBase64String(picture.Groups[1].Value), "picture").Width >= 16);
    }

    [GeneratedRegex("<svg.*?</svg>", RegexOptions.Singleline)]
    private static partial Regex Svg();

    [GeneratedRegex("src=\"data:image/png;base64,([^\"]+)\"")]
    private static partial Regex Data();
}
