// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Teravox.Contracts;
using static Teravox.Grains.Report.Markup;

namespace Teravox.Grains.Report;

/// <summary>The page of an experiment, section by section.</summary>
internal static class ReportPage
{
    public static string Html(ReportInput input)
    {
        var page = new StringBuilder();
        Head(page, input);
        if (input.Scores.Predictions.Count > 0)
        {
            Scores(page, input.Scores);
            if (input.Scores.Images is { } images)
                ImageSection.Append(page, images, input.Restored);
            Thresholds(page, input.Scores);
            Confusions(page, input.Scores);
        }

        if (input.Boosted is { } boosted)
            BoostedSection.Append(page, boosted);
        SectionViews.Append(page, input.Overlays, new ClassMap { Classes = input.Scores.Classes });
        Training(page, input);
        Run(page, input);
        return Page(input.Scores.Name + " · Teravox", page.ToString());
    }

    /// <summary>A swatch and a name for each prediction, in the colours of the charts.</summary>
    public static string Key(ScoreReport scores, params string[] more) =>
        "<p class=\"key\">" + string.Concat(scores.Predictions.Select(static (p, k) => $"<span><i class=\"p{k % 6}\"></i>{Text(p.Name)}</span>")) + string.Concat(more) + "</p>\n";

    /// <summary>What the published values beside the scores are.</summary>
    public static string PublishedNote(ScoreReport scores) =>
        $"Circles are the values published for the source's own volume ({Text(string.Join("; ", scores.Published!.Select(static p => p.Source).Distinct()))}): another tissue, so a guide to the eye and not a match.";

    private static void Head(StringBuilder page, ReportInput input)
    {
        var scores = input.Scores;
        page.Append("<header>\n<p class=\"eyebrow\">Teravox report");
        if (scores.Preset is { } preset)
            page.Append($" · preset {Text(preset)}");
        page.Append($"</p>\n<h1>{Text(scores.Name)}</h1>\n");
        if (input.IsPhantom)
            page.Append("<p class=\"note\">The volume is a <strong>phantom</strong>: generated tissue with a known truth. Its scores say that the method works, not how it does on real tissue.</p>\n");
        if (PresetTexts.Of(scores.Preset) is { } words)
            page.Append($"<p>{words}</p>\n");
        page.Append("<dl class=\"facts\">\n");
        foreach (var prediction in scores.Predictions)
            page.Append($"<div class=\"big\"><dt>mean F1, {Text(prediction.Name)}</dt><dd>{Number(prediction.MeanF1)}</dd></div>\n");
        if (input.Shape is { } shape)
            page.Append($"<div><dt>volume (z × y × x)</dt><dd>{shape.Z} × {shape.Y} × {shape.X}</dd></div>\n");
        if (input.VoxelSize is { } v)
            page.Append(Inv($"<div><dt>voxel, nm</dt><dd>{v.Z:0.##} × {v.Y:0.##} × {v.X:0.##}</dd></div>\n"));
        if (scores.Regions.Train.Count > 0)
            page.Append($"<div><dt>training region</dt><dd>{Region(scores.Regions.Train)}</dd></div>\n");
        if (scores.Regions.Test.Count > 0)
            page.Append($"<div><dt>test region</dt><dd>{Region(scores.Regions.Test)}</dd></div>\n");
        page.Append("</dl>\n</header>\n");
    }

    private static string Region(IReadOnlyList<Box3> boxes) =>
        string.Join(", ", boxes.Select(static b => Inv($"sections {b.Start.Z}–{b.End.Z - 1}")).Distinct());

