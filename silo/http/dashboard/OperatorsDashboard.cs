// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Orleans.Dashboard;
using Teravox.Contracts.Api;
using Teravox.Silo.Http.Security;

namespace Teravox.Silo.Http.Dashboard;

/// <summary>
/// Orleans' own dashboard at /dashboard, for operators: silos, grains, calls, states of grains. All of its files come out of its
/// assembly.
/// </summary>
internal static class OperatorsDashboard
{
    private const string Path = "/dashboard";

    // Its page sets styles from its script; everything is of this origin.
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self' data:; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Every silo has it, so that the dashboard of any shows all.</summary>
    public static void UseOperatorsDashboard(this ISiloBuilder silo)
    {
        // Its stream of log lines stays open for an hour; the silo's log has them.
        var before = silo.Services.ToHashSet();
        silo.AddDashboard(o => o.HideTrace = true);

        // What it starts with the silo would sample all of Orleans' instruments for ever, in tens of MiB; /metrics has them. The rest of it
        // starts when somebody looks.
        foreach (var started in silo.Services.Where(s => s.ServiceType == typeof(IHostedService) && !before.Contains(s)).ToList())
            silo.Services.Remove(started);
    }

    /// <summary>Its routes, which are no part of the API's document. They are made when somebody first looks: they hold its files, 40 MiB.</summary>
    public static void Map(WebApplication app)
    {
        var dashboard = new Lazy<RequestDelegate>(() => ((IEndpointRouteBuilder)app).CreateApplicationBuilder()
            .UseRouting().UseEndpoints(routes => routes.MapOrleansDashboard(Path).ExcludeFromDescription()).Build());
        app.MapGet(Path + "/{**rest}", (HttpContext http) =>
        {
            http.Response.Headers.ContentSecurityPolicy = Policy;

            // The dashboard's own routes are looked up anew.
            http.SetEndpoint(null);
            http.Request.RouteValues.Clear();
            return dashboard.Value(http);
        }).Needs(ApiRole.Operator).ExcludeFromDescription();
    }
}
