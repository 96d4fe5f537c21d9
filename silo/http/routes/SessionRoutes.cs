// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Teravox.Contracts.Api;
using Teravox.Silo.Http.Page;
using Teravox.Silo.Http.Security;

namespace Teravox.Silo.Http.Routes;

/// <summary>/session: who the web page's user is. The cluster keeps no sessions: a cookie holds the key.</summary>
internal static class SessionRoutes
{
    public static void Map(RouteGroupBuilder group, ApiServices api, PageFiles page)
    {
        var routes = group.MapGroup("/session").WithTags("session");

        routes.MapGet("", async (HttpContext http) =>
        {
            var caller = await api.Keys.SignedInAsync(http);
            return TypedResults.Ok(new SessionInfo
            {
                Keys = await api.Keys.KeysNeededAsync(http.RequestAborted),
                Name = caller?.Name,
                Role = caller?.Role,
                Version = HealthRoutes.Version,
                UploadBytes = api.Options.PageUploadBytes,
                Neuroglancer = page.HasNeuroglancer,
            });
        })
            .Doc("Who is signed in, and what the web page must know first.", null, 429, 503);

        routes.MapPost("", async (NewSession body, HttpContext http) =>
        {
            SessionCookie.RefuseOtherSites(http.Request);
            await api.Keys.MustBeValidAsync(http, body.Key);
            SessionCookie.Set(http, body.Key);
            return TypedResults.NoContent();
        })
            .Doc("Signs a browser in: the key comes back as a cookie.", null, 400, 401, 403, 413, 415, 429, 503)
            .Produces(204);

        routes.MapDelete("", (HttpContext http) =>
        {
            SessionCookie.RefuseOtherSites(http.Request);
            SessionCookie.Delete(http);
            return TypedResults.NoContent();
        })
            .Doc("Signs a browser out.", null, 403)
            .Produces(204);
    }
}
