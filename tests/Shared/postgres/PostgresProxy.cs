// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Sockets;
using Teravox.Grains.Catalog.Postgres;

namespace Teravox.Testing;

/// <summary>A TCP port of 127.0.0.1 before a PostgreSQL server's Unix socket. It loses answers and resets connections on demand.</summary>
internal sealed class PostgresProxy : IAsyncDisposable
{
    // The server's last words on a statement outside a transaction: it is committed.
    private static readonly byte[] ReadyForQuery = [(byte)'Z', 0, 0, 0, 5, (byte)'I'];
    private readonly PostgresAddress _server;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private volatile Loss? _loss;
    private readonly Lock _lock = new();
    private readonly List<Socket> _clients = [];
    private volatile bool _silent;
    private volatile byte[]? _refused;

    /// <param name="address">Address of a database that has the option host.</param>
    public PostgresProxy(string address)
    {
        _server = PostgresAddress.Parse(address);
        _listener.Start();
        _accepting = AcceptAsync(new UnixDomainSocketEndPoint(Path.Combine(_server.Connection.Host!, $".s.PGSQL.{_server.Connection.Port}")));
    }

    /// <summary>The port.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The same database by way of this.</summary>
    public string Address =>
        $"postgres://{_server.Connection.Username}@127.0.0.1:{Port}/{_server.Connection.Database}?schema={_server.Schema}&sslmode=disable";

    /// <summary>Cuts the connection over which these bytes go to the server, once the server has done what they ask. Ends then.</summary>
    public Task LoseAnswerTo(byte[] sent)
    {
        var loss = new Loss(sent);
        _loss = loss;
        return loss.Happened.Task;
    }

    /// <summary>From now on the server hears all and nothing of it comes back.</summary>
    public void Silence() => _silent = true;

    /// <summary>From now on connections over which these bytes go to the server are reset, until <see cref="Restore"/>.</summary>
    public void ResetThoseThatSend(byte[] sent) => _refused = sent;

    /// <summary>All connections are reset now, and new ones until <see cref="Restore"/>.</summary>
    public void Cut()
    {
        ResetThoseThatSend([]);
        lock (_lock)
            _clients.ForEach(Reset);
    }

    /// <summary>No connection is reset any more.</summary>
    public void Restore() => _refused = null;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync(UnixDomainSocketEndPoint server)
    {
        var pairs = new List<Task>();
        try
        {
            while (true)
                pairs.Add(JoinAsync(await _listener.AcceptSocketAsync(_stop.Token), server));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(pairs);
        }
    }

    private async Task JoinAsync(Socket client, UnixDomainSocketEndPoint server)
    {
        using var upstream = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        lock (_lock)
            _clients.Add(client);
        using (client)
        {
            try
            {
                await upstream.ConnectAsync(server, _stop.Token);
                var pair = new Pair();
                await await Task.WhenAny(UpAsync(client, upstream, pair), DownAsync(upstream, client, pair));
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // One side is gone; the other is closed now.
            }

            lock (_lock)
                _clients.Remove(client);
        }
    }

    private static void Reset(Socket client)
    {
        client.LingerState = new LingerOption(true, 0);
        client.Close();
    }

    private async Task UpAsync(Socket client, Socket upstream, Pair pair)
    {
        var buffer = new byte[64 * 1024];
        while (await client.ReceiveAsync(buffer, _stop.Token) is var count and > 0)
        {
            if (_refused is { } refused && buffer.AsSpan(0, count).IndexOf(refused) >= 0)
            {
                Reset(client);
                return;
            }

            if (_loss is { } loss && buffer.AsSpan(0, count).IndexOf(loss.Sent) >= 0)
                (pair.Loss, _loss) = (loss, null);
            await upstream.SendAsync(buffer.AsMemory(0, count), _stop.Token);
        }
    }

    private async Task DownAsync(Socket upstream, Socket client, Pair pair)
    {
        var buffer = new byte[64 * 1024];
        while (await upstream.ReceiveAsync(buffer, _stop.Token) is var count and > 0)
        {
            if (pair.Loss is { } loss)
            {
                if (!buffer.AsSpan(0, count).EndsWith(ReadyForQuery))
                    continue;
                loss.Happened.TrySetResult();
                return;
            }

            if (!_silent)
                await client.SendAsync(buffer.AsMemory(0, count), _stop.Token);
        }
    }

    private sealed record Loss(byte[] Sent)
    {
        public TaskCompletionSource Happened { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Pair
    {
        public volatile Loss? Loss;
    }
}
