// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Authentication;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Connections.Security;
using Orleans.Serialization;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;

namespace Teravox.Client;

/// <summary>How a program finds the silos of a cluster.</summary>
public sealed record ClusterClientOptions
{
    /// <summary>Addresses that silos listen on for clients (a silo's cluster address, port + 1); one that answers is enough.</summary>
    public IReadOnlyList<IPEndPoint> Gateways { get; init; } = [];

    /// <summary>Instead of addresses: connection string (Npgsql's) of the cluster's database, in which the silos are found.</summary>
    public string? Database { get; init; }

    /// <summary>What the client shows the silos, and asks of them; null where they speak no TLS. Must live as long as the client.</summary>
    public ClusterCertificate? Certificate { get; init; }

    /// <summary>How long a call is repeated while nobody answers, or its silo has died. Default 2 min.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(2);
}

/// <summary>
/// A cluster by its grains, for .NET programs beside it; others speak HTTP (<see cref="TeravoxClient"/>). Orleans leaves a call that is in
/// flight when a silo dies to its time-out. So calls here are short, time out soon, do no harm when they are made twice, and are
/// repeated until one is answered.
/// </summary>
public sealed class ClusterClient : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100), StopPatience = TimeSpan.FromSeconds(2), ConnectPatience = TimeSpan.FromSeconds(10);
    private readonly IHost _host;
    private readonly ClusterClientOptions _options;

    private ClusterClient(IHost host, ClusterClientOptions options) => (_host, _options) = (host, options);

    /// <summary>The grains, for calls by <see cref="CallAsync"/>.</summary>
    public IGrainFactory Grains => _host.Services.GetRequiredService<IClusterClient>();

    /// <summary>Connects to a cluster; waits for its first silo.</summary>
    /// <exception cref="ArgumentException">The options name neither gateways nor a database.</exception>
    /// <exception cref="TimeoutException">No silo answered within the patience.</exception>
    public static async Task<ClusterClient> ConnectAsync(ClusterClientOptions options, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Gateways.Count == 0 && options.Database is null)
            throw new ArgumentException("Name the gateways of silos, or the cluster's database.", nameof(options));
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            var host = Build(options);
            try
            {
                // A silo that refuses the certificate leaves the start without an answer.
                await host.StartAsync(ct).WaitAsync(ConnectPatience, ct);
                return new ClusterClient(host, options);
            }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                host.Dispose();
                if (Stopwatch.GetElapsedTime(since) > options.Patience)
                    throw new TimeoutException($"No silo of the cluster answers ({e.Message}); start one with ./teravox silo.", e);
            }

            await Task.Delay(Pause, ct);
        }
    }

    /// <summary>Submits an experiment; its number.</summary>
    /// <param name="specJson">The spec, as in a spec file.</param>
    /// <param name="priority">Lower is run first.</param>
    /// <param name="key">The same key makes one experiment; null: a new one.</param>
    /// <param name="ct">Stops waiting; it may be submitted all the same.</param>
    /// <exception cref="InputException">The spec is wrong.</exception>
    public async Task<long> SubmitAsync(string specJson, int priority = 100, string? key = null, CancellationToken ct = default)
    {
        var grain = Grains.GetGrain<ISubmissionGrain>(key ?? Guid.NewGuid().ToString("N"));
        while (true)
        {
            var answer = await CallAsync(() => grain.SubmitAsync(specJson, priority), ct);
            if (answer.Refusal is { } why)
                throw new InputException(why);
            if (answer.Experiment is { } id)
                return id;
        }
    }

    /// <summary>How far an experiment is.</summary>
    /// <exception cref="InputException">There is none of this number.</exception>
    public async Task<ExperimentStatus> StatusAsync(long id, CancellationToken ct = default) =>
        await CallAsync(() => Experiment(id).DescribeAsync(), ct) ?? throw new InputException($"There is no experiment {id}.");

    /// <summary>Follows an experiment to its end; its state then.</summary>
    /// <param name="id">The experiment.</param>
    /// <param name="seen">Told how far it is, about once a second.</param>
    /// <param name="ct">Stops following.</param>
    public async Task<ExperimentState> FollowAsync(long id, Action<ExperimentStatus>? seen = null, CancellationToken ct = default)
    {
        while (true)
        {
            var status = await StatusAsync(id, ct);
            seen?.Invoke(status);
            if (status.State is ExperimentState.Succeeded or ExperimentState.Failed or ExperimentState.Cancelled)
                return status.State;
            await CallAsync(() => Experiment(id).WaitForEndAsync(TimeSpan.FromSeconds(1)), ct);
        }
    }

    /// <summary>Ends an experiment as cancelled; false when it had ended.</summary>
    public Task<bool> CancelAsync(long id, CancellationToken ct = default) => CallAsync(() => Experiment(id).CancelAsync(), ct);

    /// <summary>The cluster's silos.</summary>
    public Task<SiloState[]> SilosAsync(CancellationToken ct = default) =>
        CallAsync(() => Grains.GetGrain<ISchedulerGrain>(ISchedulerGrain.Key).SilosAsync(), ct);

    /// <summary>Makes a call until it is answered.</summary>
    /// <exception cref="TimeoutException">Not within the patience.</exception>
    public async Task<T> CallAsync<T>(Func<Task<T>> call, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(call);
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            try
            {
                return await call().WaitAsync(ct);
            }
            catch (Exception e) when (MayPass(e))
            {
                if (Stopwatch.GetElapsedTime(since) > _options.Patience)
                    throw new TimeoutException($"The cluster did not answer within {_options.Patience.TotalSeconds:F0} s: {e.Message}", e);
            }

            await Task.Delay(Pause, ct);
        }
    }

    /// <summary>A silo died or is not reached, or its database does not answer; the database's own errors come without their type.</summary>
    private static bool MayPass(Exception e) => e is TimeoutException or OrleansException or IOException or ObjectDisposedException or DatabaseUnavailableException
        || (e is UnavailableExceptionFallbackException { ExceptionType: { } type } && type.StartsWith("Npgsql.", StringComparison.Ordinal));

    /// <summary>Leaves the cluster.</summary>
    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(StopPatience);
        await _host.StopAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _host.Dispose();
    }

    private static IHost Build(ClusterClientOptions options)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.UseOrleansClient(client =>
        {
            // One cluster for each schema of a database; see docs/deploy.md.
            client.Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = ("teravox", "teravox"));
            if (options.Database is { } database)
                client.UseAdoNetClustering(o => (o.Invariant, o.ConnectionString) = ("Npgsql", database));
            else
                client.UseStaticClustering([.. options.Gateways]);
            client.Configure<GatewayOptions>(o => o.GatewayListRefreshPeriod = TimeSpan.FromSeconds(1));

            if (options.Certificate is { } certificate)
                client.UseTls(tls => Apply(tls, certificate));

            // Every call is answered within less; one that is not is lost with its silo.
            client.Configure<ClientMessagingOptions>(o => o.ResponseTimeout = TimeSpan.FromSeconds(2.5));
            client.Configure<ConnectionOptions>(o => (o.OpenConnectionTimeout, o.ConnectionRetryDelay) = (TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(200)));
        });
        return builder.Build();
    }

    private static void Apply(TlsOptions tls, ClusterCertificate certificate)
    {
        tls.LocalCertificate = certificate.Member;
        tls.SslProtocols = SslProtocols.Tls13 | SslProtocols.Tls12;
        tls.CheckCertificateRevocation = false;
        tls.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
        tls.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
        tls.RemoteCertificateValidation = (other, _, errors) => certificate.Accepts(other, errors);
        tls.OnAuthenticateAsClient = (_, side) => side.TargetHost = ClusterCertificate.Name;
    }

    private IExperimentGrain Experiment(long id) => Grains.GetGrain<IExperimentGrain>(id.ToString(CultureInfo.InvariantCulture));
}
