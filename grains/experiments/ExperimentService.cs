// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;
using Teravox.Grains.Telemetry;

namespace Teravox.Grains;

/// <summary>
/// Experiments from outside: submitted, listed, steered, looked at. Calls to grains that are lost with a silo are repeated for a
/// while; none does harm when it is made twice.
/// </summary>
public sealed class ExperimentService(ICatalog catalog, IGrainFactory grains)
{
    /// <summary>The catalog.</summary>
    public ICatalog Catalog => catalog;

    /// <summary>
    /// Enters experiments in the catalog, all or none, and starts them; ids in their order. Those whose idempotency key is there already
    /// are not entered again. When a start is lost, the scheduler finds the experiment in the catalog and starts it.
    /// </summary>
    public async Task<IReadOnlyList<long>> SubmitAsync(IReadOnlyList<NewExperiment> experiments, CancellationToken ct)
    {
        using var span = WorkTraces.Submission();
        var ids = await catalog.SubmitAsync(experiments, ct);
        foreach (var id in ids)
        {
            try
            {
                await Grain(id).StartAsync();
            }
            catch (Exception e) when (GrainCalls.MayPass(e))
            {
                break;
            }
        }

        return ids;
    }

    /// <summary>How far an experiment is; null when there is none.</summary>
    public Task<ExperimentStatus?> DescribeAsync(long id, CancellationToken ct) => GrainCalls.RepeatAsync(() => Grain(id).DescribeAsync(), ct);

    /// <summary>Nothing more is handed out; what runs may end. False when it was not running.</summary>
    public Task<bool> PauseAsync(long id, CancellationToken ct) => GrainCalls.RepeatAsync(() => Grain(id).PauseAsync(), ct);

    /// <summary>Undoes a pause. False when it was not paused.</summary>
    public Task<bool> ResumeAsync(long id, CancellationToken ct) => GrainCalls.RepeatAsync(() => Grain(id).ResumeAsync(), ct);

    /// <summary>Ends it as cancelled. False when it had ended.</summary>
    public Task<bool> CancelAsync(long id, CancellationToken ct) => GrainCalls.RepeatAsync(() => Grain(id).CancelAsync(), ct);

    /// <summary>Runs what failed again; how many items and stages that were.</summary>
    public Task<int> RetryAsync(long id, CancellationToken ct) => GrainCalls.RepeatAsync(() => Grain(id).RetryAsync(), ct);

    /// <summary>Waits for its end: its state then, or at the moment when it was stopped waiting for.</summary>
    /// <exception cref="InputException">There is no such experiment.</exception>
    public async Task<ExperimentState> WaitForEndAsync(long id, CancellationToken stop)
    {
        while (true)
        {
            var state = await GrainCalls.RepeatAsync(() => Grain(id).WaitForEndAsync(TimeSpan.FromSeconds(1)), CancellationToken.None)
                ?? throw new InputException($"There is no experiment {id}; list the experiments to see their numbers.");
            if (stop.IsCancellationRequested || state is ExperimentState.Succeeded or ExperimentState.Failed or ExperimentState.Cancelled)
                return state;
        }
    }

    /// <summary>All silos by name.</summary>
    public Task<SiloState[]> SilosAsync(CancellationToken ct) =>
        GrainCalls.RepeatAsync(() => grains.GetGrain<ISchedulerGrain>(ISchedulerGrain.Key).SilosAsync(), ct);

    private IExperimentGrain Grain(long id) => grains.GetGrain<IExperimentGrain>(id.ToString(CultureInfo.InvariantCulture));
}
