// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Sockets;
using Teravox.Contracts;

namespace Teravox.Silo.Local;

/// <summary>
/// Ports of 127.0.0.1 for servers that must be told one beforehand. They lie below those that systems give to outgoing
/// connections (Linux: from 32768 on): a connection could take one of these while its server is down, and who tries to
/// reach a server at such a port while it is down can even end up connected to himself.
/// </summary>
public static class LoopbackPorts
{
    private const int First = 20_000;
    private const int End = 32_000;

    /// <summary>The first of <paramref name="count"/> ports in a row that nobody listens on, drawn at random.</summary>
    /// <exception cref="InputException">None is free.</exception>
    public static int Free(int count = 1)
    {
        for (var attempt = 0; attempt < 200; attempt++)
        {
            var first = Random.Shared.Next(First, End - count);
            if (Enumerable.Range(first, count).All(IsFree))
                return first;
        }

        throw new InputException($"No port of 127.0.0.1 between {First} and {End} is free; end a server that listens there.");
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
