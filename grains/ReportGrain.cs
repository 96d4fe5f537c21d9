// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;

namespace Teravox.Grains;

/// <summary>The end of an experiment: scores, report and provenance.</summary>
public sealed class ReportGrain(ExperimentStore store) : IWorkGrain
{
    internal const string KindName = "report";

    /// <inheritdoc/>
    public string Kind => KindName;

    /// <inheritdoc/>
    public async Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct)
    {
        var experiment = turn.Lease.ExperimentId;
        var plan = await store.PlanAsync(experiment, ct);
        var folder = store.Folder(experiment);
        (await Provenance.OfAsync(store, experiment, plan, folder, ct)).Write(folder.Provenance);
        return new WorkResult();
    }
}
