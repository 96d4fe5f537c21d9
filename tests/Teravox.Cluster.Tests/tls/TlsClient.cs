// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Teravox.Contracts;
using Teravox.Silo.Cluster;

namespace Teravox.Cluster.Tests.Tls;

/// <summary>An Orleans client of one silo. One that is refused tries again until it is disposed of.</summary>
internal sealed class TlsClient : IAsyncDisposable
{
    private readonly CancellationTokenSource _gone = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private readonly RefusalLog _log = new();
    private readonly IHost _host;
    private readonly Task _started;

    private TlsClient(TlsSilo silo, ClusterCertificate? certificate)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddProvider(_log).SetMinimumLevel(LogLevel.Warning);
        builder.UseOrleansClient(client =>
        {
            client.UseLocalhostClustering(silo.Port + 1, "teravox-tls", "teravox-tls");
            if (certificate is not null)
                client.UseClusterTls(certificate);
        });
        _host = builder.Build();
        _started = _host.StartAsync(_gone.Token);
    }

    public IGrainFactory Grains => _host.Services.GetRequiredService<IClusterClient>();

    /// <summary>Whether the silo has let it in.</summary>
    public bool IsConnected => _started.IsCompletedSuccessfully;

    /// <summary>Ends when TLS has failed on a connection of this client.</summary>
    public Task Refused => _log.Refused;

    public static TlsClient Begin(TlsSilo silo, ClusterCertificate? certificate) => new(silo, certificate);

    public static async Task<TlsClient> ConnectAsync(TlsSilo silo, ClusterCertificate? certificate)
    {
        var client = new TlsClient(silo, certificate);
        await client._log.WithinPatience(client._started, "the client does not connect");
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        await _gone.CancelAsync();
        await _started.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _host.Dispose();
        _gone.Dispose();
    }
}
