// SPDX-License-Identifier: Apache-2.0
using Teravox.Client.Http;
using Teravox.Contracts.Api;

namespace Teravox.Client;

/// <summary>Experiments over grids of parameters.</summary>
public sealed class CampaignsClient
{
    private readonly Transport _transport;

    internal CampaignsClient(Transport transport) => _transport = transport;

    /// <summary>All campaigns from the newest, without tables and experiments.</summary>
    public IAsyncEnumerable<CampaignInfo> ListAsync(CancellationToken ct = default) => _transport.PagesAsync<CampaignInfo>("campaigns?limit=200", ct);

    /// <summary>One campaign with its table and experiments; null when there is none of this name.</summary>
    public Task<CampaignInfo?> FindAsync(string name, CancellationToken ct = default) => _transport.FindAsync<CampaignInfo>(Call.Join("campaigns", name), ct);

    /// <summary>Submits a campaign. The same again is the same campaign, so this is repeated after a broken connection.</summary>
    public Task<CampaignInfo> SubmitAsync(NewCampaign campaign, CancellationToken ct = default) =>
        _transport.JsonAsync<CampaignInfo>(Call.Once("campaigns", campaign) with { Repeatable = true }, ct);

    /// <summary>The table over all runs as CSV.</summary>
    public Task<string> TableAsync(string name, CancellationToken ct = default) => _transport.SendAsync(
        Call.Get(Call.Join("campaigns", name, "table.csv")),
        static (response, attempt) => response.Content.ReadAsStringAsync(attempt.Token),
        ct);
}
