// SPDX-License-Identifier: Apache-2.0
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace Teravox.Silo.Cluster;

/// <summary>
/// The transport of a silo that is alone in its process: it opens no port, so no other user of the machine can connect. A silo's
/// calls to its own grains need no connection.
/// </summary>
internal sealed class ClosedTransport : IConnectionListenerFactory, IConnectionFactory
{
    /// <summary>Puts it in the place of Orleans' sockets.</summary>
    public static void Use(IServiceCollection services)
    {
        var transport = new ClosedTransport();
        foreach (var socket in services.Where(s => s.IsKeyedService && (s.ServiceType == typeof(IConnectionListenerFactory) || s.ServiceType == typeof(IConnectionFactory))).ToList())
        {
            services.Remove(socket);
            services.Add(new ServiceDescriptor(socket.ServiceType, socket.ServiceKey, transport));
        }
    }

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new(new Listener(endpoint));

    public ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        throw new InvalidOperationException("this silo is alone: there is nobody to connect to");

    private sealed class Listener(EndPoint endpoint) : IConnectionListener
    {
        private readonly TaskCompletionSource<ConnectionContext?> _never = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public EndPoint EndPoint => endpoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) => await _never.Task.WaitAsync(cancellationToken);

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            _never.TrySetResult(null);
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }
}
