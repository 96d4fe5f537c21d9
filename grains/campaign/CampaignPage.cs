// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Report;
using static Teravox.Grains.Report.Markup;

namespace Teravox.Grains.Campaign;

/// <summary>The page of a campaign: all combinations in one table, then each with its classes, then the runs.</summary>
internal static class CampaignPage
{
    /// <summary>Combinations that are shown open; more are folded away, each below its line.</summary>
    private const int MostOpen = 12;

    /// <summary>What the runs of one combination came to.</summary>
    private sealed record Combination(string Title, ScoreReport Scores, IReadOnlyList<CampaignRow> Rows, IReadOnlyList<ImageScores> Images)
    {
        public CampaignRow Row(string prediction, string name) => Rows.First(r => r.Prediction == prediction && r.Class == name);
    }

    public static string Html(NewCampaign campaign, IReadOnlyList<CampaignStand> runs, IReadOnlyList<CampaignRow> rows)
    {
        var combinations = rows.GroupBy(static r => r.Parameters).Select(g => Make(g.Key, [.. g], runs)).ToList();
        var page = new StringBuilder();
        Head(page, campaign, runs);
        if (combinations.Count > 0)
            Overview(page, combinations);
        foreach (var one in combinations)
            Classes(page, one, folded: combinations.Count > MostOpen);
        Runs(page, campaign, runs);
        return Page(campaign.Name + " · Teravox", page.ToString());
    }

    private static Combination Make(IReadOnlyDictionary<string, JsonElement> parameters, IReadOnlyList<CampaignRow> rows, IReadOnlyList<CampaignStand> runs)
    {
        // A report whose F1 are the means over the runs: charts and columns are those of a single experiment.
        var reports = runs.Where(r => r.Scores is not null && ReferenceEquals(r.Run.Parameters, parameters)).Select(static r => r.Scores!).ToList();
        var first = reports[0];
        var means = first.Predictions.Select(p => p with
        {
            MeanF1 = rows.First(r => r.Prediction == p.Name && r.Class == CampaignTable.MeanClass).Mean,
            Classes = [.. p.Classes.Select(c => c with { F1 = rows.First(r => r.Prediction == p.Name && r.Class == c.Name).Mean })],
        });
        return new Combination(parameters.Count == 0 ? first.Name : Show(parameters), first with { Predictions = [.. means] }, rows, [.. reports.Select(static r => r.Images).OfType<ImageScores>()]);
    }

    private static void Head(StringBuilder page, NewCampaign campaign, IReadOnlyList<CampaignStand> runs)
    {
        var done = runs.Count(static r => r.State == "done");
        page.Append($"<header>\n<p class=\"eyebrow\">Teravox campaign</p>\n<h1>{Text(campaign.Name)}</h1>\n");
        if (runs.Any(static r => IsPhantom(r.Run)))
            page.Append("<p class=\"note\">The volume is a <strong>phantom</strong>: generated tissue with a known truth. Its scores say that the method works, not how it does on real tissue.</p>\n");
        if (done < runs.Count)
            page.Append($"<p class=\"note\">Not all runs are done: what follows is of the {done} that are.</p>\n");
        page.Append(Inv($"<dl class=\"facts\">\n<div class=\"big\"><dt>runs done</dt><dd>{done} of {runs.Count}</dd></div>\n"));
        foreach (var (field, values) in campaign.Grid)
            page.Append($"<div><dt>{Text(field)}</dt><dd>{Text(string.Join(", ", values.Select(CampaignTable.Show)))}</dd></div>\n");
        page.Append(Inv($"<div><dt>repeats</dt><dd>{campaign.Repeats}</dd></div>\n</dl>\n</header>\n"));
    }

    private static void Overview(StringBuilder page, List<Combination> combinations)
    {
        var predictions = combinations.SelectMany(static c => c.Scores.Predictions.Select(static p => p.Name)).Distinct().ToList();
        page.Append("<section>\n<h2>Mean F1</h2>\n<div class=\"scroll\">\n<table>\n<thead><tr><th scope=\"col\">combination</th><th scope=\"col\">runs</th>");
        foreach (var prediction in predictions)
            page.Append($"<th scope=\"col\">{Text(prediction)}</th>");
        page.Append("</tr></thead>\n<tbody>\n");
        foreach (var one in combinations)
        {
            page.Append(Inv($"<tr><th scope=\"row\">{Text(one.Title)}</th><td>{one.Rows.Max(static r => r.Runs)}</td>"));
            foreach (var prediction in predictions)
                page.Append($"<td>{(one.Scores.Predictions.Any(p => p.Name == prediction) ? Value(one.Row(prediction, CampaignTable.MeanClass)) : "")}</td>");
            page.Append("</tr>\n");
        }

        page.Append("</tbody>\n</table>\n</div>\n<p class=\"caption\">The mean over the classes of F1 on the test region");
        page.Append(combinations.Any(static c => c.Rows.Any(static r => r.Std is not null)) ? "; ± is the standard deviation over the runs, which differ in their seeds alone" : "").Append(".</p>\n</section>\n");
    }

