// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Teravox.Cli;
using Teravox.Client;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Orleans.Schema;
using Teravox.Orleans.Silos;

namespace Teravox.Orleans.Clients;

/// <summary>
/// A client of a cluster. Orleans leaves a call that is in flight when a silo dies to its time-out, so calls here are short,
/// time out soon, do no harm when they are repeated, and are repeated until one is answered.
/// </summary>
internal sealed class OrleansDoor : IOrleansDoor
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private readonly IHost _host;

    private OrleansDoor(IHost host) => _host = host;

    /// <summary>How long a call is repeated before it is given up.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The grains, for calls by <see cref="AskAsync"/>.</summary>
    public IGrainFactory Grains => _host.Services.GetRequiredService<IClusterClient>();

    /// <summary>Connects to the cluster whose silos are in this ledger's database.</summary>
    /// <exception cref="InputException">No silo answers, or the address is none.</exception>
    public static async Task<OrleansDoor> ConnectAsync(string ledger, CancellationToken ct)
    {
        if (!Teravox.Grains.Ledger.Postgres.PostgresAddress.Is(ledger))
            throw new InputException("--host orleans needs a ledger on PostgreSQL; name one with --ledger postgres://user:password@host:port/database.");
        var connection = OrleansSchema.ConnectionString(ledger);
        var since = Stopwatch.StartNew();
        while (true)
        {
            var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
            builder.UseOrleansClient(client => OrleansSettings.Apply(client, connection));
            var host = builder.Build();
            try
            {
                await host.StartAsync(ct);
                return new OrleansDoor(host);
            }
            catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
            {
                host.Dispose();
                if (since.Elapsed > TimeSpan.FromSeconds(10))
                    throw new InputException($"No silo of the cluster answers ({e.Message}); start one with ./teravox silo --host orleans, on the same ledger.", e);
                await Task.Delay(Pause, ct);
            }
        }
    }

    public async Task<ExperimentInfo> SubmitAsync(SubmitExperiment experiment, CancellationToken ct)
    {
        var grain = Grains.GetGrain<ISubmissionGrain>(Guid.NewGuid().ToString("N"));
        while (true)
        {
            // Null: the check of the spec goes on.
            if (await AskAsync(() => grain.SubmitAsync(experiment), ct) is { } made)
                return made;
        }
    }

    /// <summary>How far an experiment is.</summary>
    public async Task<ExperimentProgress> ProgressAsync(long id, CancellationToken ct)
    {
        var grain = Grains.GetGrain<IExperimentGrain>(id.ToString(CultureInfo.InvariantCulture));
        return await AskAsync(grain.ProgressAsync, ct) ?? throw new InputException($"There is no experiment {id}.");
    }

    public async Task<ExperimentInfo> WatchAsync(long id, Action<ExperimentProgress> seen, TimeSpan every, CancellationToken ct)
    {
        while (true)
        {
            var progress = await ProgressAsync(id, ct);
            seen(progress);
            if (ExperimentsClient.HasEnded(progress.Experiment.State))
                return progress.Experiment;
            await Task.Delay(every, ct);
        }
    }

    /// <summary>Makes a call until it is answered.</summary>
    /// <exception cref="TimeoutException">Not within <see cref="Patience"/>.</exception>
    public async Task<T> AskAsync<T>(Func<Task<T>> call, CancellationToken ct)
    {
        var since = Stopwatch.StartNew();
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            try
            {
                return await call();
            }
            catch (Exception e) when (Calls.MayPass(e))
            {
                if (since.Elapsed > Patience)
                    throw new TimeoutException($"The cluster did not answer within {Patience.TotalSeconds:F0} s: {e.Message}", e);
            }

            await Task.Delay(Pause, ct);
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _host.StopAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _host.Dispose();
    }
}
