// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Grains;
using Teravox.Grains.Catalog;
using Teravox.Silo.Http.Security;

namespace Teravox.Silo.Http.Campaigns;

/// <summary>Campaigns from outside: every call goes to the campaign's grain.</summary>
internal sealed class CampaignService(ApiServices api)
{
    /// <summary>The campaign, and whether this request made it.</summary>
    public async Task<(CampaignInfo Campaign, bool Made)> SubmitAsync(NewCampaign body, Caller caller, CancellationToken ct)
    {
        var grain = Grain(Names.Check(body.Name, "name"));
        var json = JsonSerializer.Serialize(body, TeravoxJson.Compact);
        var answer = await GrainAnswers.WaitAsync(caller, request => grain.SubmitAsync(json, request), ct);
        return (Info(answer), answer.IsNew);
    }

    public async Task<CampaignInfo> FindAsync(string name, CancellationToken ct) =>
        Info(await GrainAnswers.WaitAsync(Caller.Anyone, request => Grain(name).DescribeAsync(request), ct));

    public Task<string> CsvAsync(string name, CancellationToken ct) => GrainAnswers.WaitAsync(Caller.Anyone, request => Grain(name).TableAsync(request), ct);

    /// <summary>A campaign without table and experiments, for lists.</summary>
    public static CampaignInfo Short(EntryRow row)
    {
        var body = Body(row);
        return new CampaignInfo { Id = row.Id, Name = row.Name, Fields = [.. body.Grid.Keys], Repeats = body.Repeats, Owner = row.Owner, Created = row.Created };
    }

    /// <summary>What was submitted.</summary>
    public static NewCampaign Body(EntryRow row) => JsonSerializer.Deserialize<NewCampaign>(row.Document, TeravoxJson.Compact)!;

    private static CampaignInfo Info(CampaignDocument document) => JsonSerializer.Deserialize<CampaignInfo>(document.Json, TeravoxJson.Compact)!;

    private ICampaignGrain Grain(string name) => api.Grains.GetGrain<ICampaignGrain>(name);
}
