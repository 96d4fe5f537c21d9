// SPDX-License-Identifier: Apache-2.0
using Orleans.Concurrency;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains.Scoring;
using Teravox.Networks;
using Teravox.Volumes;

namespace Teravox.Grains;

/// <summary>Turns a tile's probabilities into class ids by the thresholds, and counts the confusion of the bare argmax.</summary>
[StatelessWorker(1)]
[GrainType("label")]
public sealed class LabelGrain(RunningWork running, ExperimentStore store) : ItemGrain(running), ITileGrain
{
    internal const string KindName = "label";

    /// <summary>Names of the sums of confusion counts: classes x classes, truth by row.</summary>
    internal const string TrainConfusionSum = "confusion/train", TestConfusionSum = "confusion/test";

    /// <summary>Name of the sum of voxels per id of the label volume: 256 counts.</summary>
    internal const string CalledSum = "called";

    /// <inheritdoc/>
    protected internal override async Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct)
    {
        var experiment = turn.Item.Stage.Experiment;
        var plan = await store.PlanAsync(experiment, ct);
        var folder = store.Folder(experiment);
        var prediction = ExperimentStore.Arguments(turn.Item.Stage.Arguments).Prediction!;
        var channels = plan.ChannelsOf(prediction);
        var thresholds = await ThresholdsAsync(experiment, plan, folder, prediction, ct);

        var volume = plan.VolumeOf(prediction);
        var core = new TileGrid(volume.Shape, plan.Tile).Core(turn.Item.Index);
        var size = checked((int)core.Count);
        var probabilities = new byte[checked(channels * size)];
        var source = OmeVolume.Open(folder.Probabilities(prediction));
        for (var c = 0; c < channels; c++)
            source.Read(core, probabilities.AsSpan(c * size, size), c);

        var labels = new byte[size];
        using (await turn.EnterDeviceAsync(ct))
            Labelling.Assign(probabilities, thresholds, labels);
        OmeVolume.Create(folder.Labels(prediction), VolumeFiles.Options(plan, volume, VoxelType.UInt8) with { Classes = plan.Classes }).StoreOnce(core, labels);

        var called = new long[256];
        foreach (var id in labels)
            called[id]++;
        var sums = new Dictionary<string, long[]> { [CalledSum] = called };
        if (!plan.Train.IsEmpty)
        {
            Labelling.Argmax(probabilities, labels);
            var place = volume.InOriginal(core);
            Count(plan, folder, place, labels, plan.Train, TrainConfusionSum, sums);
            Count(plan, folder, place, labels, plan.Test, TestConfusionSum, sums);
        }

        return new WorkResult(Sums: sums);
    }

    private async Task<byte[]> ThresholdsAsync(long experiment, ExperimentPlan plan, ExperimentFolder folder, string prediction, CancellationToken ct)
    {
        if (plan.Spec.Preset != Preset.Segment)
            return [.. (await store.ResultsAsync<ThresholdGrain.ThresholdResult>(experiment, StageNames.Threshold(plan.ThresholdsOf(prediction)), ct))[0].Thresholds.Select(t => (byte)t)];
        var path = folder.Weights(plan, plan.Networks[0].Name);
        using var network = Network.Load(path);
        return [.. Cards.ThresholdsOf(Cards.Read(network, path), network.OutChannels).Select(t => (byte)t)];
    }

    private static void Count(ExperimentPlan plan, ExperimentFolder folder, Box3 core, byte[] argmax, Box3 region, string name, Dictionary<string, long[]> sums)
    {
        var counted = core.Intersect(region);
        if (counted.IsEmpty)
            return;
        var truth = new byte[counted.Count];
        OmeVolume.Open(folder.Truth).Read(counted, truth);
        var counts = new long[plan.Classes.Count * plan.Classes.Count];
        Confusion.Add(VoxelBox.Cut(argmax, core, counted), truth, plan.Classes.Count, counts);
        sums[name] = counts;
    }
}
