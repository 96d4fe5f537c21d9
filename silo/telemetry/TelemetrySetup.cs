// SPDX-License-Identifier: Apache-2.0
using System.Collections;
using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Teravox.Grains.Telemetry;
using Teravox.Silo.Http.Routes;

namespace Teravox.Silo.Telemetry;

/// <summary>
/// What a process tells of itself: metrics at /metrics where it has an HTTP API, and metrics and traces to a collector when
/// OTEL_EXPORTER_OTLP_ENDPOINT names one. Nothing is sent anywhere otherwise.
/// </summary>
internal static class TelemetrySetup
{
    private const string Variables = "OTEL_";

    // Series of an instrument: of one that tells of silos, of routes and their answers, of anything else.
    private const int MostSilos = 1000, MostRoutes = 300, MostOthers = 100;

    private static bool HasCollector => !string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT"));

    /// <summary>Adds what is needed, which is nothing without a collector and a /metrics.</summary>
    public static void Add(IHostApplicationBuilder builder, string silo, bool scraped)
    {
        var sends = HasCollector;
        if (!sends && !scraped)
            return;

        // The exporters take their settings from the host's configuration, which has no variables in an embedded silo.
        builder.Configuration.AddInMemoryCollection(Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Select(v => new KeyValuePair<string, string?>((string)v.Key, (string?)v.Value)).Where(v => v.Key.StartsWith(Variables, StringComparison.Ordinal)));
        var service = Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME") ?? "teravox";
        var telemetry = builder.Services.AddOpenTelemetry().ConfigureResource(r => r.AddService(service, serviceVersion: HealthRoutes.Version, serviceInstanceId: silo));
        telemetry.WithMetrics(metrics =>
        {
            metrics.AddMeter(WorkMetrics.MeterName, "Microsoft.Orleans", "System.Runtime").AddAspNetCoreInstrumentation()
                .AddView(Bounded);
            if (scraped)
                metrics.AddPrometheusExporter(o => o.ScopeInfoEnabled = false);
            if (sends)
                metrics.AddOtlpExporter();
        });
        if (!sends)
            return;
        telemetry.WithTracing(traces => traces
            .SetSampler(new ParentBasedSampler(new SubmissionSampler(Share())))
            .AddSource(WorkTraces.SourceName, "Microsoft.Orleans.Application")
            .AddAspNetCoreInstrumentation(o => o.Filter = http => http.Request.Path.StartsWithSegments("/api"))
            .AddOtlpExporter());
    }

    // Room is taken for every series that an instrument may have; for 2000 of each, the default, it is tens of MiB.
    private static MetricStreamConfiguration Bounded(Instrument instrument) => new()
    {
        CardinalityLimit = instrument.Name.StartsWith(ClusterMetrics.OfSilos, StringComparison.Ordinal)
            ? MostSilos
            : instrument.Meter.Name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) ? MostRoutes : MostOthers,
    };

    private static double Share() =>
        double.TryParse(Environment.GetEnvironmentVariable("OTEL_TRACES_SAMPLER_ARG"), NumberStyles.Float, CultureInfo.InvariantCulture, out var share) && share is >= 0 and <= 1 ? share : 1;
}
