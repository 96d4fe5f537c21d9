// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Teravox.Contracts.Api;

namespace Teravox.Client.Http;

/// <summary>
/// Sends calls to one of the servers and repeats what is safe to repeat. Never sent (nobody listened): always. Sent, and
/// the connection broke or the server was busy: only what <see cref="Call.Repeatable"/> says.
/// </summary>
internal sealed class Transport : IDisposable
{
    private readonly TeravoxClientOptions _options;
    private readonly HttpClient _http;
    private readonly Uri[] _servers;
    private int _current;
    private volatile bool _met;

    public Transport(TeravoxClientOptions options)
    {
        if (options.Servers.Count == 0)
            throw new ArgumentException("name at least one server", nameof(options));
        _options = options;
        _servers = [.. options.Servers.Select(Base)];
        _http = options.Handler is { } handler
            ? new HttpClient(handler, disposeHandler: false)
            : new HttpClient(Sockets());
        _http.Timeout = Timeout.InfiniteTimeSpan;
        if (options.Key is { Length: > 0 } key)
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    public TeravoxClientOptions Options => _options;

    /// <summary>A new account of what was tried, as patient as the client is by now.</summary>
    public Effort NewEffort() => new(_options, () => _met ? _options.Patience : _options.FirstPatience);

    /// <summary>Sends a call and reads JSON.</summary>
    public Task<T> JsonAsync<T>(Call call, CancellationToken ct) => SendAsync(
        call,
        async (response, attempt) =>
        {
            if (response.Content.Headers.ContentType?.MediaType is not "application/json")
                throw Problems.NotTeravox(response, response.RequestMessage!.RequestUri!);
            try
            {
                return await JsonSerializer.DeserializeAsync<T>(await response.Content.ReadAsStreamAsync(attempt.Token), ClientJson.Options, attempt.Token)
                    ?? throw Problems.NotTeravox(response, response.RequestMessage!.RequestUri!);
            }
            catch (JsonException e)
            {
                throw new TeravoxUnreachableException($"{response.RequestMessage!.RequestUri} answers what this version of the client does not understand ({e.Message})", e);
            }
        },
        ct);

    /// <summary>Sends a call whose answer has nothing to say.</summary>
    public Task DoAsync(Call call, CancellationToken ct) => SendAsync(call, static (_, _) => Task.FromResult(true), ct);

    /// <summary>Removes something. Gone already counts as done where an attempt before may have done it.</summary>
    public async Task DeleteAsync(string path, CancellationToken ct)
    {
        var call = new Call(HttpMethod.Delete, path);
        try
        {
            await DoAsync(call with { Repeatable = false }, ct);
        }
        catch (Exception e) when (e is TeravoxUnreachableException or TeravoxApiException { IsCallersFault: false })
        {
            try
            {
                await DoAsync(call, ct);
            }
            catch (TeravoxApiException again) when (again.Status == HttpStatusCode.NotFound)
            {
                // The first attempt was heard.
            }
        }
    }

    /// <summary>The entries of a list, page after page.</summary>
    public async IAsyncEnumerable<T> PagesAsync<T>(string path, [EnumeratorCancellation] CancellationToken ct)
    {
        var next = path;
        for (; ; )
        {
            var page = await JsonAsync<Page<T>>(Call.Get(next), ct);
            foreach (var item in page.Items)
                yield return item;
            if (page.Next is null)
                yield break;
            next = $"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}cursor={Uri.EscapeDataString(page.Next)}";
        }
    }

    /// <summary>Opens an answer to be read by the caller, who disposes it.</summary>
    public Task<HttpResponseMessage> OpenAsync(Call call, string mediaType, CancellationToken ct) => SendAsync(
        call with { KeepOpen = true },
        (response, _) => response.Content.Headers.ContentType?.MediaType == mediaType
            ? Task.FromResult(response)
            : throw Problems.NotTeravox(response, response.RequestMessage!.RequestUri!),
        ct);

    /// <summary>Sends a call; reading the answer is part of the attempt, so an answer cut short is asked for again.</summary>
    /// <exception cref="TeravoxApiException">The cluster refuses, or stays busy.</exception>
    /// <exception cref="TeravoxUnreachableException">No server answers.</exception>
    public async Task<T> SendAsync<T>(Call call, Func<HttpResponseMessage, Attempt, Task<T>> read, CancellationToken ct)
    {
        var effort = NewEffort();
        var unheard = 0;
        for (; ; )
        {
            var at = Volatile.Read(ref _current);
            var server = _servers[at];
            Exception failure;
            TimeSpan? asked = null;
            using (var attempt = new Attempt(call.Timeout ?? _options.AttemptTimeout, effort, ct))
            {
                try
                {
                    using var request = Make(call, server);
                    var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, attempt.Token);
                    using var owned = call.KeepOpen && response.IsSuccessStatusCode ? null : response;
                    _met = true;
                    if (response.IsSuccessStatusCode)
                        return await read(response, attempt);
                    failure = await Problems.ReadAsync(response, server, attempt.Token);
                    if (!IsBusy(response.StatusCode) || !(call.Repeatable || response.StatusCode == HttpStatusCode.TooManyRequests))
                        throw failure;
                    asked = RetryAfter(response);
                }
                catch (Exception e) when (IsBreak(e) && !ct.IsCancellationRequested)
                {
                    failure = Unreachable(e);
                    if (!call.Repeatable && !WasNeverSent(e))
                        throw failure;
                    unheard = WasNeverSent(e) ? unheard + 1 : 0;
                    _met |= unheard == 0;
                }
            }

            Interlocked.CompareExchange(ref _current, (at + 1) % _servers.Length, at);

            // The other servers are asked at once; only when all were, it is worth a wait.
            if (unheard > 0 && unheard % _servers.Length != 0)
                continue;
            if (!await effort.WaitAsync(asked, ct))
                throw failure;
        }
    }

