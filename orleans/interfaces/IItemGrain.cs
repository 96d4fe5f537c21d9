// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;

namespace Teravox.Orleans;

/// <summary>A work item as a grain: its key is "experiment/stage/index", it is activated where a device fits it.</summary>
public interface IItemGrain : IGrainWithStringKey
{
    /// <summary>
    /// Takes the item's turn: waits for a place on a device of its silo, claims the item in the ledger, runs and commits it, and
    /// then tells the experiment. Returns at once; asked again meanwhile, it does nothing new.
    /// </summary>
    /// <returns>The silo where it is.</returns>
    Task<SiloAddress> BeginAsync(ItemTicket ticket);
}

/// <summary>A tile: items of a grain whose items overlap on a device.</summary>
public interface ITileGrain : IItemGrain;

/// <summary>A volume, or a part of one, that is brought in, degraded, enlarged or made coarser.</summary>
public interface IVolumeGrain : IItemGrain;

/// <summary>A step that an experiment takes once for each network or prediction: a training, thresholds, the report.</summary>
public interface IStepGrain : IItemGrain;

/// <summary>What an item's grain needs to know before it has a lease.</summary>
/// <param name="ExperimentId">Its experiment.</param>
/// <param name="StageId">Its stage.</param>
/// <param name="StageName">Name of the stage.</param>
/// <param name="Kind">Which grain of <c>grains/</c> runs it.</param>
/// <param name="Index">Its number in the stage.</param>
/// <param name="Priority">Its experiment's: lower is run first.</param>
/// <param name="Needs">What it needs of a silo.</param>
[GenerateSerializer]
[Immutable]
public sealed record ItemTicket(
    [property: Id(0)] long ExperimentId,
    [property: Id(1)] long StageId,
    [property: Id(2)] string StageName,
    [property: Id(3)] string Kind,
    [property: Id(4)] int Index,
    [property: Id(5)] int Priority,
    [property: Id(6)] WorkNeeds Needs)
{
    /// <summary>The item's place in the ledger.</summary>
    public ItemPlace Place => new(StageId, Index);

    /// <summary>The key of its grain.</summary>
    public string Key => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{ExperimentId}/{StageName}/{Index}");
}

/// <summary>How an item's turn ended.</summary>
public enum ItemOutcome
{
    /// <summary>It is committed.</summary>
    Committed,

    /// <summary>It failed, was cancelled or lost its lease: the ledger knows what is next.</summary>
    Ended,

    /// <summary>The ledger did not give it out: another has it, or it is not to be run now.</summary>
    Gone,

    /// <summary>The ledger did not answer.</summary>
    NotNow,

    /// <summary>The silo takes no more items: it stops.</summary>
    Closed,
}
