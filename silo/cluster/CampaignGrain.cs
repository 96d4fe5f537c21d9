// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Placement;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains.Campaign;
using Teravox.Grains.Catalog;
using Teravox.Silo.Http;
using Teravox.Silo.Http.Campaigns;
using Teravox.Silo.Http.Experiments;

namespace Teravox.Silo.Cluster;

/// <summary>
/// A campaign is an entry of the catalog that holds what was asked for, and its experiments. Experiments that are there are not made
/// twice. The grain is activated on the silo that is asked first: that one serves clients, and has the roots that they may name files under.
/// </summary>
[Reentrant]
[PreferLocalPlacement]
[GrainType("campaign")]
internal sealed class CampaignGrain(ApiServices api, ILogger<CampaignGrain> log) : LongCallGrain(log), ICampaignGrain
{
    private readonly Submission _submission = new(api);

    // Scores of an experiment that succeeded do not change any more. Works beside each other fill this.
    private readonly ConcurrentDictionary<long, ScoreReport> _scores = new();

    // All runs of the entry are in the catalog: a repeat need not check them. Only the works that run alone use it.
    private long? _wholeEntry;

    private string Name => this.GetPrimaryKeyString();

    public Task<LongAnswer<CampaignDocument>> SubmitAsync(string campaignJson, GrainRequest request)
    {
        var name = Name;
        return Calls.WaitAloneAsync($"submit/{request.Id}", ct => SubmitAsync(name, Read(campaignJson), request.Owner, ct));
    }

    public Task<LongAnswer<CampaignDocument>> DescribeAsync(GrainRequest request)
    {
        var name = Name;
        return Calls.WaitAsync($"describe/{request.Id}", async ct => Document(await InfoAsync(await RowAsync(name, ct), ct), false));
    }

    public Task<LongAnswer<string>> TableAsync(GrainRequest request)
    {
        var name = Name;
        return Calls.WaitAsync($"table/{request.Id}", async ct =>
        {
            var campaign = await InfoAsync(await RowAsync(name, ct), ct);
            return CampaignTable.Csv(campaign.Submitted!, campaign.Table);
        });
    }

    private async Task<CampaignDocument> SubmitAsync(string name, NewCampaign body, string? owner, CancellationToken ct)
    {
        if (Names.Check(body.Name, "name") != name)
            throw new ProblemException(422, $"name: the grain of the campaign {name} submits no campaign {body.Name}.", "name");
        if (body.Spec.ValueKind != JsonValueKind.Object)
            throw new ProblemException(422, "spec: a spec is a JSON object; see docs/spec.md.", "spec");
        var document = JsonSerializer.Serialize(body, TeravoxJson.Compact);
        var row = await FindAsync(name, ct);
        RefuseOther(row, document, owner);
        if (row is not null && row.Id == _wholeEntry)
            return Document(await InfoAsync(row, ct), false);

        // 1. Every run is checked whole before any is submitted.
        var runs = CampaignGrid.Runs(body);
        var prepared = new List<NewExperiment>(runs.Count);
        var labelsRead = new HashSet<string>(StringComparer.Ordinal);
        foreach (var run in runs)
            prepared.Add(await _submission.PrepareAsync(JsonElement.Parse(run.SpecJson), ct, labelsRead));

        // 2. The entry, which one of two activations at once makes; the runs carry its number, which is never given twice.
        var isNew = false;
        if (row is null)
        {
            row = await api.Catalog.AddEntryAsync(EntryKinds.Campaign, name, owner, document, ct);
            isNew = row is not null;
            row ??= await FindAsync(name, ct) ?? throw new DatabaseUnavailableException("a campaign's entry vanished");
            RefuseOther(row, document, owner);
        }

        FaultPoints.Hit("campaign.before-submit");
        await api.Experiments.SubmitAsync(
            [
                .. prepared.Select((experiment, i) => experiment with
                {
                    Priority = body.Priority,
                    Owner = owner,
                    Campaign = name,
                    ParametersJson = runs[i].ParametersJson,
                    IdempotencyKey = $"campaign-{row.Id}-{i}",
                }),
            ],
            ct);
        _wholeEntry = row.Id;
        return Document(await InfoAsync(row, ct), isNew);
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

        var body = CampaignService.Body(row);
        return CampaignService.Short(row) with
        {
            Submitted = body,
            Table = CampaignTable.Rows(body, results),
            Experiments = [.. experiments.OrderBy(e => e.Id).Select(ExperimentViews.Info)],
        };
    }

    private async Task<ScoreReport?> ScoresAsync(long experiment, CancellationToken ct)
    {
        if (_scores.TryGetValue(experiment, out var known))
            return known;
        var file = Path.Combine(api.Store.Folder(experiment).Report, "scores.json");
        if (!File.Exists(file))
            return null;
        await using var stream = File.OpenRead(file);
        return _scores.GetOrAdd(experiment, CampaignTable.Trim((await JsonSerializer.DeserializeAsync<ScoreReport>(stream, TeravoxJson.Compact, ct))!));
    }

    private Task<EntryRow?> FindAsync(string name, CancellationToken ct) => api.Catalog.FindEntryAsync(EntryKinds.Campaign, name, ct);

    private async Task<EntryRow> RowAsync(string name, CancellationToken ct) =>
        await FindAsync(name, ct) ?? throw new ProblemException(404, $"There is no campaign {name}; GET /api/v1/campaigns lists them.");

    private static NewCampaign Read(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<NewCampaign>(json, TeravoxJson.Compact) ?? throw new ProblemException(400, "The campaign is null.");
        }
        catch (JsonException e)
        {
            throw new ProblemException(400, $"The campaign is not JSON as it should be ({e.Message}).");
        }
    }

    private static CampaignDocument Document(CampaignInfo info, bool isNew) => new(JsonSerializer.Serialize(info, TeravoxJson.Compact), isNew);

    private static void RefuseOther(EntryRow? row, string document, string? owner)
    {
        if (row is not null && (row.Owner != owner || row.Document != document))
            throw new ProblemException(409, $"There is another campaign {row.Name} already; take another name.", "name");
    }
}
