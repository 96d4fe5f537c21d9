// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using Teravox.Contracts;
using Teravox.Grains;

namespace Teravox.Cli;

/// <summary>What is said at an experiment's end: the F1 table and where things are.</summary>
internal static class Summary
{
    public static void Print(ExperimentPlan plan, ExperimentFolder folder, bool json)
    {
        var scores = folder.ReadScores();
        if (json)
        {
            var line = new { kind = "done", name = plan.Spec.Name, folder = folder.Root, scores = scores is null ? null : Brief(scores) };
            Console.Out.WriteLine(JsonSerializer.Serialize(line, TeravoxJson.Compact));
            return;
        }

        if (scores is not null)
            Table(scores);
        if (scores?.Images is { } images)
            Console.Out.WriteLine(Line(images));
        if (!plan.HaloIsExact && plan.Networks.Count > 0)
            Console.Out.WriteLine("Note: the halo is not exact (group norm, or a smaller halo was asked for); tile borders may show.");
        Console.Out.WriteLine(plan.Spec.Preset switch
        {
            Preset.Segment => $"Labels: {folder.Labels("multiclass")}\nProbabilities: {folder.Probabilities("multiclass")}",
            Preset.SuperResolve => $"{Boosted(folder)}\nReport: {Report(folder)}",
            _ => $"Report: {Report(folder)}",
        });
    }

    private static string Report(ExperimentFolder folder) => Path.Combine(folder.Report, "report.html");

    // The volume, and its images where there are any.
    private static string Boosted(ExperimentFolder folder) => string.Join(
        '\n',
        new[] { ".zarr", ".tif", "" }.Select(end => Path.Combine(folder.Root, VolumeNames.Boosted + end)).Where(Path.Exists).Select(path => $"Boosted: {path}"));

    /// <summary>The F1 table: one row a class, one column a prediction, with the floor of calling every voxel.</summary>
    public static void Table(ScoreReport scores)
    {
        var several = scores.Predictions.Count > 1;
        var table = new Table().Border(TableBorder.Minimal);
        table.AddColumn("class");
        table.AddColumn(new TableColumn("share %").RightAligned());
        table.AddColumn(new TableColumn("floor").RightAligned());
        foreach (var p in scores.Predictions)
        {
            table.AddColumn(new TableColumn(several ? p.Name + " F1" : "F1").RightAligned());
            if (several)
                continue;
            table.AddColumn(new TableColumn("precision").RightAligned());
            table.AddColumn(new TableColumn("recall").RightAligned());
            table.AddColumn(new TableColumn("threshold").RightAligned());
        }

        var first = scores.Predictions[0];
        for (var i = 0; i < first.Classes.Count; i++)
        {
            var c = first.Classes[i];
            var row = new List<string> { Markup.Escape(c.Name), Number(c.ShareTest * 100, "F2"), Number(c.Floor, "F3") };
            foreach (var p in scores.Predictions)
            {
                row.Add(Number(p.Classes[i].F1, "F3"));
                if (!several)
                    row.AddRange([Number(c.Precision, "F3"), Number(c.Recall, "F3"), c.Curve.Count == 0 ? "-" : c.Threshold.ToString(CultureInfo.InvariantCulture)]);
            }

            table.AddRow([.. row]);
        }

        // Away from a terminal there is no width to keep to, and a wrapped name is hard to read by programs.
        if (Console.IsOutputRedirected)
            AnsiConsole.Profile.Width = 160;
        AnsiConsole.Write(table);
    }

    /// <summary>The scores without their curves, for a line of JSON.</summary>
    public static object Brief(ScoreReport scores) => scores.Predictions.Select(p => new
    {
        prediction = p.Name,
        meanF1 = p.MeanF1,
        classes = p.Classes.Select(c => new { c.Id, c.Name, share = c.ShareTest, c.Threshold, c.Precision, c.Recall, c.F1, c.Floor }),
    });

    /// <summary>How near sections that were degraded came to the original, in one line.</summary>
    public static string Line(ImageScores images) => string.Create(
        CultureInfo.InvariantCulture,
        $"PSNR against the original: lr {Number(images.Lr.Psnr, "F2")} dB, boosted {Number(images.Boosted.Psnr, "F2")} dB; SSIM: lr {Number(images.Lr.Ssim, "F4")}, boosted {Number(images.Boosted.Ssim, "F4")}");

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";
}