    /// <summary>True when the connection failed or broke, or the answer did not come in time; not when the server refused.</summary>
    public static bool IsBreak(Exception e) => e is HttpRequestException or OperationCanceledException || (e is IOException and not TeravoxUnreachableException);

    public void Dispose() => _http.Dispose();

    // Some answers take an hour. Keep-alive tells within half a minute when the machine that was to give them is gone.
    private static SocketsHttpHandler Sockets() => new()
    {
        ConnectTimeout = TimeSpan.FromSeconds(10),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        ConnectCallback = static async (context, ct) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 15);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 5);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
                await socket.ConnectAsync(context.DnsEndPoint, ct);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    };

    private static bool WasNeverSent(Exception e) => e is HttpRequestException
    {
        HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError,
    };

    private static bool IsBusy(HttpStatusCode status) => status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout
        or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;

    private static TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when date > DateTimeOffset.UtcNow => date - DateTimeOffset.UtcNow,
        _ => null,
    };

    private static Uri Base(Uri server)
    {
        if (!server.IsAbsoluteUri || server.Scheme is not ("http" or "https"))
            throw new ArgumentException($"{server} is no address of a server, as http://127.0.0.1:7300 is");
        return server.AbsolutePath.EndsWith('/') ? server : new Uri(server + "/");
    }

    private static HttpRequestMessage Make(Call call, Uri server)
    {
        var request = new HttpRequestMessage(call.Method, new Uri(server, "api/v1/" + call.Path)) { Content = call.Body?.Invoke() };
        call.Prepare?.Invoke(request);
        return request;
    }

    private TeravoxUnreachableException Unreachable(Exception e)
    {
        var at = string.Join(", ", _servers.Select(s => s.OriginalString.TrimEnd('/')));
        return WasNeverSent(e)
            ? new($"no Teravox answers at {at} ({(e.InnerException ?? e).Message})", e) { NobodyListens = true }
            : new($"the connection to {at} broke ({(e is OperationCanceledException ? "no answer in time" : (e.InnerException ?? e).Message)})", e);
    }
}
