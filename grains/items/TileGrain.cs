// SPDX-License-Identifier: Apache-2.0
using Orleans.Concurrency;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains.Scoring;
using Teravox.Grains.Telemetry;
using Teravox.Networks;
using Teravox.Volumes;

namespace Teravox.Grains;

/// <summary>A tile: core and halo through a network, the core's probabilities into the tile's own chunks, its counts into its range.</summary>
[StatelessWorker(1)]
[GrainType("infer")]
public sealed class TileGrain(RunningWork running, ExperimentStore store, SessionCache sessions) : ItemGrain(running), ITileGrain
{
    internal const string KindName = "infer";

    /// <summary>Names of the sums of (grey level, truth) counts: 512 per channel of the network.</summary>
    internal const string TrainGreySum = "grey/train", TestGreySum = "grey/test";

    /// <inheritdoc/>
    protected internal override async Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct)
    {
        var experiment = turn.Item.Stage.Experiment;
        var plan = await store.PlanAsync(experiment, ct);
        var folder = store.Folder(experiment);
        var inference = plan.Inference(ExperimentStore.Arguments(turn.Item.Stage.Arguments));
        var (network, volume) = (inference.Network, inference.Volume);
        var core = new TileGrid(volume.Shape, plan.Tile).Core(turn.Item.Index);
        var probabilities = new byte[checked((int)(network.OutChannels * core.Count))];
        var target = inference.IsKept ? Target(plan, folder, inference) : null;

        // A tile whose chunks are there was computed before, here or elsewhere: it only counts what is stored.
        if (target is null || !EachChannel(target.TryReadStored))
        {
            await ComputeAsync(turn, plan, folder, inference, core, probabilities, ct);
            WorkMetrics.Voxels(KindName, core.Count);
        }

        // 3. Write the core's own chunks, unless they are there by now: what is stored is what is counted.
        if (target is not null)
        {
            using var step = WorkTraces.Step("write");
            EachChannel((box, voxels, channel) =>
            {
                target.StoreOnce(box, voxels, channel);
                return true;
            });
        }

        // 4. Count grey levels against truth: the range adds the tiles up.
        var sums = new Dictionary<string, long[]>();
        var place = volume.InOriginal(core);
        Count(folder, network, place, probabilities, plan.Train, TrainGreySum, sums);
        Count(folder, network, place, probabilities, plan.Test, TestGreySum, sums);
        return new WorkResult(Sums: sums);

        bool EachChannel(Channel what)
        {
            var size = (int)core.Count;
            for (var c = 0; c < network.OutChannels; c++)
            {
                if (!what(core, probabilities.AsSpan(c * size, size), network.Channel + c))
                    return false;
            }

            return true;
        }
    }

    private delegate bool Channel(Box3 box, Span<byte> voxels, int channel);

    private static OmeVolume Target(ExperimentPlan plan, ExperimentFolder folder, PlannedInference inference)
    {
        var channels = plan.ChannelsOf(inference.Prediction);
        var options = VolumeFiles.Options(plan, inference.Volume, VoxelType.UInt8, channels) with { Classes = plan.Classes };
        return OmeVolume.Create(folder.Probabilities(inference.Prediction), options);
    }

    private async Task ComputeAsync(
        WorkTurn turn, ExperimentPlan plan, ExperimentFolder folder, PlannedInference inference, Box3 core, byte[] probabilities, CancellationToken ct)
    {
        var (network, volume) = (inference.Network, inference.Volume);
        var (mean, std) = await store.NormalisationAsync(turn.Item.Stage.Experiment, volume.Name, ct);

        // 1. Read core and halo, mirrored past the volume's border.
        var block = TilePlan.Block(core, plan.Halo, plan.Grid);
        var voxels = new byte[checked((int)(block.Count * plan.Type.Bytes()))];
        using (WorkTraces.Step("read"))
            VolumeFiles.Read(plan, folder, volume, block, voxels);

        // 2. Through the network, while other tiles of the device read and write. A GPU takes the next tile before this one is done.
        using var step = WorkTraces.Step("network");
        TileInFlight started;
        IDisposable computing;
        using (await turn.EnterDeviceAsync(ct))
        {
            var taken = sessions.Take(folder.Weights(plan, network.Name), turn.Device, turn.Threads);
            try
            {
                var tile = new Tile
                {
                    Voxels = voxels,
                    Type = plan.Type,
                    Shape = block.Shape,
                    CoreStart = core.Start - block.Start,
                    CoreShape = core.Shape,
                    Mean = mean,
                    Std = std,
                };
                started = taken.Session.Start(tile, ct);
            }
            finally
            {
                sessions.Return(taken);
            }

            computing = turn.Gate.Compute();
        }

        using (started)
        using (computing)
            started.Finish(probabilities);
    }

    private static void Count(
        ExperimentFolder folder,
        PlannedNetwork network,
        Box3 core,
        byte[] probabilities,
        Box3 region,
        string name,
        Dictionary<string, long[]> sums)
    {
        var counted = core.Intersect(region);
        if (counted.IsEmpty)
            return;
        var truth = new byte[counted.Count];
        OmeVolume.Open(folder.Truth).Read(counted, truth);
        var counts = new long[network.OutChannels * GreyHistogram.Length];
        var size = (int)core.Count;
        for (var c = 0; c < network.OutChannels; c++)
        {
            var grey = VoxelBox.Cut(probabilities.AsSpan(c * size, size), core, counted);
            var classId = (byte)(network.TargetClass ?? c);
            GreyHistogram.Add(grey, truth, classId, counts.AsSpan(c * GreyHistogram.Length, GreyHistogram.Length));
        }

        sums[name] = counts;
    }
}
