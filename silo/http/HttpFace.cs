// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Silo.Http.Page;
using Teravox.Silo.Http.Routes;
using Teravox.Silo.Http.Security;
using Teravox.Silo.Http.Volumes;

namespace Teravox.Silo.Http;

/// <summary>A silo's HTTP face: the web page, the API under /api/v1, health, metrics. Any silo of a cluster answers for all of it.</summary>
public static class HttpFace
{
    private const int MostConnections = 1024;
    private static readonly TimeSpan HeaderPatience = TimeSpan.FromSeconds(10);
    private static readonly MinDataRate SlowestBody = new(bytesPerSecond: 1024, gracePeriod: TimeSpan.FromSeconds(5));

    /// <summary>Builds the service; the caller starts and stops it.</summary>
    /// <param name="ledger">The cluster's ledger; stays the caller's.</param>
    /// <param name="store">Where experiments keep their files.</param>
    /// <param name="options">Where it listens and what it lets in.</param>
    /// <param name="ct">Stops the building.</param>
    /// <exception cref="InputException">A url or an origin is none, or it would listen beyond loopback and the ledger has no key.</exception>
    public static async Task<WebApplication> BuildAsync(ILedger ledger, ExperimentStore store, HttpOptions options, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(ledger);
        ArgumentNullException.ThrowIfNull(options);

        // 1. Nobody is let in from other machines unless there are keys to tell who is who.
        var loopbackOnly = options.Urls.All(Loopback.IsLoopback);
        if (!loopbackOnly && !(await ledger.KeysAsync(ct)).Any(k => k.Revoked is null))
        {
            throw new InputException(
                $"--urls {string.Join(' ', options.Urls)}: the ledger has no key, so anybody could drive the silo; make one with ./teravox key add, or listen on http://127.0.0.1:PORT.");
        }

        foreach (var folder in (string[])["volumes", "models", "uploads"])
            Directory.CreateDirectory(Path.Combine(options.Store, folder));

        // 2. The server.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = [] });
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Warning).AddConsole(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.WebHost.UseUrls([.. options.Urls]).ConfigureKestrel(kestrel => Limit(kestrel.Limits, options));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.Services.Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true);
        builder.Services.ConfigureHttpJsonOptions(o => ApiJson.Apply(o.SerializerOptions));
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(5));
        ApiDocument.Add(builder.Services);
        var api = new ApiServices(ledger, store, options, loopbackOnly);
        builder.Services.AddSingleton(_ => api);
        var page = new PageFiles(options.Page);
        var others = new OtherOrigins(options.CorsOrigins);
        var app = builder.Build();

        // 3. What every request goes through, outermost first.
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Teravox.Http");
        app.Use(next => http => api.Metrics.CountAsync(http, next));
        app.Use(next => http => Problems.GuardAsync(http, next, log));
        app.Use(next => http => AddHeadersAsync(http, next));
        app.Use(next => http => page.ServeAsync(http, next));
        app.Use(next => http => others.GuardAsync(http, next));
        app.UseRouting();
        app.Use(next => http => api.Keys.GuardAsync(http, next));

        // 4. The routes.
        Map(app, api, page);
        return app;
    }

    private static void Map(WebApplication app, ApiServices api, PageFiles page)
    {
        var stopping = app.Lifetime.ApplicationStopping;
        var v1 = app.MapGroup("/api/v1");
        var volumes = new VolumeShelf(api);
        VolumeRoutes.Map(v1, api, volumes);
        UploadRoutes.Map(v1, api, volumes);
        ModelRoutes.Map(v1, api);
        CampaignRoutes.Map(v1, api);
        ExperimentRoutes.Map(v1, api);
        ResultRoutes.Map(v1, api, stopping);
        ViewRoutes.Map(v1, api, volumes);
        SessionRoutes.Map(v1, api, page);
        ClusterRoutes.Map(v1, api);
        HealthRoutes.Map(app, api);
        MetricsRoute.Map(app, api);
        app.MapOpenApi("/openapi/{documentName}.json").Needs(null);
    }

    private static void Limit(KestrelServerLimits limits, HttpOptions options)
    {
        limits.MaxRequestBodySize = options.Uploads.RequestBytes;
        limits.MinRequestBodyDataRate = SlowestBody;
        limits.RequestHeadersTimeout = HeaderPatience;
        limits.MaxConcurrentConnections = MostConnections;
    }

    private static Task AddHeadersAsync(HttpContext http, RequestDelegate next)
    {
        http.Response.OnStarting(() =>
        {
            var headers = http.Response.Headers;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer";
            headers.TryAdd("Cross-Origin-Resource-Policy", "same-origin");
            headers.XFrameOptions = "SAMEORIGIN";

            // What is shown by cookie is for its reader alone: nothing between may keep it, and a browser asks whether it is still so.
            headers.TryAdd("Cache-Control", "private, no-cache");

            // A result page is data: whatever it holds must not act with the reader's rights. The web page has a policy of its own.
            if (headers.ContentSecurityPolicy.Count == 0 && http.Response.ContentType?.StartsWith("text/html", StringComparison.OrdinalIgnoreCase) == true)
                headers.ContentSecurityPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";
            return Task.CompletedTask;
        });
        return next(http);
    }
}
