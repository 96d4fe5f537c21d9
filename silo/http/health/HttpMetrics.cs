// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Teravox.Silo.Http.Health;

/// <summary>Counts requests and how long they took, by route and never by path, so that the number of lines stays bounded.</summary>
internal sealed class HttpMetrics
{
    private static readonly double[] Bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
    private readonly ConcurrentDictionary<(string Method, string Route, int Code), long> requests = new();
    private readonly ConcurrentDictionary<(string Method, string Route), Histogram> durations = new();

    private sealed class Histogram
    {
        public long[] Buckets { get; } = new long[Bounds.Length + 1];

        public double Sum { get; set; }
    }

    /// <summary>The outermost middleware.</summary>
    public async Task CountAsync(HttpContext http, RequestDelegate next)
    {
        var began = Stopwatch.GetTimestamp();
        try
        {
            await next(http);
        }
        finally
        {
            var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            var route = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "none";
            var method = http.Request.Method is "GET" or "POST" or "PUT" or "DELETE" or "HEAD" ? http.Request.Method : "other";
            requests.AddOrUpdate((method, route, http.Response.StatusCode), 1, static (_, n) => n + 1);
            var histogram = durations.GetOrAdd((method, route), static _ => new Histogram());
            lock (histogram)
            {
                var bucket = Array.FindIndex(Bounds, b => seconds <= b);
                histogram.Buckets[bucket < 0 ? Bounds.Length : bucket]++;
                histogram.Sum += seconds;
            }
        }
    }

    public void Write(StringBuilder to)
    {
        to.Append("# HELP teravox_http_requests_total Requests answered by this silo.\n# TYPE teravox_http_requests_total counter\n");
        foreach (var ((method, route, code), count) in requests.OrderBy(r => r.Key))
            to.Append(CultureInfo.InvariantCulture, $"teravox_http_requests_total{{method=\"{method}\",route=\"{MetricsText.Escape(route)}\",code=\"{code}\"}} {count}\n");
        to.Append("# HELP teravox_http_request_duration_seconds Time from the request's head to the answer's end.\n# TYPE teravox_http_request_duration_seconds histogram\n");
        foreach (var ((method, route), histogram) in durations.OrderBy(d => d.Key))
        {
            var labels = $"method=\"{method}\",route=\"{MetricsText.Escape(route)}\"";
            lock (histogram)
            {
                long sum = 0;
                for (var i = 0; i < Bounds.Length; i++)
                {
                    sum += histogram.Buckets[i];
                    to.Append(CultureInfo.InvariantCulture, $"teravox_http_request_duration_seconds_bucket{{{labels},le=\"{Bounds[i]}\"}} {sum}\n");
                }

                sum += histogram.Buckets[^1];
                to.Append(CultureInfo.InvariantCulture, $"teravox_http_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} {sum}\n");
                to.Append(CultureInfo.InvariantCulture, $"teravox_http_request_duration_seconds_sum{{{labels}}} {histogram.Sum}\n");
                to.Append(CultureInfo.InvariantCulture, $"teravox_http_request_duration_seconds_count{{{labels}}} {sum}\n");
            }
        }
    }
}
