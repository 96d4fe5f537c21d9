// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Report;

namespace Teravox.Grains.Campaign;

/// <summary>The summary of a campaign: F1 per combination, prediction and class, with its spread over the repeats.</summary>
public static class CampaignTable
{
    /// <summary>Name of the row over all classes.</summary>
    public const string MeanClass = "mean";

    /// <summary>
    /// One row per combination, prediction and class, and a row "mean" after the classes. Combinations come in the grid's
    /// order, predictions in the reports' order, classes by id, whatever order the runs are given in.
    /// </summary>
    public static IReadOnlyList<CampaignRow> Rows(NewCampaign campaign, IEnumerable<CampaignResult> results)
    {
        ArgumentNullException.ThrowIfNull(campaign);
        ArgumentNullException.ThrowIfNull(results);
        var grid = campaign.Grid.Select(field => (
            field.Key,
            Places: field.Value.Index().GroupBy(one => CampaignGrid.KeyOf(one.Item)).ToDictionary(group => group.Key, group => group.First().Index))).ToList();
        return
        [
            .. results
                .GroupBy(result => Place(grid, result.Parameters))
                .OrderBy(group => group.Key, StringComparer.Ordinal)
                .SelectMany(group => RowsOf(group.First().Parameters, [.. group.Select(result => result.Scores)])),
        ];
    }

    /// <summary>
    /// The rows as CSV: the grid's fields, then prediction, class, runs, mean, std, min, max, published; empty where there is no value.
    /// </summary>
    public static string Csv(NewCampaign campaign, IReadOnlyList<CampaignRow> rows)
    {
        ArgumentNullException.ThrowIfNull(campaign);
        ArgumentNullException.ThrowIfNull(rows);
        var text = new StringBuilder();
        AddLine(text, [.. campaign.Grid.Keys, "prediction", "class", "runs", "mean", "std", "min", "max", "published"]);
        foreach (var row in rows)
        {
            AddLine(
                text,
                [
                    .. campaign.Grid.Keys.Select(field => row.Parameters.TryGetValue(field, out var value) ? Show(value) : ""),
                    row.Prediction,
                    row.Class,
                    row.Runs.ToString(CultureInfo.InvariantCulture),
                    .. new[] { row.Mean, row.Std, row.Min, row.Max, row.Published }.Select(Markup.Field),
                ]);
        }

        return text.ToString();
    }

    /// <summary>
    /// How near the images of low resolution came to the original, as CSV: a row per combination that degraded any, means over its
    /// runs, PSNR in dB. Null where none did.
    /// </summary>
    public static string? ImagesCsv(NewCampaign campaign, IReadOnlyList<CampaignResult> results)
    {
        var groups = results.Where(static r => r.Scores.Images is not null).GroupBy(static r => r.Parameters).ToList();
        if (groups.Count == 0)
            return null;
        var text = new StringBuilder();
        AddLine(text, [.. campaign.Grid.Keys, "runs", "psnr_lr", "psnr_boosted", "ssim_lr", "ssim_boosted"]);
        foreach (var group in groups)
        {
            var (lr, boosted) = Images(group.Select(static r => r.Scores.Images!));
            AddLine(
                text,
                [
                    .. campaign.Grid.Keys.Select(field => Show(group.Key[field])),
                    group.Count().ToString(CultureInfo.InvariantCulture),
                    .. new[] { lr.Psnr, boosted.Psnr, lr.Ssim, boosted.Ssim }.Select(Markup.Field),
                ]);
        }

        return text.ToString();
    }

    /// <summary>Scores without curves and confusion, which are most of a report and of no use to a summary.</summary>
    public static ScoreReport Trim(ScoreReport scores)
    {
        ArgumentNullException.ThrowIfNull(scores);
        return scores with { Predictions = [.. scores.Predictions.Select(static p => p with { Confusion = null, Classes = [.. p.Classes.Select(static c => c with { Curve = [], TrainCurve = [] })] })] };
    }

    /// <summary>Means over runs.</summary>
    internal static (Fidelity Lr, Fidelity Boosted) Images(IEnumerable<ImageScores> runs)
    {
        var all = runs.ToList();
        return (new(all.Average(static i => i.Lr.Psnr), all.Average(static i => i.Lr.Ssim)), new(all.Average(static i => i.Boosted.Psnr), all.Average(static i => i.Boosted.Ssim)));
    }

    /// <summary>A value of a grid as people read it.</summary>
    internal static string Show(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    /// <summary>
    /// Where a combination stands in the grid, as text that sorts: the number of each field's value, with leading zeros.
    /// A value that is not in the grid comes after all that are.
    /// </summary>
    private static string Place(List<(string Name, Dictionary<object, int> Places)> grid, IReadOnlyDictionary<string, JsonElement> parameters) =>
        string.Join(' ', grid.Select(field =>
        {
            if (!parameters.TryGetValue(field.Name, out var value))
                return "none";
            var key = CampaignGrid.KeyOf(value);
            return field.Places.TryGetValue(key, out var place) ? place.ToString("D5", CultureInfo.InvariantCulture) : $"other {key}";
        }));

    private static IEnumerable<CampaignRow> RowsOf(IReadOnlyDictionary<string, JsonElement> parameters, List<ScoreReport> reports)
    {
        var predictions = reports
            .SelectMany(report => report.Predictions.Index())
            .GroupBy(one => one.Item.Name, one => one, StringComparer.Ordinal)
            .OrderBy(group => group.Min(one => one.Index)).ThenBy(group => group.Key, StringComparer.Ordinal);
        foreach (var prediction in predictions)
        {
            var scores = prediction.Select(one => one.Item).ToList();
            foreach (var group in scores.SelectMany(score => score.Classes).GroupBy(one => (one.Id, one.Name)).OrderBy(group => group.Key))
                yield return Row(parameters, prediction.Key, group.Key.Name, group.Select(one => one.F1), Charts.Published(reports[0], prediction.Key, group.Key.Id));
            yield return Row(parameters, prediction.Key, MeanClass, scores.Select(score => score.MeanF1));
        }
    }

    private static CampaignRow Row(IReadOnlyDictionary<string, JsonElement> parameters, string prediction, string name, IEnumerable<double?> all, double? published = null)
    {
        // Sorted, so that the last bits of a sum do not depend on which run ended first.
        var values = all.OfType<double>().Order().ToList();
        double? mean = values.Count == 0 ? null : values.Sum() / values.Count;
        return new CampaignRow
        {
            Parameters = parameters,
            Prediction = prediction,
            Class = name,
            Runs = values.Count,
            Mean = mean,
            Std = values.Count < 2 ? null : Math.Sqrt(values.Sum(value => (value - mean!.Value) * (value - mean.Value)) / (values.Count - 1)),
            Min = values.Count == 0 ? null : values[0],
            Max = values.Count == 0 ? null : values[^1],
            Published = published,
        };
    }

    private static void AddLine(StringBuilder text, IReadOnlyList<string> cells) =>
        text.AppendJoin(',', cells.Select(Markup.Field)).Append('\n');
}

/// <summary>What one run of a campaign found.</summary>
/// <param name="Parameters">Its combination.</param>
/// <param name="Scores">Its scores.</param>
public sealed record CampaignResult(IReadOnlyDictionary<string, JsonElement> Parameters, ScoreReport Scores);
