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
using Teravox.Grains.Catalog;
using Teravox.Silo.Http.Dashboard;
using Teravox.Silo.Http.Page;
using Teravox.Silo.Http.Routes;
using Teravox.Silo.Http.Security;
using Teravox.Silo.Http.Volumes;
using Teravox.Silo.Telemetry;

namespace Teravox.Silo.Http;

/// <summary>A silo's HTTP face: the web page, the API under /api/v1, health, metrics. Any silo of a cluster answers for all of it.</summary>
public static class HttpFace
{
    private const int MostConnections = 1024;
    private static readonly TimeSpan HeaderPatience = TimeSpan.FromSeconds(10);
    private static readonly MinDataRate SlowestBody = new(bytesPerSecond: 1024, gracePeriod: TimeSpan.FromSeconds(5));

    /// <summary>Says why the API may not listen where it is asked to, before anything is started.</summary>
    /// <exception cref="InputException">It would listen beyond loopback, and the catalog has no key.</exception>
    public static async Task CheckAsync(ICatalog catalog, HttpOptions options, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(options);

        // Nobody is let in from other machines unless there are keys to tell who is who.
        if (!options.Urls.All(Loopback.IsLoopback) && !(await catalog.KeysAsync(ct)).Any(k => k.Revoked is null))
        {
            throw new InputException(
                $"--urls {string.Join(' ', options.Urls)}: there is no API key, so anybody could drive the silo; make one with ./teravox key add, or listen on http://127.0.0.1:PORT.");
        }
    }

    /// <summary>Sets up the server and its services.</summary>
    /// <exception cref="InputException">An origin is none.</exception>
    public static void Configure(WebApplicationBuilder builder, HttpOptions options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        builder.WebHost.UseUrls([.. options.Urls]).ConfigureKestrel(kestrel => Limit(kestrel.Limits, options));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.Services.Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true);
        builder.Services.ConfigureHttpJsonOptions(o => ApiJson.Apply(o.SerializerOptions));
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(5));
        ApiDocument.Add(builder.Services);
        builder.Services.AddSingleton(_ => new OtherOrigins(options.CorsOrigins));
        builder.Services.AddSingleton<ClusterMetrics>();
    }

    /// <summary>What submissions and views work with, also those that come over grains.</summary>
    public static void AddServices(IServiceCollection services, HttpOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        foreach (var folder in (string[])["volumes", "models", "uploads"])
            Directory.CreateDirectory(Path.Combine(options.Store, folder));
        services.AddSingleton(provider => new ApiServices(
            provider.GetRequiredService<ExperimentService>(), provider.GetRequiredService<ExperimentStore>(), provider.GetRequiredService<IGrainFactory>(), options, options.Urls.All(Loopback.IsLoopback)));
    }

    /// <summary>What every request goes through, outermost first, and the routes.</summary>
    public static void Use(WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var api = app.Services.GetRequiredService<ApiServices>();
        var others = app.Services.GetRequiredService<OtherOrigins>();
        var page = new PageFiles(api.Options.Page);
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Teravox.Http");
        app.Use(next => http => Problems.GuardAsync(http, next, log));
        app.Use(next => http => AddHeadersAsync(http, next));
        app.Use(next => http => page.ServeAsync(http, next));
        app.Use(next => http => others.GuardAsync(http, next));
        app.UseRouting();
        app.Use(next => http => api.Keys.GuardAsync(http, next));
        Map(app, api, page);
    }

    private static void Map(WebApplication app, ApiServices api, PageFiles page)
    {
        var stopping = app.Lifetime.ApplicationStopping;
        var v1 = app.MapGroup("/api/v1");
        var volumes = new VolumeService(api);
        VolumeRoutes.Map(v1, api, volumes);
        UploadRoutes.Map(v1, api, volumes);
        ModelRoutes.Map(v1, api);
        CampaignRoutes.Map(v1, api);
        ExperimentRoutes.Map(v1, api);
        ResultRoutes.Map(v1, api, stopping);
        ViewRoutes.Map(v1, api);
        SessionRoutes.Map(v1, api, page);
        ClusterRoutes.Map(v1, api);
        HealthRoutes.Map(app, api);
        MetricsRoute.Map(app);
        OperatorsDashboard.Map(app);
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
