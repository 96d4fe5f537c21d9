// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Teravox.Contracts.Api;
using Teravox.Silo.Telemetry;

namespace Teravox.Silo.Http.Routes;

/// <summary>/metrics.</summary>
internal static class MetricsRoute
{
    public static void Map(WebApplication app)
    {
        var cluster = app.Services.GetRequiredService<ClusterMetrics>();
        var scrape = ((IEndpointRouteBuilder)app).CreateApplicationBuilder().UseOpenTelemetryPrometheusScrapingEndpoint(_ => true).Build();
        app.MapGet("/metrics", async (HttpContext http) =>
        {
            await cluster.RefreshAsync();
            await scrape(http);
            return Results.Empty;
        })
            .Doc("The cluster's and this silo's figures in Prometheus' text format.", ApiRole.Reader).WithTags("health")
            .ProducesFile("text/plain");
    }
}
