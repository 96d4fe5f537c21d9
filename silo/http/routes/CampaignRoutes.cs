// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Teravox.Contracts.Api;
using Teravox.Grains.Catalog;
using Teravox.Silo.Http.Campaigns;
using Teravox.Silo.Http.Security;

namespace Teravox.Silo.Http.Routes;

/// <summary>/campaigns.</summary>
internal static class CampaignRoutes
{
    public static void Map(RouteGroupBuilder group, ApiServices api)
    {
        var campaigns = new CampaignService(api);
        var routes = group.MapGroup("/campaigns").WithTags("campaigns");

        routes.MapPost("", async (NewCampaign body, HttpContext http, CancellationToken ct) =>
        {
            var (campaign, made) = await campaigns.SubmitAsync(body, Caller.Of(http), ct);
            return made ? (IResult)TypedResults.Created($"/api/v1/campaigns/{body.Name}", campaign) : TypedResults.Ok(campaign);
        })
            .Doc("Submits every combination of a grid; all specs are checked whole first.", ApiRole.Submitter, 400, 409, 413, 415, 422)
            .Produces<CampaignInfo>(201).Produces<CampaignInfo>(200);

        routes.MapGet("", async (string? cursor, int? limit, CancellationToken ct) =>
        {
            var (before, most) = Paging.Read(cursor, limit);
            return TypedResults.Ok(Paging.Of(await api.Catalog.EntriesAsync(EntryKinds.Campaign, before, most + 1, ct), most, r => r.Id, CampaignService.Short));
        })
            .Doc("Lists campaigns from the newest, without tables.", ApiRole.Reader, 422);

        routes.MapGet("/{name}", async (string name, CancellationToken ct) => TypedResults.Ok(await campaigns.FindAsync(name, ct)))
            .Doc("A campaign with its experiments and the table over all runs.", ApiRole.Reader, 404);

        routes.MapGet("/{name}/table.csv", async (string name, CancellationToken ct) => TypedResults.Text(await campaigns.CsvAsync(name, ct), "text/csv; charset=utf-8"))
            .Doc("The table as CSV.", ApiRole.Reader, 404)
            .ProducesFile("text/csv");
    }
}
