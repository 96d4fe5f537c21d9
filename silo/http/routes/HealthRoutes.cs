// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Teravox.Contracts.Api;
using Teravox.Volumes;

namespace Teravox.Silo.Http.Routes;

/// <summary>What probes and newcomers ask.</summary>
internal static class HealthRoutes
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    public static readonly string Version = Assembly.GetExecutingAssembly().GetName().Version?.ToString(3) ?? "unknown";

    public static void Map(WebApplication app, ApiServices api)
    {
        app.MapGet("/health/live", () => TypedResults.Ok(new Health("live")))
            .Doc("The process answers.", null).WithTags("health");

        app.MapGet("/health/ready", async (CancellationToken ct) =>
        {
            await ReadyAsync(api, ct);
            return TypedResults.Ok(new Health("ready"));
        })
            .Doc("The database answers and the store can be written.", null, 503).WithTags("health");

        app.MapGet("/api/v1", async (CancellationToken ct) =>
            TypedResults.Ok(new ApiIndex("teravox", Version, await api.Keys.KeysNeededAsync(ct), "/openapi/v1.json")))
            .Doc("What answers here.", null, 503).WithTags("health");
    }

    private static async Task ReadyAsync(ApiServices api, CancellationToken ct)
    {
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(ct);
        soon.CancelAfter(Patience);
        try
        {
            await api.Catalog.CountAsync(soon.Token).WaitAsync(soon.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new ProblemException(503, $"The database did not answer within {Patience.TotalSeconds:0} s.") { RetryAfter = 2 };
        }

        var probe = Path.Combine(api.Options.Store, $"{AtomicFile.TemporaryPrefix}ready-{Guid.NewGuid():N}");
        try
        {
            await File.WriteAllBytesAsync(probe, [1], ct);
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ProblemException(503, "The store cannot be written.") { RetryAfter = 5 };
        }
    }

    /// <summary>How the silo is: "live" or "ready".</summary>
    internal sealed record Health(string Status);
}
