// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Work;
using Teravox.Grains.Campaign;
using Teravox.Grains.Catalog;
using Teravox.Silo.Http.Experiments;
using Teravox.Silo.Http.Security;

namespace Teravox.Silo.Http.Campaigns;

/// <summary>
/// Campaigns: an entry of the catalog that holds what was asked for, and its experiments. The same
/// request finds its entry again and submits what a crash left out; experiments that are there are not made twice.
/// </summary>
internal sealed class CampaignService(ApiServices api, Submission submission)
{
    // Scores of an experiment that succeeded do not change any more.
    private readonly ConcurrentDictionary<long, ScoreReport> scores = new();

    /// <summary>The campaign, and whether this request made it.</summary>
    public async Task<(CampaignInfo Campaign, bool Made)> SubmitAsync(NewCampaign body, Caller caller, CancellationToken ct)
    {
        Names.Check(body.Name, "name");
        if (body.Spec.ValueKind != JsonValueKind.Object)
            throw new ProblemException(422, "spec: a spec is a JSON object; see docs/spec.md.", "spec");
        var document = JsonSerializer.Serialize(body, TeravoxJson.Compact);
        var row = await api.Catalog.FindEntryAsync(EntryKinds.Campaign, body.Name, ct);
        RefuseOther(row, document, caller);

        // 1. Every run is checked whole before any is submitted.
        var runs = CampaignGrid.Runs(body);
        var prepared = new List<NewExperiment>(runs.Count);
        var labelsRead = new HashSet<string>(StringComparer.Ordinal);
        foreach (var run in runs)
            prepared.Add(await submission.PrepareAsync(JsonElement.Parse(run.SpecJson), ct, labelsRead));

        // 2. The entry, which one of two requests at once makes; the runs carry its number, which is never given twice.
        var made = false;
        if (row is null)
        {
            row = await api.Catalog.AddEntryAsync(EntryKinds.Campaign, body.Name, caller.Name, document, ct);
            made = row is not null;
            row ??= await api.Catalog.FindEntryAsync(EntryKinds.Campaign, body.Name, ct) ?? throw new DatabaseUnavailableException("a campaign's entry vanished");
            RefuseOther(row, document, caller);
        }

        FaultPoints.Hit("campaign.before-submit");
        await api.Experiments.SubmitAsync(
            [
                .. prepared.Select((experiment, i) => experiment with
                {
                    Priority = body.Priority,
                    Owner = caller.Name,
                    Campaign = body.Name,
                    ParametersJson = runs[i].ParametersJson,
                    IdempotencyKey = $"campaign-{row.Id}-{i}",
                }),
            ],
            ct);
        return (await InfoAsync(row, ct), made);
    }

    public async Task<CampaignInfo> FindAsync(string name, CancellationToken ct) => await InfoAsync(await RowAsync(name, ct), ct);

    public async Task<string> CsvAsync(string name, CancellationToken ct)
    {
        var row = await RowAsync(name, ct);
        return CampaignTable.Csv(Body(row), (await InfoAsync(row, ct)).Table);
    }

    /// <summary>A campaign without table and experiments, for lists.</summary>
    public static CampaignInfo Short(EntryRow row)
    {
        var body = Body(row);
        return new CampaignInfo { Id = row.Id, Name = row.Name, Fields = [.. body.Grid.Keys], Repeats = body.Repeats, Owner = row.Owner, Created = row.Created };
    }

    private async Task<CampaignInfo> InfoAsync(EntryRow row, CancellationToken ct)
    {
        var experiments = await api.Catalog.ListAsync(new ExperimentQuery(Limit: CampaignGrid.MostRuns, Campaign: row.Name), ct);
        var results = new List<CampaignResult>();
        foreach (var experiment in experiments.Where(e => e.State == ExperimentState.Succeeded))
        {
            if (await ScoresAsync(experiment.Id, ct) is { } found)
                results.Add(new CampaignResult(ExperimentViews.Info(experiment).Parameters ?? new Dictionary<string, JsonElement>(), found));
        }

        return Short(row) with
        {
            Submitted = Body(row),
            Table = CampaignTable.Rows(Body(row), results),
            Experiments = [.. experiments.OrderBy(e => e.Id).Select(ExperimentViews.Info)],
        };
    }

    private async Task<ScoreReport?> ScoresAsync(long experiment, CancellationToken ct)
    {
        if (scores.TryGetValue(experiment, out var known))
            return known;
        var file = Path.Combine(api.Store.Folder(experiment).Report, "scores.json");
        if (!File.Exists(file))
            return null;
        await using var stream = File.OpenRead(file);
        var read = CampaignTable.Trim((await JsonSerializer.DeserializeAsync<ScoreReport>(stream, TeravoxJson.Compact, ct))!);
        if (scores.Count > CampaignGrid.MostRuns)
            scores.Clear();
        return scores.GetOrAdd(experiment, read);
    }

    private async Task<EntryRow> RowAsync(string name, CancellationToken ct) =>
        await api.Catalog.FindEntryAsync(EntryKinds.Campaign, name, ct)
        ?? throw new ProblemException(404, $"There is no campaign {name}; GET /api/v1/campaigns lists them.");

    private static void RefuseOther(EntryRow? row, string document, Caller caller)
    {
        if (row is not null && (row.Owner != caller.Name || row.Document != document))
            throw new ProblemException(409, $"There is another campaign {row.Name} already; take another name.", "name");
    }

    private static NewCampaign Body(EntryRow row) => JsonSerializer.Deserialize<NewCampaign>(row.Document, TeravoxJson.Compact)!;
}
