// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Teravox.Client.Http;
using Teravox.Contracts.Api;

namespace Teravox.Client;

/// <summary>The logs of experiments, as they are written.</summary>
public sealed class EventsClient
{
    private readonly Transport _transport;

    internal EventsClient(Transport transport) => _transport = transport;

    /// <summary>
    /// Events of one experiment until it ends, or of all without end with null, after the one numbered
    /// <paramref name="after"/>: past ones first, then new ones as they come. None is left out and none comes twice, however
    /// often the connection breaks.
    /// </summary>
    /// <exception cref="TeravoxApiException">The cluster refuses.</exception>
    /// <exception cref="TeravoxUnreachableException">No server answers for longer than the patience.</exception>
    public async IAsyncEnumerable<EventInfo> FollowAsync(long? experiment = null, long after = 0, [EnumeratorCancellation] CancellationToken ct = default)
    {
        var effort = _transport.NewEffort();
        var pause = TimeSpan.Zero;
        for (; ; )
        {
            ct.ThrowIfCancellationRequested();
            using var response = await OpenAsync(experiment, after, ct);
            var opened = Stopwatch.StartNew();
            await using var body = new WatchedStream(await response.Content.ReadAsStreamAsync(ct), _transport.Options.StreamSilence);
            var parser = SseParser.Create(body, Read);
            var items = parser.EnumerateAsync(ct).GetAsyncEnumerator(ct);
            try
            {
                while (await NextAsync(items, ct))
                {
                    if (items.Current.EventType == "end")
                        yield break;
                    if (items.Current.Data is not { } happened || happened.Id <= after)
                        continue;
                    after = happened.Id;
                    effort.Reset();
                    yield return happened;
                }
            }
            finally
            {
                await items.DisposeAsync();
            }

            // A stream that ends is opened again; one that ends at once, each time, is not asked a thousand times a second. One
            // that had nothing to tell for long was a good stream all the same.
            if (opened.Elapsed > _transport.Options.LongestDelay)
                effort.Reset();
            if (parser.ReconnectionInterval is { } asked && asked > TimeSpan.Zero)
                pause = asked;
            if (!await effort.WaitAsync(pause > TimeSpan.Zero ? pause : null, ct))
                throw new TeravoxUnreachableException("the event stream breaks as soon as it is opened");
        }
    }

    private Task<HttpResponseMessage> OpenAsync(long? experiment, long after, CancellationToken ct)
    {
        var path = experiment is { } id ? Call.Join("experiments", id, "events", "stream") : "events/stream";
        var call = Call.Get(path) with
        {
            Prepare = request =>
            {
                request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
                request.Headers.Add("Last-Event-ID", after.ToString(CultureInfo.InvariantCulture));
            },
        };
        return _transport.OpenAsync(call, "text/event-stream", ct);
    }

    private static EventInfo? Read(string type, ReadOnlySpan<byte> data) =>
        type == "event" ? JsonSerializer.Deserialize<EventInfo>(data, ClientJson.Options) : null;

    /// <summary>False when the stream ended or broke: it is opened again in either case.</summary>
    private static async Task<bool> NextAsync(IAsyncEnumerator<SseItem<EventInfo?>> items, CancellationToken ct)
    {
        try
        {
            return await items.MoveNextAsync();
        }
        catch (Exception e) when ((Transport.IsBreak(e) || e is JsonException) && !ct.IsCancellationRequested)
        {
            return false;
        }
    }
}
