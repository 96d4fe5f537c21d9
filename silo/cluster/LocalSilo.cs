// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Scheduling;
using Teravox.Silo.Devices;
using Teravox.Silo.Telemetry;

namespace Teravox.Silo.Cluster;

/// <summary>
/// A silo that is alone in this process, on SQLite: what <c>./teravox run</c> embeds. No port is open. Whoever makes it has proven by
/// a lock that no other process uses the catalog.
/// </summary>
public sealed class LocalSilo : IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);
    private readonly SiloSetup _setup;
    private readonly IHost _host;

    private LocalSilo(SiloSetup setup, IHost host) => (_setup, _host) = (setup, host);

    /// <summary>Its experiments.</summary>
    public ExperimentService Experiments => _host.Services.GetRequiredService<ExperimentService>();

    /// <summary>What items know of experiments.</summary>
    public ExperimentStore Store => _host.Services.GetRequiredService<ExperimentStore>();

    /// <summary>Its grains.</summary>
    public IGrainFactory Grains => _host.Services.GetRequiredService<IGrainFactory>();

    /// <summary>Starts it; its devices do not work yet.</summary>
    public static async Task<LocalSilo> StartAsync(SiloSetup setup, Action<string> say, CancellationToken ct)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddProvider(new SiloLog(say)).SetMinimumLevel(LogLevel.Error);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        TelemetrySetup.Add(builder, setup.Devices.Name, scraped: false);
        builder.UseOrleans(silo => silo.UseTeravox(setup));
        var host = builder.Build();
        await host.StartAsync(ct);
        return new LocalSilo(setup, host);
    }

    /// <summary>Works for one experiment until it has ended, or until <paramref name="stop"/>; its state then.</summary>
    /// <exception cref="InputException">There is no such experiment, a stage needs what is not here, or the disk of the database is full.</exception>
    public async Task<ExperimentState> RunToEndAsync(long experiment, CancellationToken stop)
    {
        var entry = _setup.Devices.Entry(null, _setup.Kinds);
        var status = await Experiments.DescribeAsync(experiment, CancellationToken.None)
            ?? throw new InputException($"There is no experiment {experiment}; list the experiments to see their numbers.");
        foreach (var stage in status.Stages.Where(s => s.State != StageState.Done))
            RefuseUnfit(stage, entry);

        using var ends = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var devices = ActivatorUtilities.CreateInstance<DeviceService>(_host.Services, _setup.Devices);
        var working = devices.RunAsync(ends.Token, CancellationToken.None);
        var ended = Experiments.WaitForEndAsync(experiment, ends.Token);
        try
        {
            await await Task.WhenAny(ended, _setup.Catalog.Unusable);
            return await ended;
        }
        finally
        {
            await ends.CancelAsync();
            await working;
            await ((Task)ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(StopPatience);
        await _host.StopAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await ((IAsyncDisposable)_host).DisposeAsync();
    }

    private static void RefuseUnfit(StageRow stage, SiloEntry entry)
    {
        if (Fitting.Fits(stage.Kind, stage.Needs, entry))
            return;
        throw new InputException(entry.Kinds.Contains(stage.Kind)
            ? $"Stage '{stage.Name}' needs {Fitting.Describe(stage.Needs)}, which is not here."
            : $"Stage '{stage.Name}' is of kind '{stage.Kind}', which this Teravox can not run; use a newer one.");
    }
}

/// <summary>The program handles its signals itself.</summary>
internal sealed class NoLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
