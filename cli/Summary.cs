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
        var scoresFile = Path.Combine(folder.Report, "scores.json");
        var scores = File.Exists(scoresFile) ? JsonSerializer.Deserialize<ScoreReport>(File.ReadAllText(scoresFile), TeravoxJson.Compact) : null;
        if (json)
        {
            var line = new { kind = "done", name = plan.Spec.Name, folder = folder.Root, scores = scores is null ? null : Brief(scores) };
            Console.Out.WriteLine(JsonSerializer.Serialize(line, TeravoxJson.Compact));
            return;
        }

        if (scores is not null)
            Table(scores);
        if (!plan.HaloIsExact)
            Console.Out.WriteLine("Note: the halo is not exact (group norm, or a smaller halo was asked for); tile borders may show.");
        Console.Out.WriteLine(scores is null
            ? $"Labels: {folder.Labels("multiclass")}\nProbabilities: {folder.Probabilities("multiclass")}"
            : $"Report: {Path.Combine(folder.Report, "report.html")}");
    }

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

    private static object Brief(ScoreReport scores) => scores.Predictions.Select(p => new
    {
        prediction = p.Name,
        meanF1 = p.MeanF1,
        classes = p.Classes.Select(c => new { c.Id, c.Name, share = c.ShareTest, c.Threshold, c.Precision, c.Recall, c.F1, c.Floor }),
    });

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";
}
