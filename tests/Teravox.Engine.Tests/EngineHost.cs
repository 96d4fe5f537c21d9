// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Runtime.Hosting;
using Orleans.Storage;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Catalog.Sqlite;
using Teravox.Silo.Cluster;
using Teravox.Silo.Devices;

namespace Teravox.Engine.Tests;

/// <summary>A silo that is alone, with parts that a test puts in the place of its own; its devices work when they are told to.</summary>
internal sealed class EngineHost : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly SiloSetup _setup;
    private readonly List<(Task Working, CancellationTokenSource Stop)> _working = [];

    private EngineHost(IHost host, SiloSetup setup) => (_host, _setup) = (host, setup);

    public ExperimentService Experiments => _host.Services.GetRequiredService<ExperimentService>();

    public IGrainFactory Grains => _host.Services.GetRequiredService<IGrainFactory>();

    public ISchedulerGrain Scheduler => Grains.GetGrain<ISchedulerGrain>(ISchedulerGrain.Key);

    /// <summary>Its name in its cluster.</summary>
    public string Name => _setup.Devices.Name;

    /// <summary>Starts it.</summary>
    /// <param name="setup">What it is made of.</param>
    /// <param name="replace">Puts other parts in the place of its own.</param>
    /// <param name="ct">Stops the start.</param>
    public static async Task<EngineHost> StartAsync(SiloSetup setup, Action<ISiloBuilder>? replace, CancellationToken ct)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.UseOrleans(silo =>
        {
            silo.UseTeravox(setup);
            replace?.Invoke(silo);
        });
        var host = builder.Build();
        await host.StartAsync(ct);
        return new EngineHost(host, setup);
    }

    public IExperimentGrain Experiment(long id) => Grains.GetGrain<IExperimentGrain>($"{id}");

    public IWorkRangeGrain Range(StagePlan stage, int range = 0) => Grains.GetGrain<IWorkRangeGrain>(stage.RangeKey(range));

    /// <summary>Devices that do not work yet: those of the setup, or others.</summary>
    public DeviceService NewDevices(DeviceOptions? options = null) =>
        ActivatorUtilities.CreateInstance<DeviceService>(_host.Services, (options ?? _setup.Devices) with { Name = Name }, "");

    /// <summary>Devices begin to work, until the host is disposed: those of the setup, or others.</summary>
    public void Work(DeviceOptions? options = null)
    {
        var devices = NewDevices(options);
        var stop = new CancellationTokenSource();
        _working.Add((devices.RunAsync(stop.Token, stop.Token), stop));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (working, stop) in _working)
        {
            await stop.CancelAsync();
            await working;
            stop.Dispose();
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await _host.StopAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await ((IAsyncDisposable)_host).DisposeAsync();
    }

    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>Parts that tests put in the place of a silo's own.</summary>
internal static class Replacements
{
    /// <summary>Another storage of grains' states.</summary>
    public static ISiloBuilder Storage(this ISiloBuilder silo, IGrainStorage storage)
    {
        silo.Services.AddGrainStorage(StoredGrain<object>.StorageName, (_, _) => storage);
        return silo;
    }

    /// <summary>Members that live and die as the test says.</summary>
    public static ISiloBuilder Members(this ISiloBuilder silo, TestMembers members)
    {
        silo.Services.AddSingleton<IClusterMembers>(members);
        return silo;
    }
}

/// <summary>Members of which none is dead before the test says so.</summary>
internal sealed class TestMembers : IClusterMembers
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _dead = [];

    public void Kill(string silo)
    {
        lock (_lock)
            _dead.Add(silo);
    }

    public ValueTask<IReadOnlySet<string>> DeadAmongAsync(IReadOnlyCollection<string> silos)
    {
        lock (_lock)
            return new(silos.Where(_dead.Contains).ToHashSet(StringComparer.Ordinal));
    }

    public async Task<long> ChangedAsync(long version, CancellationToken ct)
    {
        if (version < 0)
            return 0;
        await Task.Delay(Timeout.Infinite, ct);
        return 0;
    }
}

/// <summary>A storage of states in memory, with ETags, that fails or waits when the test says so.</summary>
internal sealed class TestStorage : IGrainStorage
{
    private readonly GrainJson _json = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (BinaryData State, long ETag)> _states = [];

    /// <summary>Called with the grain before each write: what it throws, the write does, and leaves nothing.</summary>
    public Func<GrainId, Task> BeforeWrite { get; set; } = _ => Task.CompletedTask;

    /// <summary>Called with the grain after each write: what it throws, the write does, and has left all.</summary>
    public Func<GrainId, Task> AfterWrite { get; set; } = _ => Task.CompletedTask;

    /// <summary>Called with the grain before each read.</summary>
    public Func<GrainId, Task> BeforeRead { get; set; } = _ => Task.CompletedTask;

    /// <summary>Number of writes that were refused because another had written since the state was read.</summary>
    public int Conflicts { get; private set; }

    /// <summary>Number of states.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _states.Count;
        }
    }

    /// <summary>What is stored of a grain, or null.</summary>
    public T? Read<T>(IAddressable grain, string stateName)
        where T : class
    {
        lock (_lock)
            return _states.TryGetValue(Key(grain.GetGrainId(), stateName), out var known) ? _json.Deserialize<T>(known.State) : null;
    }

    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        await BeforeRead(grainId);
        lock (_lock)
        {
            grainState.RecordExists = _states.TryGetValue(Key(grainId, stateName), out var known);
            grainState.ETag = grainState.RecordExists ? $"{known.ETag}" : null;
            grainState.State = grainState.RecordExists ? _json.Deserialize<T>(known.State) : Activator.CreateInstance<T>();
        }
    }

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        await BeforeWrite(grainId);
        lock (_lock)
        {
            var key = Key(grainId, stateName);
            var stored = _states.TryGetValue(key, out var known) ? $"{known.ETag}" : null;
            if (stored != grainState.ETag)
            {
                Conflicts++;
                throw new InconsistentStateException("written by another since", stored ?? "none", grainState.ETag ?? "none");
            }

            _states[key] = (_json.Serialize(grainState.State), known.ETag + 1);
            (grainState.ETag, grainState.RecordExists) = ($"{known.ETag + 1}", true);
        }

        await AfterWrite(grainId);
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => throw new NotSupportedException("no grain clears its state");

    private static string Key(GrainId grain, string stateName) => $"{grain}|{stateName}";
}
