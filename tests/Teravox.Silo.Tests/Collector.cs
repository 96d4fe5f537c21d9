// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Teravox.Silo.Tests;

/// <summary>A span as it came.</summary>
/// <param name="Trace">Its trace, hex.</param>
/// <param name="Id">Its id, hex.</param>
/// <param name="Parent">The id of the span above it; empty for a root.</param>
/// <param name="Name">Its name.</param>
internal sealed record Span(string Trace, string Id, string Parent, string Name);

/// <summary>A collector of OpenTelemetry's protocol over HTTP, which the variables of this process name while it is there.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private static readonly string[] Variables =
        ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_BSP_SCHEDULE_DELAY"];

    private readonly WebApplication _app;

    private Collector(WebApplication app) => _app = app;

    /// <summary>All spans so far.</summary>
    public ConcurrentQueue<Span> Spans { get; } = [];

    /// <summary>Bytes of metrics so far.</summary>
    public long MetricBytes { get; private set; }

    public static async Task<Collector> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var collector = new Collector(app);
        app.MapPost("/v1/traces", async (HttpContext http) => collector.Take(await BodyAsync(http)));
        app.MapPost("/v1/metrics", async (HttpContext http) => collector.MetricBytes += (await BodyAsync(http)).Length);
        await app.StartAsync();
        string[] values = [app.Urls.First(), "http/protobuf", "200"];
        foreach (var (name, value) in Variables.Zip(values))
            Environment.SetEnvironmentVariable(name, value);
        return collector;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var name in Variables)
            Environment.SetEnvironmentVariable(name, null);
        await _app.DisposeAsync();
    }

    private static async Task<byte[]> BodyAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        return body.ToArray();
    }

    // Of an ExportTraceServiceRequest: resource_spans = 1, scope_spans = 2, spans = 2; of a span: trace_id = 1, span_id = 2,
    // parent_span_id = 4, name = 5.
    private void Take(byte[] request)
    {
        foreach (var span in Fields(request, 1).SelectMany(r => Fields(r, 2)).SelectMany(s => Fields(s, 2)))
            Spans.Enqueue(new Span(Hex(span, 1), Hex(span, 2), Hex(span, 4), Encoding.UTF8.GetString(Fields(span, 5).First().Span)));

        static string Hex(ReadOnlyMemory<byte> message, int field) => Convert.ToHexStringLower(Fields(message, field).FirstOrDefault().Span);
    }

    /// <summary>The fields of this number that are messages, texts or bytes.</summary>
    private static List<ReadOnlyMemory<byte>> Fields(ReadOnlyMemory<byte> message, int wanted)
    {
        var found = new List<ReadOnlyMemory<byte>>();
        for (var at = 0; at < message.Length;)
        {
            var tag = Number(message.Span, ref at);
            switch (tag & 7)
            {
                case 0:
                    Number(message.Span, ref at);
                    break;
                case 1:
                    at += sizeof(ulong);
                    break;
                case 5:
                    at += sizeof(uint);
                    break;
                default:
                    var length = (int)Number(message.Span, ref at);
                    if ((int)(tag >> 3) == wanted)
                        found.Add(message.Slice(at, length));
                    at += length;
                    break;
            }
        }

        return found;
    }

    private static ulong Number(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var part = bytes[at++];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
                return value;
        }
    }
}
