// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Net.Sockets;
using Teravox.Silo.Local;

namespace Teravox.Chaos;

/// <summary>
/// A socket before the server's, for one silo: the network between the two. It can stall (bytes wait, in both directions, and come
/// late) and be cut (connections break, and new ones are refused).
/// </summary>
internal sealed class DatabaseProxy : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stop = new();
    private readonly string _folder;
    private readonly PrivatePostgres _server;
    private readonly Lock _lock = new();
    private readonly Task _accepting;
    private CancellationTokenSource _cut = new();
    private TaskCompletionSource _open = Opened();
    private bool _isCut;

    /// <param name="folder">A folder for the socket; made, and removed in the end.</param>
    /// <param name="server">The server behind it.</param>
    public DatabaseProxy(string folder, PrivatePostgres server)
    {
        (_folder, _server) = (folder, server);
        Directory.CreateDirectory(folder);
        _listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(folder, SocketName)));
        _listener.Listen(128);
        _accepting = AcceptAsync();
    }

    /// <summary>Address of the database through it.</summary>
    public string Address => string.Create(CultureInfo.InvariantCulture, $"postgres://{PrivatePostgres.User}@localhost:{PrivatePostgres.Port}/{PrivatePostgres.Database}?host={Uri.EscapeDataString(_folder)}");

    private static string SocketName => string.Create(CultureInfo.InvariantCulture, $".s.PGSQL.{PrivatePostgres.Port}");

    /// <summary>Bytes wait from now on.</summary>
    public void Stall()
    {
        lock (_lock)
            _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>All connections break now, and new ones until <see cref="Restore"/>.</summary>
    public void Cut()
    {
        CancellationTokenSource old;
        lock (_lock)
        {
            (old, _cut) = (_cut, new CancellationTokenSource());
            _isCut = true;
        }

        old.Cancel();
    }

    /// <summary>All is well again; bytes that waited go on.</summary>
    public void Restore()
    {
        lock (_lock)
        {
            _isCut = false;
            _open.TrySetResult();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Restore();
        await _stop.CancelAsync();
        await _accepting;
        _listener.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static TaskCompletionSource Opened()
    {
        var open = new TaskCompletionSource();
        open.SetResult();
        return open;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = JoinAsync(await _listener.AcceptAsync(_stop.Token));
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task JoinAsync(Socket client)
    {
        CancellationTokenSource cut;
        lock (_lock)
            cut = _cut;
        using (client)
        {
            if (_isCut)
                return;
            using var upstream = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, cut.Token);
            try
            {
                await upstream.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(_server.SocketFolder, SocketName)), stop.Token);
                await Task.WhenAny(CopyAsync(client, upstream, stop.Token), CopyAsync(upstream, client, stop.Token));
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // One side is gone; the other goes too.
            }
        }
    }

    private async Task CopyAsync(Socket from, Socket to, CancellationToken stop)
    {
        var buffer = new byte[1 << 16];
        try
        {
            while (await from.ReceiveAsync(buffer, stop) is > 0 and var read)
            {
                Task open;
                lock (_lock)
                    open = _open.Task;
                await open.WaitAsync(stop);
                for (var sent = 0; sent < read;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), stop);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Broken, here or there.
        }
    }
}
