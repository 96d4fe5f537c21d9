// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;

namespace Teravox.Grains;

/// <summary>
/// The kinds of items that this program has grains for. A kind is the grain type of its class. Items of a kind that overlaps
/// compute between <see cref="WorkTurn.EnterDeviceAsync"/> and its disposal alone, so that a device takes some of them at a time: one
/// computes while others read and write. An item of another kind has its device to itself. Some kinds overlap on GPUs alone: one item
/// gives a GPU too little to compute at a time.
/// </summary>
public sealed class WorkKinds
{
    private readonly Dictionary<string, (bool Anywhere, bool OnCuda)> _overlaps = new(StringComparer.Ordinal);

    /// <summary>The kinds of experiments.</summary>
    public static WorkKinds OfExperiments => new WorkKinds()
        .Add("import").Add("train").Add("infer", overlaps: true).Add("threshold").Add("label", overlaps: true)
        .Add("pyramid", overlaps: true).Add("report").Add("degrade", overlaps: true).Add("enlarge", overlaps: true)
        .Add("super-resolve", overlapsOnCuda: true).Add("compare", overlaps: true);

    /// <summary>All kinds.</summary>
    public string[] Names => [.. _overlaps.Keys];

    /// <summary>Adds a kind.</summary>
    public WorkKinds Add(string kind, bool overlaps = false, bool overlapsOnCuda = false)
    {
        _overlaps[kind] = (overlaps, overlaps || overlapsOnCuda);
        return this;
    }

    /// <summary>Whether items of this kind overlap on a device, "cpu" or "cuda:0".</summary>
    public bool Overlaps(string kind, string device)
    {
        ArgumentNullException.ThrowIfNull(device);
        var (anywhere, onCuda) = _overlaps.GetValueOrDefault(kind);
        return device.StartsWith("cuda", StringComparison.Ordinal) ? onCuda : anywhere;
    }

    /// <summary>The grain of an item.</summary>
    public static IItemGrain Grain(IGrainFactory grains, WorkItem item)
    {
        ArgumentNullException.ThrowIfNull(grains);
        ArgumentNullException.ThrowIfNull(item);
        return grains.GetGrain<IItemGrain>(GrainId.Create(item.Stage.Kind, item.Key));
    }
}
