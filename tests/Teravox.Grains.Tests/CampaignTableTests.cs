// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Campaign;

namespace Teravox.Grains.Tests;

public sealed class CampaignTableTests
{
    private static readonly NewCampaign Campaign = new()
    {
        Name = "sweep",
        Spec = JsonElement.Parse("{}"),
        Grid = JsonSerializer.Deserialize<IReadOnlyDictionary<string, IReadOnlyList<JsonElement>>>("""{ "rate": [0.1, 0.01], "note": ["x", "a, \"b\""] }""")!,
    };

    [Fact]
    public void Rows_WhenARunIsRepeated_GivesMeanAndSpreadOfEveryClass()
    {
        var rows = CampaignTable.Rows(Campaign, [Run("0.1", "x", .5, .7), Run("0.1", "x", .6, null), Run("0.1", "x", .8, .9)]);

        Assert.Equal(["nucleus", "mito", "mean"], rows.Select(row => row.Class));
        var nucleus = rows[0];
        Assert.Equal(("multiclass", 3), (nucleus.Prediction, nucleus.Runs));
        Assert.Equal(1.9 / 3, nucleus.Mean!.Value, 12);
        // Sample deviation of .5, .6, .8: the squares of the distances to 19/30 sum to 14/300; half of that is 7/300.
        Assert.Equal(Math.Sqrt(7 / 300.0), nucleus.Std!.Value, 12);
        Assert.Equal((.5, .8), (nucleus.Min, nucleus.Max));
        Assert.Equal((2, .8, .7, .9), (rows[1].Runs, Math.Round(rows[1].Mean!.Value, 12), rows[1].Min, rows[1].Max));
        Assert.Equal((.6 + .6 + .85) / 3, rows[2].Mean!.Value, 12);
    }

    [Fact]
    public void Rows_WhenOneRunOrNone_HasNoSpread()
    {
        var rows = CampaignTable.Rows(Campaign, [Run("0.1", "x", .5, null)]);

        Assert.Equal((1, .5, null, .5, .5), rows[0] is var r ? (r.Runs, r.Mean, r.Std, r.Min, r.Max) : default);
        Assert.Equal((0, null, null, null, null), rows[1] is var n ? (n.Runs, n.Mean, n.Std, n.Min, n.Max) : default);
        Assert.Empty(CampaignTable.Rows(Campaign, []));
    }

    [Fact]
    public void Rows_WhenRunsComeInAnyOrder_TheTableIsTheSame()
    {
        CampaignResult[] runs =
        [
            Run("0.01", "x", .1, .3), Run("0.1", "a, \"b\"", .2, .4), Run("0.1", "x", .3, .7), Run("0.1", "x", .7, .1), Run("0.1", "x", .1, .2),
            Run("0.5", "x", .3, .3),
        ];

        var csv = CampaignTable.Csv(Campaign, CampaignTable.Rows(Campaign, runs));

        Assert.Equal(csv, CampaignTable.Csv(Campaign, CampaignTable.Rows(Campaign, runs.Reverse())));
        Assert.Equal(
            ["0.1 x", "0.1 a, \"b\"", "0.01 x", "0.5 x"],
            CampaignTable.Rows(Campaign, runs).Select(row => $"{row.Parameters["rate"]} {row.Parameters["note"]}").Distinct());
    }

    [Fact]
    public void Csv_WhenValuesNeedQuotes_HasThem()
    {
        var csv = CampaignTable.Csv(Campaign, CampaignTable.Rows(Campaign, [Run("0.1", "a, \"b\"", .5, null)]));

        Assert.Equal(
            "rate,note,prediction,class,runs,mean,std,min,max,published\n"
            + "0.1,\"a, \"\"b\"\"\",multiclass,nucleus,1,0.5,,0.5,0.5,\n"
            + "0.1,\"a, \"\"b\"\"\",multiclass,mito,0,,,,,\n"
            + "0.1,\"a, \"\"b\"\"\",multiclass,mean,1,0.5,,0.5,0.5,\n",
            csv);
    }

    private static CampaignResult Run(string rate, string note, double? nucleus, double? mito)
    {
        ClassScore Score(int id, string name, double? f1) => new() { Id = id, Name = name, Threshold = 128, F1 = f1, Curve = [], TrainCurve = [] };
        return new CampaignResult(
            new Dictionary<string, JsonElement> { ["rate"] = JsonElement.Parse(rate), ["note"] = JsonSerializer.SerializeToElement(note) },
            new ScoreReport
            {
                Name = "run",
                Classes = [],
                Regions = new ScoreRegions([], []),
                Predictions =
                [
                    new PredictionScore
                    {
                        Name = "multiclass",
                        Classes = [Score(1, "nucleus", nucleus), Score(2, "mito", mito)],
                        MeanF1 = new[] { nucleus, mito }.Average(),
                    },
                ],
            });
    }
}
