// SPDX-License-Identifier: Apache-2.0
using Orleans.Concurrency;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Volumes;

namespace Teravox.Grains;

/// <summary>
/// A tile of a coarser level, made from the level above it, which is finished: grey levels by the mean, class ids by the mode.
/// Nothing beyond the blocks of its own voxels is read, so it does not show where the tiles were cut.
/// </summary>
[StatelessWorker(1)]
[GrainType("pyramid")]
public sealed class PyramidGrain(RunningWork running, ExperimentStore store) : ItemGrain(running), ITileGrain
{
    internal const string KindName = "pyramid";

    /// <inheritdoc/>
    protected internal override async Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct)
    {
        var plan = await store.PlanAsync(turn.Item.Stage.Experiment, ct);
        var folder = store.Folder(turn.Item.Stage.Experiment);
        var level = ExperimentStore.Arguments(turn.Item.Stage.Arguments).Level!.Value;
        var (volume, core) = PyramidPlan.Tile(plan, level, turn.Item.Index);
        var path = volume.PathIn(folder);

        // Whoever comes first gives the volume all its levels; until then it has the finest one alone.
        OmeVolume.Open(path).AddLevels(volume.Factors);
        var (source, target) = (OmeVolume.Open(path, level - 1), OmeVolume.Open(path, level));

        var factor = volume.Factors[level - 1];
        var block = new Box3(core.Start * factor, core.Shape * factor).Intersect(Box3.Whole(source.Shape));
        var fine = new byte[checked((int)(block.Count * source.Type.Bytes()))];
        source.Read(block, fine);
        var coarse = new byte[checked((int)(core.Count * target.Type.Bytes()))];
        using (await turn.EnterDeviceAsync(ct))
        {
            if (volume.IsLabels)
                Downsampling.Mode(fine, block.Shape, factor, coarse);
            else
                Downsampling.Mean(fine, source.Type, block.Shape, factor, coarse);
        }

        target.StoreOnce(core, coarse);
        return new WorkResult();
    }
}
