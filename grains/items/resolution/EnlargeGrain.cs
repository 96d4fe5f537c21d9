// SPDX-License-Identifier: Apache-2.0
using Orleans.Concurrency;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Networks;
using Teravox.Volumes;

namespace Teravox.Grains.Resolution;

/// <summary>A section of low resolution, enlarged by bicubic interpolation: what super-resolution has to beat.</summary>
[StatelessWorker(1)]
[GrainType("enlarge")]
public sealed class EnlargeGrain(RunningWork running, ExperimentStore store) : ItemGrain(running), ISectionGrain
{
    internal const string KindName = "enlarge";

    /// <inheritdoc/>
    protected internal override async Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct)
    {
        var plan = await store.PlanAsync(turn.Item.Stage.Experiment, ct);
        var folder = store.Folder(turn.Item.Stage.Experiment);
        var (source, target) = (Sections.Source(plan), plan.Volume(VolumeNames.Lr));
        var (from, to) = (Sections.Size(source), Sections.Size(target));
        var coarse = Sections.ToGrey(Sections.Read(plan, folder, source, turn.Item.Index), plan.Type);
        var fine = new float[to.Y * to.X];
        using (await turn.EnterDeviceAsync(ct))
            Resampler.Enlarge(coarse, from, to, fine);
        var voxels = Sections.ToVoxels(fine, plan.Type);
        Sections.Write(plan, folder, target, turn.Item.Index, voxels);
        return new WorkResult(Sums: new Dictionary<string, long[]> { [SlabGrain.HistogramSum] = VoxelHistogram.Of(voxels, plan.Type).Counts });
    }
}
