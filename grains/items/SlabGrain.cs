// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json;
using Orleans.Concurrency;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Volumes;
using Teravox.Volumes.Phantom;

namespace Teravox.Grains;

/// <summary>
/// A volume: brings raw and labels into the store slab by slab (one chunk thick along z, so that no chunk has two
/// writers) and counts what training and scoring need to know of the whole.
/// </summary>
[StatelessWorker(1)]
[GrainType("import")]
public sealed class SlabGrain(RunningWork running, ExperimentStore store) : ItemGrain(running), ISlabGrain
{
    internal const string KindName = "import";

    /// <summary>Name of the sum of grey levels: 256 or 65536 counts.</summary>
    internal const string HistogramSum = "histogram";

    /// <summary>Name of the sum of grey levels of a view of the original.</summary>
    internal static string HistogramOf(string view) => HistogramSum + "/" + view;

    /// <summary>Name of the sums of class ids in the two regions: 256 counts each.</summary>
    internal const string TrainTruthSum = "truth/train", TestTruthSum = "truth/test";

    /// <summary>What an item leaves: SHA-256 of its voxels and labels as stored.</summary>
    internal sealed record SlabResult(string RawHash, string? TruthHash);

    // A phantom grows as a whole: making it once is cheaper than once per slab.
    internal static int CountSlabs(ExperimentPlan plan) =>
        plan.Spec.Data.Phantom is not null ? 1 : (plan.Shape.Z + plan.Chunk.Z - 1) / plan.Chunk.Z;

    /// <inheritdoc/>
    protected internal override async Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct)
    {
        var plan = await store.PlanAsync(turn.Item.Stage.Experiment, ct);
        var folder = store.Folder(turn.Item.Stage.Experiment);
        var slab = SlabOf(plan, turn.Item.Index);

        // 1. Read or grow the slab.
        var (raw, truth) = plan.Spec.Data.Phantom is { } phantom
            ? Grow(phantom, plan.HasTruth, turn.Threads, ct)
            : (ReadRaw(plan, slab, turn, ct), ReadTruth(plan, slab, ct));

        // 2. Write it, unless it is there or raw is read where it lies: what is stored is what is counted.
        if (!plan.RawInPlace)
            OmeVolume.Create(folder.Raw(plan), VolumeFiles.Options(plan, plan.Type)).StoreOnce(slab, raw);
        if (truth is not null)
            OmeVolume.Create(folder.Truth, VolumeFiles.Options(plan, VoxelType.UInt8) with { Classes = plan.Classes }).StoreOnce(slab, truth);

        // 3. Count: the range adds the slabs up.
        var sums = new Dictionary<string, long[]> { [HistogramSum] = VoxelHistogram.Of(raw, plan.Type).Counts };
        foreach (var view in plan.Volumes?.Where(v => v.IsView) ?? [])
            sums[HistogramOf(view.Name)] = CountGrey(raw, plan.Type, slab, view.Region);
        if (truth is not null)
        {
            sums[TrainTruthSum] = CountTruth(truth, slab, plan.Train);
            sums[TestTruthSum] = CountTruth(truth, slab, plan.Test);
        }

        var result = new SlabResult(Hash(raw), truth is null ? null : Hash(truth));
        return new WorkResult(JsonSerializer.Serialize(result, TeravoxJson.Compact), sums, turn.Item.Index == 0 ? plan.Notes : null);
    }

    private static Box3 SlabOf(ExperimentPlan plan, int index)
    {
        if (plan.Spec.Data.Phantom is not null)
            return Box3.Whole(plan.Shape);
        var z = index * plan.Chunk.Z;
        return new Box3(new Int3(z, 0, 0), plan.Shape with { Z = Math.Min(plan.Chunk.Z, plan.Shape.Z - z) });
    }

    private static (byte[] Raw, byte[]? Truth) Grow(PhantomSource phantom, bool labelled, int threads, CancellationToken ct)
    {
        var grown = Phantom.Generate(phantom.Shape, phantom.Seed, new PhantomOptions { Threads = threads }, ct: ct);
        return (grown.Raw, labelled ? grown.Labels : null);
    }

    private static byte[] ReadRaw(ExperimentPlan plan, Box3 slab, WorkTurn turn, CancellationToken ct)
    {
        using var stack = ImageStack.Open(plan.Spec.Data.Raw!, use: StackUse.Raw);
        if (stack.Shape != plan.Shape)
            throw new InputException($"{stack.Source} was {plan.Shape} when the experiment was submitted and is {stack.Shape} now; put it back or submit anew.");
        var slice = plan.Shape.Y * plan.Shape.X * plan.Type.Bytes();
        var raw = new byte[checked(slab.Shape.Z * slice)];
        for (var z = 0; z < slab.Shape.Z; z++)
        {
            ct.ThrowIfCancellationRequested();
            stack.ReadSlice(slab.Start.Z + z).Data.AsSpan().CopyTo(raw.AsSpan(z * slice, slice));
            turn.Report(new WorkProgress((z + 1.0) / slab.Shape.Z, stack.SliceNames[slab.Start.Z + z]));
        }

        return raw;
    }

    private static byte[]? ReadTruth(ExperimentPlan plan, Box3 slab, CancellationToken ct)
    {
        if (!plan.HasTruth)
            return null;
        using var stack = ImageStack.Open(plan.Spec.Data.Labels!, use: StackUse.Labels);
        var slice = plan.Shape.Y * plan.Shape.X;
        var truth = new byte[checked(slab.Shape.Z * slice)];
        for (var z = 0; z < slab.Shape.Z; z++)
        {
            ct.ThrowIfCancellationRequested();
            LabelReader.ReadSlice(stack, slab.Start.Z + z, plan.Classes, truth.AsSpan(z * slice, slice));
        }

        return truth;
    }

    private static long[] CountGrey(byte[] raw, VoxelType type, Box3 slab, Box3 region)
    {
        var histogram = VoxelHistogram.Empty(type);
        foreach (var row in VoxelBox.Rows(slab, region))
            histogram.Add(raw.AsSpan(row.Offset * type.Bytes(), row.Length * type.Bytes()));
        return histogram.Counts;
    }

    private static long[] CountTruth(byte[] truth, Box3 slab, Box3 region)
    {
        var counts = new long[256];
        foreach (var row in VoxelBox.Rows(slab, region))
        {
            foreach (var id in truth.AsSpan(row.Offset, row.Length))
                counts[id]++;
        }

        return counts;
    }

    private static string Hash(byte[] voxels) => Convert.ToHexStringLower(SHA256.HashData(voxels));
}
