// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using Teravox.Cli.Remote;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Campaign;
using Teravox.Grains.Spec;

namespace Teravox.Cli.Commands;

/// <summary>teravox campaign: many experiments from one spec, and the table over them.</summary>
internal static class CampaignCommand
{
    public static Command Make()
    {
        var what = new Argument<string?>("campaign") { Description = "A JSON file to submit, or the name of a campaign to show; all are listed when left out.", Arity = ArgumentArity.ZeroOrOne };
        var set = Options.Set();
        var quick = Options.Quick();
        var csv = new Option<bool>("--csv") { Description = "The table as CSV." };
        var outDir = new Option<string?>("--out", "-o") { Description = "With a name: fetches the reports of the runs that are done and a summary over them into this folder." };
        var upload = new Option<bool>("--upload") { Description = "Upload the data in any case. Without it they are uploaded only when the cluster cannot read their path." };
        return Remote.Remote.Command(
            "campaign",
            """
            Submits one spec over a grid of parameters, each combination repeated with other seeds, or shows mean and spread of F1 over the runs. The file:
              {"name": "rates", "spec": {...}, "grid": {"training.learningRate": [0.001, 0.0001]}, "repeats": 3}

            Example:
              ./teravox campaign rates.json
              ./teravox campaign rates --csv
              ./teravox campaign rates --out rates
            """,
            [what, set, quick, csv, outDir, upload],
            async (r, session, ct) =>
            {
                var named = r.GetValue(what);
                if (named is null)
                    return await AllAsync(session, ct);
                if (!File.Exists(named) && r.GetValue(outDir) is { } folder)
                    return await FetchAsync(session, named, Path.GetFullPath(folder), ct);
                if (!File.Exists(named))
                    return r.GetValue(csv) ? await CsvAsync(session, named, ct) : await ShowAsync(session, named, ct);
                return await SubmitAsync(session, CampaignFile.Load(named, ShippedSpecs.Settings(r.GetValue(quick), r.GetRequiredValue(set))), r.GetValue(upload), ct);
            });
    }

    private static async Task<int> SubmitAsync(Session session, NewCampaign campaign, bool upload, CancellationToken ct)
    {
        // The runs share their data, so one of them stands for all: it is checked, and decides on the upload.
        var spec = SpecFile.Parse(CampaignGrid.Runs(campaign)[0].SpecJson, campaign.Name, Directory.GetCurrentDirectory()) with { Name = campaign.Name };
        var made = await LocalData.SendAsync(session, spec, upload, (json, stop) => session.Client.Campaigns.SubmitAsync(campaign with { Spec = json }, stop), ct);
        session.Write(made, () => $"Campaign {made.Name}: {made.Experiments.Count} experiments are submitted. Its table: teravox campaign {made.Name}");
        return Guarded.Success;
    }

    private static async Task<int> AllAsync(Session session, CancellationToken ct)
    {
        var all = await session.Client.Campaigns.ListAsync(ct).ToListAsync(ct);
        if (session.Json)
            all.ForEach(c => session.Write(c, () => ""));
        else
            Tables.Write([">id", "name", "fields", ">repeats", "owner", "submitted"], all.Select(c => new[] { $"{c.Id}", c.Name, string.Join(", ", c.Fields), $"{c.Repeats}", c.Owner ?? "", Human.Time(c.Created) }));
        return Guarded.Success;
    }

    private static async Task<int> CsvAsync(Session session, string name, CancellationToken ct)
    {
        Console.Out.Write(await session.Client.Campaigns.TableAsync(name, ct));
        return Guarded.Success;
    }

    private static async Task<int> ShowAsync(Session session, string name, CancellationToken ct)
    {
        var campaign = await FindAsync(session, name, ct);
        if (session.Json)
        {
            session.Write(campaign, () => "");
            return Guarded.Success;
        }

        var states = campaign.Experiments.GroupBy(e => e.State).Select(g => $"{g.Count()} {g.Key}");
        Console.Out.WriteLine($"Campaign {campaign.Name}: {campaign.Experiments.Count} experiments, {string.Join(", ", states)}");
        if (campaign.Table.Count > 0)
            Tables.Write([.. campaign.Fields, "prediction", "class", ">runs", ">F1 mean", ">std", ">min", ">max"], campaign.Table.Select(row => Row(campaign, row)));
        return Guarded.Success;
    }

    // The folder is as an embedded run of the campaign leaves it, save what only a restart needs and the large volumes.
    private static async Task<int> FetchAsync(Session session, string name, string folder, CancellationToken ct)
    {
        var found = await FindAsync(session, name, ct);
        var campaign = found.Submitted ?? throw new InputException($"The cluster is older than this program and does not say what campaign {name} is; fetch its runs with teravox report.");
        var stands = new List<CampaignStand>();
        foreach (var run in CampaignGrid.Runs(campaign))
        {
            var experiment = found.Experiments.FirstOrDefault(e => e.Name == run.Name);
            if (experiment?.State == "succeeded")
                await ReportCommand.FetchAsync(session, experiment.Id, Path.Combine(folder, run.Name), all: false, ct);
            stands.Add(CampaignStand.Of(run, experiment?.State switch { "succeeded" => "done", null => "waiting", var state => state }, folder));
        }

        Directory.CreateDirectory(folder);
        CampaignWriter.Write(folder, campaign, stands);
        session.Write(new { kind = "fetched", campaign = name, folder, runs = stands.Count, done = stands.Count(s => s.State == "done") }, () => $"Summary: {Path.Combine(folder, "summary.html")}");
        return Guarded.Success;
    }

    private static async Task<CampaignInfo> FindAsync(Session session, string name, CancellationToken ct) =>
        await session.Client.Campaigns.FindAsync(name, ct)
        ?? throw new InputException($"{name} is neither a file nor a campaign of the cluster; teravox campaign lists those there are.");

    private static string[] Row(CampaignInfo campaign, CampaignRow row) =>
    [
        .. campaign.Fields.Select(f => row.Parameters.TryGetValue(f, out var value) ? value.ToString() : ""),
        row.Prediction, row.Class, $"{row.Runs}", Number(row.Mean), Number(row.Std), Number(row.Min), Number(row.Max),
    ];

    private static string Number(double? value) => value?.ToString("F3", CultureInfo.InvariantCulture) ?? "-";
}
