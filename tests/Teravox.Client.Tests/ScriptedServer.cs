// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Teravox.Contracts;

namespace Teravox.Client.Tests;

/// <summary>A real server on a real socket that answers each request as its script says, the last line for all further ones.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _count;

    private ScriptedServer(WebApplication app) => _app = app;

    /// <summary>A request as it came.</summary>
    public sealed record Seen(string Method, string Path, IReadOnlyDictionary<string, string> Headers, TimeSpan At);

    public ConcurrentQueue<Seen> Requests { get; } = new();

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public static async Task<ScriptedServer> StartAsync(params RequestDelegate[] script)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var server = new ScriptedServer(app);
        var clock = Stopwatch.StartNew();
        app.Run(context =>
        {
            var request = context.Request;
            var headers = request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase);
            server.Requests.Enqueue(new Seen(request.Method, request.Path + request.QueryString, headers, clock.Elapsed));
            return script[Math.Min(Interlocked.Increment(ref server._count), script.Length) - 1](context);
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    /// <summary>A client of this server, then of others; impatient, as tests are.</summary>
    public TeravoxClient Client(Func<TeravoxClientOptions, TeravoxClientOptions>? change = null) => Client([Address], change);

    public static TeravoxClient Client(IReadOnlyList<Uri> servers, Func<TeravoxClientOptions, TeravoxClientOptions>? change = null)
    {
        var options = new TeravoxClientOptions { Servers = servers, FirstDelay = TimeSpan.FromMilliseconds(10), Patience = TimeSpan.FromSeconds(20) };
        return new TeravoxClient(change is null ? options : change(options));
    }

    public async ValueTask DisposeAsync()
    {
        // What still streams is cut, not waited for.
        using var now = new CancellationTokenSource(0);
        try
        {
            await _app.StopAsync(now.Token);
        }
        catch (OperationCanceledException)
        {
        }

        await _app.DisposeAsync();
    }

    public static RequestDelegate Json(object value, int status = 200) => context =>
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(value, TeravoxJson.Compact, context.RequestAborted);
    };

    public static RequestDelegate Problem(int status, string detail, string? field = null, int? retryAfter = null, long? received = null) => context =>
    {
        context.Response.StatusCode = status;
        if (retryAfter is { } seconds)
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        var body = new { type = "about:blank", title = "T", status, detail, field, received };
        return context.Response.WriteAsJsonAsync(body, TeravoxJson.Compact, "application/problem+json", context.RequestAborted);
    };

    /// <summary>Reads the request, then cuts the connection.</summary>
    public static async Task Cut(HttpContext context)
    {
        await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
        context.Abort();
    }

    /// <summary>Sends half of the JSON and cuts the connection.</summary>
    public static RequestDelegate HalfOf(object value) => async context =>
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(value, TeravoxJson.Compact);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes.AsMemory(0, bytes.Length / 2), context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
        context.Abort();
    };
}
