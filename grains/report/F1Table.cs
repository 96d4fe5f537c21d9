// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Teravox.Contracts;
using static Teravox.Grains.Report.Markup;

namespace Teravox.Grains.Report;

/// <summary>F1 alone, a row per class and a column per prediction, each with its published column where there is one.</summary>
internal static class F1Table
{
    /// <summary>Adds the table.</summary>
    /// <param name="page">The page.</param>
    /// <param name="scores">The scores.</param>
    /// <param name="value">What to write for a prediction's class, or for its mean where the class is null.</param>
    public static void Append(StringBuilder page, ScoreReport scores, Func<PredictionScore, ClassScore?, string> value)
    {
        page.Append("<div class=\"scroll\">\n<table>\n<thead><tr><th scope=\"col\">class</th><th scope=\"col\">share of voxels</th><th scope=\"col\">floor</th>");
        foreach (var (prediction, k) in scores.Predictions.Select(static (p, k) => (p, k)))
            page.Append($"<th class=\"group\" scope=\"col\"><i class=\"p{k % 6}\"></i>{Text(prediction.Name)}</th>").Append(HasPublished(scores, prediction) ? "<th scope=\"col\">published</th>" : "");
        page.Append("</tr></thead>\n<tbody>\n");
        for (var c = 0; c < scores.Classes.Count; c++)
        {
            var any = scores.Predictions[0].Classes[c];
            page.Append($"<tr><th scope=\"row\"><i style=\"background:{scores.Classes[c].Show}\"></i>{Text(any.Name)}</th><td>{Percent(any.ShareTest)}</td><td>{Number(any.Floor)}</td>");
            foreach (var prediction in scores.Predictions)
            {
                page.Append($"<td class=\"group{(Leads(scores, prediction, c) ? " best" : "")}\"><strong>{value(prediction, prediction.Classes[c])}</strong></td>");
                if (HasPublished(scores, prediction))
                    page.Append($"<td class=\"muted\">{Number(Charts.Published(scores, prediction.Name, c))}</td>");
            }

            page.Append("</tr>\n");
        }

        page.Append("</tbody>\n<tfoot><tr><th scope=\"row\">mean</th><td></td><td></td>");
        foreach (var prediction in scores.Predictions)
            page.Append($"<td class=\"group\"><strong>{value(prediction, null)}</strong></td>").Append(HasPublished(scores, prediction) ? "<td></td>" : "");
        page.Append("</tr></tfoot>\n</table>\n</div>\n");
    }

    /// <summary>True when values were published for the prediction.</summary>
    public static bool HasPublished(ScoreReport scores, PredictionScore prediction) => Charts.Published(scores, prediction.Name, 0) is not null;

    /// <summary>True when no other prediction has a larger F1 for the class.</summary>
    public static bool Leads(ScoreReport scores, PredictionScore prediction, int id) =>
        scores.Predictions.Count > 1 && prediction.Classes[id].F1 is { } f1 && scores.Predictions.All(p => !(p.Classes[id].F1 > f1));
}
