// SPDX-License-Identifier: Apache-2.0
using Teravox.Compute;
using Teravox.Grains.Ledger;
using Teravox.Volumes;

namespace Teravox.Grains.Resolution;

/// <summary>A section of low resolution, enlarged by bicubic interpolation: what super-resolution has to beat.</summary>
public sealed class EnlargeGrain(ExperimentStore store) : IWorkGrain
{
    internal const string KindName = "enlarge";

    /// <inheritdoc/>
    public string Kind => KindName;

    /// <inheritdoc/>
    public bool Overlaps => true;

    /// <inheritdoc/>
    public async Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct)
    {
        var plan = await store.PlanAsync(turn.Lease.ExperimentId, ct);
        var folder = store.Folder(turn.Lease.ExperimentId);
        var (source, target) = (Sections.Source(plan), plan.Volume(VolumeNames.Lr));
        var (from, to) = (Sections.Size(source), Sections.Size(target));
        var coarse = Sections.ToGrey(Sections.Read(plan, folder, source, turn.Lease.Index), plan.Type);
        var fine = new float[to.Y * to.X];
        using (await turn.EnterDeviceAsync(ct))
            Resampler.Enlarge(coarse, from, to, fine);
        var voxels = Sections.ToVoxels(fine, plan.Type);
        Sections.Write(plan, folder, target, turn.Lease.Index, voxels);
        return new WorkResult(Sums: new Dictionary<string, long[]> { [VolumeGrain.HistogramSum] = VoxelHistogram.Of(voxels, plan.Type).Counts });
    }
}
