// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Teravox.Contracts;
using static Teravox.Grains.Report.Markup;

namespace Teravox.Grains.Report;

/// <summary>The scores as CSV files: comma, full stop, \n, UTF-8.</summary>
public static class ScoreTables
{
    /// <summary>One row per prediction and class; fields without a value are empty.</summary>
    public static string Scores(ScoreReport report)
    {
        var csv = new StringBuilder("prediction,id,class,share_train,share_test,floor,threshold,precision,recall,f1,train_f1,published_f1\n");
        foreach (var prediction in report.Predictions)
        {
            foreach (var c in prediction.Classes)
            {
                csv.AppendJoin(
                    ',', Field(prediction.Name), Inv($"{c.Id}"), Field(c.Name), Field(c.ShareTrain), Field(c.ShareTest), Field(c.Floor), Inv($"{c.Threshold}"),
                    Field(c.Precision), Field(c.Recall), Field(c.F1), Field(c.TrainF1), Field(Charts.Published(report, prediction.Name, c.Id))).Append('\n');
            }
        }

        return csv.ToString();
    }

    /// <summary>One row per section, and a last one "mean"; PSNR in dB, empty where the images are the same.</summary>
    public static string Images(ImageScores images)
    {
        var csv = new StringBuilder("section,psnr_lr,psnr_boosted,ssim_lr,ssim_boosted,iterations,fell_back\n");
        foreach (var s in images.Sections)
            Row(Inv($"{s.Section}"), s.Lr, s.Boosted, Inv($"{s.Iterations}"), s.FellBack ? "true" : "false");
        Row("mean", images.Lr, images.Boosted, "", "");
        return csv.ToString();

        void Row(string name, Fidelity lr, Fidelity boosted, string iterations, string fellBack) =>
            csv.AppendJoin(',', name, Field(lr.Psnr), Field(boosted.Psnr), Field(lr.Ssim), Field(boosted.Ssim), iterations, fellBack).Append('\n');
    }

    /// <summary>One row per prediction, true class and called class, with the share of the true class; null when nothing was counted.</summary>
    public static string? Confusion(ScoreReport report)
    {
        if (report.Predictions.All(static p => p.Confusion is null))
            return null;
        var csv = new StringBuilder("prediction,truth_id,truth,called_id,called,voxels,share_of_truth\n");
        foreach (var prediction in report.Predictions.Where(static p => p.Confusion is not null))
        {
            for (var r = 0; r < prediction.Confusion!.Count; r++)
            {
                var row = prediction.Confusion[r];
                var sum = row.Sum();
                for (var c = 0; c < row.Count; c++)
                {
                    csv.AppendJoin(
                        ',', Field(prediction.Name), Inv($"{r}"), Field(prediction.Classes[r].Name), Inv($"{c}"), Field(prediction.Classes[c].Name),
                        Inv($"{row[c]}"), Field(sum == 0 ? null : (double)row[c] / sum)).Append('\n');
                }
            }
        }

        return csv.ToString();
    }
}
