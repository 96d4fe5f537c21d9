// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;
using Teravox.Contracts;
using Teravox.Silo.Cluster;
using Teravox.Silo.Local;

namespace Teravox.Cluster.Tests.Tls;

/// <summary>An Orleans silo in this process, on ports of 127.0.0.1, in the cluster of the first one.</summary>
internal sealed class TlsSilo : ILoggerProvider, ILogger, IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly IHost _host;
    private readonly ConcurrentQueue<string> _said = new();
    private readonly TaskCompletionSource<string> _refused = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private TlsSilo(ClusterCertificate? certificate, TlsSilo? first)
    {
        Port = LoopbackPorts.Free(2);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddProvider(this).SetMinimumLevel(LogLevel.Warning);
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

    /// <summary>Ends when this silo has refused the other side of a connection, or the other side this silo.</summary>
    public Task<string> Refused => WithinPatience(_refused.Task, "no connection was refused");

    public static async Task<TlsSilo> StartAsync(ClusterCertificate? certificate, TlsSilo? first = null)
    {
        var silo = new TlsSilo(certificate, first);
        await silo.WithinPatience(silo.RunAsync(), "the silo does not start");
        return silo;
    }

    /// <summary>A silo that is starting; one that the first refuses tries again until it is disposed of.</summary>
    public static TlsSilo Begin(ClusterCertificate? certificate, TlsSilo first)
    {
        var silo = new TlsSilo(certificate, first);
        _ = silo.RunAsync().ContinueWith(started => started.Exception, TaskScheduler.Default);
        return silo;
    }

    /// <summary>A client of this silo. Throws what the connection comes to where the silo refuses it.</summary>
    public async Task<IHost> ConnectAsync(ClusterCertificate? certificate)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.UseOrleansClient(client =>
        {
            client.UseLocalhostClustering(Port + 1, "teravox-tls", "teravox-tls");
            if (certificate is not null)
                client.UseClusterTls(certificate);
        });
        var host = builder.Build();
        try
        {
            await WithinPatience(host.StartAsync(TestContext.Current.CancellationToken), "the client neither connects nor fails");
            return host;
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    /// <summary>The silos of the cluster, as this one answers a client. Each of them has answered this one.</summary>
    public async Task<IReadOnlyList<int>> MembersAsync(IHost client)
    {
        var cluster = client.Services.GetRequiredService<IClusterClient>().GetGrain<IManagementGrain>(0);
        var silos = (await WithinPatience(cluster.GetHosts(onlyActive: true), "the cluster does not say who is in it")).Keys.ToArray();
        Assert.Equal(silos.Length, (await WithinPatience(cluster.GetRuntimeStatistics(silos), "a silo does not answer another")).Length);
        return [.. silos.Select(silo => silo.Endpoint.Port).Order()];
    }

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await _host.StopAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _host.Dispose();
    }

    ILogger ILoggerProvider.CreateLogger(string categoryName) => this;

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var line = $"{formatter(state, exception)} {exception?.Message}";
        _said.Enqueue(line);
        if (line.StartsWith("Authentication failed", StringComparison.Ordinal))
            _refused.TrySetResult(line);
    }

    void IDisposable.Dispose()
    {
    }

    private Task RunAsync() => _host.StartAsync(TestContext.Current.CancellationToken);

    private async Task WithinPatience(Task task, string what)
    {
        try
        {
            await task.WaitAsync(Patience, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"{what}; the silo said:\n{string.Join('\n', _said)}");
        }
    }

    private async Task<T> WithinPatience<T>(Task<T> task, string what)
    {
        await WithinPatience((Task)task, what);
        return await task;
    }
}
