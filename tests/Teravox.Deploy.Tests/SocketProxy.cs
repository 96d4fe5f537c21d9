// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Sockets;

namespace Teravox.Deploy.Tests;

/// <summary>A TCP port of 127.0.0.1 before a Unix socket: a private PostgreSQL has no port, and the deployed one has no socket that silos reach.</summary>
internal sealed class SocketProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    /// <param name="socket">Absolute path of the socket.</param>
    public SocketProxy(string socket)
    {
        _listener.Start();
        _accepting = AcceptAsync(new UnixDomainSocketEndPoint(socket));
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

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
        using (client)
        {
            try
            {
                await upstream.ConnectAsync(server, _stop.Token);
                await using var one = new NetworkStream(client);
                await using var other = new NetworkStream(upstream);
                await Task.WhenAny(one.CopyToAsync(other, _stop.Token), other.CopyToAsync(one, _stop.Token));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                // One side is gone; the other is closed now.
            }
        }
    }
}