    private static void Scores(StringBuilder page, ScoreReport scores)
    {
        page.Append("<section>\n<h2>How well each class is found</h2>\n");
        var published = scores.Published is { Count: > 0 };
        var mark = "<span><i class=\"tickmark\"></i>floor</span>" + (published ? "<span><i class=\"ring\"></i>published</span>" : "");
        page.Append(Key(scores, mark));
        page.Append($"<figure>{Charts.Bars(scores)}\n<figcaption>F1 on the test region, which no network and no threshold has seen. ");
        page.Append("F1 = TP / (TP + (FP + FN) / 2): 1 when every voxel of the class is called and no other. The <em>floor</em> is the F1 of calling every voxel, 2p / (1 + p) for a class that is a share p of the voxels: what a score is worth shows in its distance from the floor.");
        if (published)
            page.Append(' ').Append(PublishedNote(scores));
        page.Append("</figcaption></figure>\n");

        // More columns than a page is wide: what is compared stands by itself, the rest is folded away.
        var folded = scores.Predictions.Count > 2;
        if (folded)
        {
            F1Table.Append(page, scores, static (prediction, c) => Number(c is null ? prediction.MeanF1 : c.F1));
            page.Append("<details><summary>Thresholds, precision and recall</summary>\n");
        }

        page.Append("<div class=\"scroll\">\n<table>\n<thead>\n<tr><th rowspan=\"2\" scope=\"col\">class</th><th colspan=\"2\" scope=\"colgroup\">share of voxels</th><th rowspan=\"2\" scope=\"col\">floor</th>");
        foreach (var (prediction, k) in scores.Predictions.Select(static (p, k) => (p, k)))
            page.Append($"<th class=\"group\" colspan=\"{(F1Table.HasPublished(scores, prediction) ? 5 : 4)}\" scope=\"colgroup\"><i class=\"p{k % 6}\"></i>{Text(prediction.Name)}</th>");
        page.Append("</tr>\n<tr><th scope=\"col\">train</th><th scope=\"col\">test</th>");
        foreach (var prediction in scores.Predictions)
            page.Append("<th class=\"group\" scope=\"col\">threshold</th><th scope=\"col\">precision</th><th scope=\"col\">recall</th><th scope=\"col\">F1</th>").Append(F1Table.HasPublished(scores, prediction) ? "<th scope=\"col\">published</th>" : "");
        page.Append("</tr>\n</thead>\n<tbody>\n");
        for (var c = 0; c < scores.Classes.Count; c++)
        {
            var any = scores.Predictions[0].Classes[c];
            page.Append($"<tr><th scope=\"row\"><i style=\"background:{scores.Classes[c].Show}\"></i>{Text(any.Name)}</th><td>{Percent(any.ShareTrain)}</td><td>{Percent(any.ShareTest)}</td><td>{Number(any.Floor)}</td>");
            foreach (var prediction in scores.Predictions)
            {
                var s = prediction.Classes[c];
                var leads = F1Table.Leads(scores, prediction, c) ? " class=\"best\"" : "";
                page.Append(Inv($"<td class=\"group\">{s.Threshold}</td><td>{Number(s.Precision)}</td><td>{Number(s.Recall)}</td><td{leads}><strong>{Number(s.F1)}</strong></td>"));
                if (F1Table.HasPublished(scores, prediction))
                    page.Append($"<td class=\"muted\">{Number(Charts.Published(scores, prediction.Name, c))}</td>");
            }

            page.Append("</tr>\n");
        }

        page.Append("</tbody>\n<tfoot><tr><th scope=\"row\">mean</th><td></td><td></td><td></td>");
        foreach (var prediction in scores.Predictions)
            page.Append($"<td class=\"group\"></td><td></td><td></td><td><strong>{Number(prediction.MeanF1)}</strong></td>").Append(F1Table.HasPublished(scores, prediction) ? "<td></td>" : "");
        page.Append("</tr></tfoot>\n</table>\n</div>\n").Append(folded ? "</details>\n" : "");
        page.Append("<p class=\"caption\">Precision is the share of called voxels that are right, recall the share of the class's voxels that are called. A dash means undefined: nothing was called, or there was nothing to find. The mean is over classes that have an F1. Shares and scores leave out voxels that nobody labelled.</p>\n</section>\n");
    }

