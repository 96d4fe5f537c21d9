// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Teravox.Contracts.Api;
using Teravox.Silo.Http.Security;

namespace Teravox.Silo.Http.Routes;

/// <summary>What the OpenAPI document says of a route, kept beside the route.</summary>
internal static class RouteDocs
{
    /// <summary>Summary, the role it asks for (null: everybody) and the problems it may answer with beside those of every route.</summary>
    public static RouteHandlerBuilder Doc(this RouteHandlerBuilder route, string summary, ApiRole? role, params int[] problems)
    {
        route.WithSummary(summary).Needs(role);
        if (role is not null)
            route.WithDescription($"Needs a key with the role {role.Value.ToString().ToLowerInvariant()} where the cluster has keys.");
        int[] common = role is null ? [] : [401, 403, 503];
        foreach (var status in problems.Concat(common).Distinct().Order())
            route.ProducesProblem(status, Problems.ContentType);
        return route;
    }

    /// <summary>A file as answer.</summary>
    public static RouteHandlerBuilder ProducesFile(this RouteHandlerBuilder route, params string[] types) =>
        route.Produces(StatusCodes.Status200OK, contentType: types[0], additionalContentTypes: types[1..]);
}
