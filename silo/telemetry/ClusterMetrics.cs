// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Telemetry;

namespace Teravox.Silo.Telemetry;

/// <summary>
/// Figures of the whole cluster, which every silo with an HTTP API tells alike. They are asked for at most every few seconds; when the
/// database or the cluster does not answer they are left out, and what the silo knows of itself is told all the same.
/// </summary>
internal sealed class ClusterMetrics : IDisposable
{
    /// <summary>What the names of those begin with that have a series for each silo.</summary>
    public const string OfSilos = "teravox.silo.";

    private static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(2), Patience = TimeSpan.FromSeconds(3);
    private readonly ExperimentService _experiments;
    private readonly Meter _meter;
    private readonly Lock _lock = new();
    private volatile Figures? _figures;
    private Task _asking = Task.CompletedTask;
    private long _asked;

    private sealed record Figures(IReadOnlyDictionary<ExperimentState, long> Experiments, SiloState[] Silos);

    /// <param name="experiments">The cluster.</param>
    /// <param name="host">What tells this host's instruments from those of others in the process.</param>
    public ClusterMetrics(ExperimentService experiments, TelemetryHost host)
    {
        _experiments = experiments;
        _meter = new Meter(new MeterOptions(WorkMetrics.MeterName) { Scope = host });
        _meter.CreateObservableGauge(
            "teravox.experiments",
            () => Of(f => Enum.GetValues<ExperimentState>().Select(s => new Measurement<long>(f.Experiments.GetValueOrDefault(s), new KeyValuePair<string, object?>("state", s.ToString().ToLowerInvariant())))),
            "{experiment}",
            "Experiments by state.");
        _meter.CreateObservableGauge(OfSilos + "up", () => Silos(s => s.IsAlive ? 1 : 0), null, "1 while the silo is heard of.");
        _meter.CreateObservableCounter(OfSilos + "items.done", () => Silos(s => s.Status.ItemsDone), "{item}", "Items that the silo completed since its start.");
        _meter.CreateObservableGauge(OfSilos + "items.per_second", () => Silos(s => s.Status.ItemsPerSecond), null, "Items that the silo completed per second over the last minute.");
        _meter.CreateObservableGauge(OfSilos + "items.running", () => Silos(s => s.Status.Running.Length), "{item}", "Items that the silo works on.");
        _meter.CreateObservableGauge(OfSilos + "memory", () => Silos(s => s.Status.MemoryBytes), "By", "Working memory of the silo's process.");
    }

    /// <summary>Asks the cluster, unless that was done a moment ago. Never throws.</summary>
    public Task RefreshAsync()
    {
        lock (_lock)
        {
            if (_asking.IsCompleted && (_asked == 0 || Stopwatch.GetElapsedTime(_asked) > FreshFor))
                _asking = AskAsync();
            return _asking;
        }
    }

    public void Dispose() => _meter.Dispose();

    private async Task AskAsync()
    {
        // Off the caller's thread, and part of nobody's trace.
        await Task.Yield();
        Activity.Current = null;
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            _figures = new Figures(
                await _experiments.Catalog.CountAsync(patience.Token).WaitAsync(patience.Token),
                await _experiments.SilosAsync(patience.Token).WaitAsync(patience.Token));
        }
        catch (Exception)
        {
            _figures = null;
        }

        _asked = Stopwatch.GetTimestamp();
    }

    private IEnumerable<Measurement<T>> Silos<T>(Func<SiloState, T> value)
        where T : struct => Of(f => f.Silos.Select(s => new Measurement<T>(value(s), new KeyValuePair<string, object?>("silo", s.Entry.Name))));

    private IEnumerable<Measurement<T>> Of<T>(Func<Figures, IEnumerable<Measurement<T>>> values)
        where T : struct
    {
        // Whoever exports without a request gets the figures of the time before.
        _ = RefreshAsync();
        return _figures is { } figures ? values(figures) : [];
    }
}
