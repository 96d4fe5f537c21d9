// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.Metrics;

namespace Teravox.Grains.Telemetry;

/// <summary>
/// What this process did, counted since its start. Nobody needs to listen: an instrument without a listener costs next to nothing.
/// </summary>
public static class WorkMetrics
{
    /// <summary>Name of every meter of Teravox.</summary>
    public const string MeterName = "Teravox";

    private static readonly Meter Meter = new(MeterName);

    private static readonly Counter<long> Items = Meter.CreateCounter<long>("teravox.items", "{item}", "Items that ended on this silo, by kind and state: done, failed or stopped.");

    private static readonly Counter<long> VoxelCounter = Meter.CreateCounter<long>("teravox.voxels", "{voxel}", "Voxels that this silo computed, by kind; halos are not counted.");

    private static readonly Counter<long> StateWriteCounter = Meter.CreateCounter<long>("teravox.state.writes", "{write}", "States of grains that this silo stored, by type of grain.");

    private static readonly Counter<long> CatalogWriteCounter = Meter.CreateCounter<long>("teravox.catalog.writes", "{write}", "Transactions that this silo committed to the catalog's tables, by operation.");

    /// <summary>An item is done and stored.</summary>
    public static void ItemDone(string kind) => Ended(kind, "done");

    /// <summary>An item threw, or its result did not fit its stage.</summary>
    public static void ItemFailed(string kind) => Ended(kind, "failed");

    /// <summary>An item was stopped before its end and left nothing.</summary>
    public static void ItemStopped(string kind) => Ended(kind, "stopped");

    /// <summary>So many voxels were computed; a tile that was only read back brings none.</summary>
    public static void Voxels(string kind, long voxels) => VoxelCounter.Add(voxels, new KeyValuePair<string, object?>("kind", kind));

    /// <summary>The state of a grain of this type was stored.</summary>
    public static void StateWritten(string grainType) => StateWriteCounter.Add(1, new KeyValuePair<string, object?>("type", grainType));

    /// <summary>A transaction of this name was committed.</summary>
    public static void CatalogWritten(string operation) => CatalogWriteCounter.Add(1, new KeyValuePair<string, object?>("operation", operation));

    private static void Ended(string kind, string state) =>
        Items.Add(1, new KeyValuePair<string, object?>("kind", kind), new KeyValuePair<string, object?>("state", state));
}