    private static void Classes(StringBuilder page, Combination one, bool folded)
    {
        var scores = one.Scores;
        var published = scores.Published is { Count: > 0 };
        page.Append(folded ? $"<details><summary>{Text(one.Title)}</summary>\n" : $"<section>\n<h2>{Text(one.Title)}</h2>\n");
        if (PresetTexts.Of(scores.Preset) is { } words)
            page.Append($"<p>{words}</p>\n");
        page.Append(ReportPage.Key(scores, "<span><i class=\"tickmark\"></i>floor</span>" + (published ? "<span><i class=\"ring\"></i>published</span>" : "")));
        page.Append($"<figure>{Charts.Bars(scores)}</figure>\n");
        F1Table.Append(page, scores, (prediction, c) => Value(one.Row(prediction.Name, c?.Name ?? CampaignTable.MeanClass)));
        page.Append("<p class=\"caption\">F1 on the test region at the threshold that is best on the training region; share and floor of the first run's test region. A dash means undefined: nothing was called, or there was nothing to find.");
        if (published)
            page.Append(' ').Append(ReportPage.PublishedNote(scores));
        page.Append("</p>\n");
        if (one.Images.Count > 0)
            Images(page, one.Images);
        page.Append(folded ? "</details>\n" : "</section>\n");
    }

    private static void Images(StringBuilder page, IReadOnlyList<ImageScores> runs)
    {
        var (lr, boosted) = CampaignTable.Images(runs);
        page.Append("<h3>How near the sections come to the original</h3>\n").Append(ImageSection.Kernels(runs[0])).Append("<div class=\"scroll\">\n<table class=\"words\">\n");
        page.Append("<thead><tr><th scope=\"col\">brought back by</th><th scope=\"col\">PSNR</th><th scope=\"col\">gain</th><th scope=\"col\">SSIM</th></tr></thead>\n<tbody>\n");
        page.Append($"<tr><th scope=\"row\">bicubic interpolation (lr)</th><td>{ImageSection.Decibel(lr.Psnr)}</td><td></td><td>{Number(lr.Ssim, 4)}</td></tr>\n");
        page.Append($"<tr><th scope=\"row\">super-resolution (boosted)</th><td>{ImageSection.Decibel(boosted.Psnr)}</td><td>{ImageSection.Gain(lr, boosted)}</td><td>{Number(boosted.Ssim, 4)}</td></tr>\n");
        page.Append("</tbody>\n</table>\n</div>\n");
    }

    private static void Runs(StringBuilder page, NewCampaign campaign, IReadOnlyList<CampaignStand> runs)
    {
        page.Append("<section>\n<h2>The runs</h2>\n<div class=\"scroll\">\n<table class=\"words\">\n<thead><tr><th scope=\"col\">run</th>");
        foreach (var field in campaign.Grid.Keys)
            page.Append($"<th scope=\"col\">{Text(field)}</th>");
        page.Append("<th scope=\"col\">seed</th><th scope=\"col\">state</th></tr></thead>\n<tbody>\n");
        foreach (var (run, state, _, link) in runs)
        {
            var name = link is null ? Text(run.Name) : $"<a href=\"{Text(link)}\">{Text(run.Name)}</a>";
            page.Append($"<tr><th scope=\"row\">{name}</th>");
            foreach (var field in campaign.Grid.Keys)
                page.Append($"<td>{Text(CampaignTable.Show(run.Parameters[field]))}</td>");
            page.Append(Inv($"<td>{run.Seed}</td><td>{state}</td></tr>\n"));
        }

        page.Append("</tbody>\n</table>\n</div>\n");
        page.Append($"<details><summary>The campaign</summary>\n<pre>{Text(JsonSerializer.Serialize(campaign, TeravoxJson.Indented))}</pre></details>\n</section>\n");
    }

    private static string Value(CampaignRow row) => Number(row.Mean) + (row.Std is { } std ? $" ± {Number(std)}" : "");

    private static string Show(IReadOnlyDictionary<string, JsonElement> parameters) => string.Join(", ", parameters.Select(static p => $"{p.Key} {CampaignTable.Show(p.Value)}"));

    private static bool IsPhantom(CampaignRun run) =>
        JsonElement.Parse(run.SpecJson).TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object && data.TryGetProperty("phantom", out _);
}
