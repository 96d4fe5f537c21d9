// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Teravox.Contracts;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;

namespace Teravox.Silo.Http.Experiments;

/// <summary>
/// Events of the catalog as server-sent events. A reader that names the last one it saw misses none, on whichever silo it
/// asks: the catalog gives an event only when none before it can come any more.
/// </summary>
internal sealed class EventStream(ICatalog catalog, CancellationToken stopping)
{
    private const int MostStreams = 256;
    private const int Batch = 500;
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);
    private int streams;

    /// <summary>Streams until the experiment has ended and all was sent; without an experiment until the reader leaves.</summary>
    public async Task RunAsync(HttpContext http, long? experiment, long? after)
    {
        var last = After(http.Request, after);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
        try
        {
            if (Interlocked.Increment(ref streams) > MostStreams)
                throw new ProblemException(429, $"This silo feeds {MostStreams} event streams already; ask another, or poll the events.") { RetryAfter = 30 };
            Begin(http);
            await http.Response.StartAsync(ends.Token);
            await FeedAsync(http.Response, experiment, last, ends.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested && !http.RequestAborted.IsCancellationRequested)
        {
            // The silo stops: the reader asks another with its last event's number.
        }
        finally
        {
            Interlocked.Decrement(ref streams);
        }
    }

    private async Task FeedAsync(HttpResponse response, long? experiment, long last, CancellationToken ct)
    {
        var written = Environment.TickCount64;
        while (true)
        {
            var (row, events) = await ReadAsync(experiment, last, ct);
            foreach (var one in events)
            {
                await WriteAsync(response, "event", one.Id, ExperimentViews.Info(one), ct);
                last = one.Id;
            }

            if (events.Count > 0)
            {
                await response.Body.FlushAsync(ct);
                written = Environment.TickCount64;
                continue;
            }

            if (row is { State: ExperimentState.Succeeded or ExperimentState.Failed or ExperimentState.Cancelled })
            {
                await WriteAsync(response, "end", null, ExperimentViews.Info(row), ct);
                return;
            }

            if (Environment.TickCount64 - written >= KeepAlive.TotalMilliseconds)
            {
                await response.WriteAsync(": alive\n\n", ct);
                await response.Body.FlushAsync(ct);
                written = Environment.TickCount64;
            }

            await WaitAsync(ct);
        }
    }

    private async Task<(ExperimentRow? Row, IReadOnlyList<EventRow> Events)> ReadAsync(long? experiment, long last, CancellationToken ct)
    {
        try
        {
            // The state is read before the events: when it had ended by then, its last event is among them.
            var row = experiment is { } id ? await catalog.FindAsync(id, ct) : null;
            return (row, await catalog.EventsAsync(experiment, last, Batch, ct));
        }
        catch (DatabaseUnavailableException)
        {
            // The answer has begun, so there is no status left to say it with; the stream waits as the work does.
            return (null, []);
        }
    }

    private async Task WaitAsync(CancellationToken ct)
    {
        try
        {
            await catalog.WaitForNewsAsync(Poll, ct);
        }
        catch (DatabaseUnavailableException)
        {
            await Task.Delay(Poll, ct);
        }
    }

    private static async Task WriteAsync<T>(HttpResponse response, string name, long? id, T data, CancellationToken ct)
    {
        var text = new StringBuilder();
        if (id is { } number)
            text.Append("id: ").Append(number.ToString(CultureInfo.InvariantCulture)).Append('\n');
        text.Append("event: ").Append(name).Append('\n');
        text.Append("data: ").Append(JsonSerializer.Serialize(data, TeravoxJson.Compact)).Append("\n\n");
        await response.WriteAsync(text.ToString(), ct);
    }

    private static void Begin(HttpContext http)
    {
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-cache";
        http.Response.Headers["X-Accel-Buffering"] = "no";
        http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    private static long After(HttpRequest request, long? after)
    {
        var header = request.Headers["Last-Event-ID"].ToString();
        if (header.Length == 0)
            return after is null or >= 0 ? after ?? 0 : throw new ProblemException(422, "after: must be 0 or more.", "after");
        return long.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? id
            : throw new ProblemException(422, "Last-Event-ID: give the number of an event.", "Last-Event-ID");
    }
}
