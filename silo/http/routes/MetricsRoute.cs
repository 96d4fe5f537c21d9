// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Teravox.Contracts.Api;
using Teravox.Silo.Http.Health;

namespace Teravox.Silo.Http.Routes;

/// <summary>/metrics.</summary>
internal static class MetricsRoute
{
    public static void Map(WebApplication app, ApiServices api) =>
        app.MapGet("/metrics", async (CancellationToken ct) =>
        {
            var text = new StringBuilder();
            MetricsText.Work(text, await api.Catalog.CountAsync(ct), await api.Catalog.CountItemsAsync(ct));
            MetricsText.Silos(text, [.. (await api.Silos.AllAsync(ct)).Select(SilosView.Info)]);
            api.Metrics.Write(text);
            return TypedResults.Text(text.ToString(), MetricsText.ContentType);
        })
            .Doc("The cluster's and this silo's figures in Prometheus' text format.", ApiRole.Reader).WithTags("health")
            .ProducesFile("text/plain");
}
