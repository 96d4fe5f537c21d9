// SPDX-License-Identifier: Apache-2.0
using System.Net;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Teravox.Contracts;
using Teravox.Silo.Cluster;
using Teravox.Silo.Local;

namespace Teravox.Cluster.Tests.Tls;

/// <summary>An Orleans silo in this process, on ports of 127.0.0.1, in the cluster of the first one.</summary>
internal sealed class TlsSilo : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly RefusalLog _log = new();
    private readonly CancellationTokenSource _starts = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private Task _started = Task.CompletedTask;

    private TlsSilo(ClusterCertificate? certificate, TlsSilo? first)
    {
        Port = LoopbackPorts.Free(2);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddProvider(_log).SetMinimumLevel(LogLevel.Warning);
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(Port, Port + 1, first is null ? null : new IPEndPoint(IPAddress.Loopback, first.Port), "teravox-tls", "teravox-tls");
            silo.Configure<ClusterMembershipOptions>(options => options.NumVotesForDeathDeclaration = 1);
            if (certificate is not null)
                silo.UseClusterTls(certificate);
        });
        _host = builder.Build();
    }

    /// <summary>Where other silos reach it; the next port is for clients.</summary>
    public int Port { get; }

    /// <summary>Ends when TLS has failed on a connection of this silo.</summary>
    public Task Refused => _log.Refused;

    public static async Task<TlsSilo> StartAsync(ClusterCertificate? certificate, TlsSilo? first = null)
    {
        var silo = new TlsSilo(certificate, first);
        await silo._log.WithinPatience(silo.RunAsync(), "the silo does not start");
        return silo;
    }

    /// <summary>A silo that is starting; one that the first refuses tries again until it is disposed of.</summary>
    public static TlsSilo Begin(ClusterCertificate? certificate, TlsSilo first)
    {
        var silo = new TlsSilo(certificate, first);
        _ = silo.RunAsync().ContinueWith(started => started.Exception, TaskScheduler.Default);
        return silo;
    }

    /// <summary>The silos of the cluster, as this one answers a client. Each of them has answered this one.</summary>
    public async Task<IReadOnlyList<int>> MembersAsync(TlsClient client)
    {
        var cluster = client.Grains.GetGrain<IManagementGrain>(0);
        var silos = (await _log.WithinPatience(cluster.GetHosts(onlyActive: true), "the cluster does not say who is in it")).Keys.ToArray();
        Assert.Equal(silos.Length, (await _log.WithinPatience(cluster.GetRuntimeStatistics(silos), "a silo does not answer another")).Length);
        return [.. silos.Select(silo => silo.Endpoint.Port).Order()];
    }

    public async ValueTask DisposeAsync()
    {
        var patience = TimeSpan.FromSeconds(5);
        await _starts.CancelAsync();
        await _started.WaitAsync(patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using var stops = new CancellationTokenSource(patience);
        await _host.StopAsync(stops.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        _starts.Dispose();

        // Orleans does not stop a silo that never ran: what it has begun would ask a disposed membership without end, and take a core.
        if (_started.IsCompletedSuccessfully)
            _host.Dispose();
    }

    private Task RunAsync() => _started = _host.StartAsync(_starts.Token);
}