    private static void Thresholds(StringBuilder page, ScoreReport scores)
    {
        page.Append("<section>\n<h2>Thresholds</h2>\n<p>A network gives every voxel a grey from 0 to 255 for each class. A voxel is <em>called</em> when its grey is at or above the class's threshold. ");
        page.Append("The threshold is the one with the best F1 on the training region; the score is then read off the test curve at that place.</p>\n");
        page.Append(Key(scores, "<span><i class=\"thin\"></i>training region</span><span><i class=\"tickmark flat\"></i>floor</span>"));
        page.Append("<div class=\"grid four\">\n");
        for (var c = 0; c < scores.Classes.Count; c++)
            page.Append($"<figure class=\"small\"><h3><i style=\"background:{scores.Classes[c].Show}\"></i>{Text(scores.Classes[c].Name)}</h3>{Charts.Curves(scores, c)}</figure>\n");
        page.Append("</div>\n<p class=\"caption\">F1 against the threshold: thick on the test region, thin on the training region, the dot at the threshold chosen. A flat top means that the choice matters little; a thick line far below its thin one means that the network fits its training region better than tissue it has not seen.</p>\n</section>\n");
    }

    private static void Confusions(StringBuilder page, ScoreReport scores)
    {
        if (scores.Predictions.All(static p => p.Confusion is null))
            return;
        page.Append("<section>\n<h2>What is taken for what</h2>\n<div class=\"grid two\">\n");
        foreach (var (prediction, k) in scores.Predictions.Select(static (p, k) => (p, k)).Where(static q => q.p.Confusion is not null))
            page.Append($"<figure class=\"small\"><h3><i class=\"p{k % 6}\"></i>{Text(prediction.Name)}</h3>{Charts.Confusion(prediction, k)}</figure>\n");
        page.Append("</div>\n<p class=\"caption\">Of 100 test voxels of the class named on the left, how many have their largest output in the class named above. The diagonal is right. No thresholds are involved here. Exact counts are in confusion.csv.</p>\n</section>\n");
    }

    private static void Training(StringBuilder page, ReportInput input)
    {
        var losses = input.Losses.Select(static l => l with { Loss = [.. l.Loss.Where(double.IsFinite)] }).Where(static l => l.Loss.Count > 0).ToArray();
        if (losses.Length == 0 && input.Previews.Count == 0)
            return;
        page.Append("<section>\n<h2>Training</h2>\n");
        if (losses.Length > 0)
        {
            page.Append($"<div class=\"grid {(losses.Length > 1 ? "two" : "one")}\">\n");
            foreach (var loss in losses)
            {
                var last = loss.Loss.Skip(loss.Loss.Count * 9 / 10).Average();
                page.Append($"<figure class=\"small\"><h3>{Text(loss.Name)}</h3>{Charts.Loss(loss)}<figcaption>mean of the last tenth {Number(last, 4)}</figcaption></figure>\n");
            }

            page.Append("</div>\n<p class=\"caption\">Binary cross-entropy per class and voxel, against the iteration: the line is a running mean, the band the range it was taken from. Each iteration sees another random patch, so single values scatter.</p>\n");
        }

        if (input.Previews.Count > 0)
        {
            page.Append("<h3>Augmentation</h3>\n<div class=\"pictures\">\n");
            foreach (var picture in input.Previews)
                page.Append($"<figure>{Picture(picture.Image, picture.Title)}<figcaption><strong>{Text(picture.Title)}</strong> {Text(picture.Caption)}</figcaption></figure>\n");
            page.Append("</div>\n");
        }

        page.Append("</section>\n");
    }

    private static void Run(StringBuilder page, ReportInput input)
    {
        if (input.Provenance.Count == 0 && input.SpecJson is null)
            return;
        page.Append("<section>\n<h2>What was run</h2>\n");
        if (input.Provenance.Count > 0)
        {
            page.Append("<dl class=\"list\">\n");
            foreach (var fact in input.Provenance)
                page.Append($"<div><dt>{Text(fact.Label)}</dt><dd>{Text(fact.Value)}</dd></div>\n");
            page.Append("</dl>\n");
        }

        if (input.SpecJson is { } spec)
            page.Append($"<details><summary>The spec</summary>\n<pre>{Text(spec.Trim())}</pre></details>\n");
        page.Append("</section>\n");
    }
}
