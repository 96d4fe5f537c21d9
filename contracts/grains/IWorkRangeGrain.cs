// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Work;

namespace Teravox.Contracts.Grains;

/// <summary>
/// Some hundred items of a stage, "12/infer-multiclass/3": which are done, their sums, failures and deaths. One write sets an
/// item's bit and adds its sums, so whatever is called twice or by two changes nothing more.
/// </summary>
public interface IWorkRangeGrain : IGrainWithStringKey
{
    /// <summary>Hands items out: they are in the state as handed out before they are returned.</summary>
    /// <param name="stage">The stage; the first call makes the range.</param>
    /// <param name="request">Who asks for how many.</param>
    Task<HandOut> TakeAsync(StagePlan stage, TakeRequest request);

    /// <summary>Reports of a silo's items; answers in their order, when what they say is stored.</summary>
    /// <param name="silo">Name of the silo, new for every process.</param>
    /// <param name="reports">The reports.</param>
    Task<ReportAnswer[]> ReportAsync(string silo, ItemReport[] reports);

    /// <summary>Puts back what dead silos had. The range makes itself known to its experiment again.</summary>
    Task<RangeStatus> CheckAsync(StagePlan stage);

    /// <summary>Parked items get fresh counts; returns how many there were.</summary>
    Task<int> RetryAsync();

    /// <summary>Results of its done items by index in the stage.</summary>
    Task<Dictionary<int, string>> ResultsAsync();

    /// <summary>What its done items have summed so far, packed by <see cref="SumCodec"/>.</summary>
    Task<Dictionary<string, byte[]>> SumsAsync();
}

/// <summary>Asks a range for items.</summary>
/// <param name="Silo">Name of the silo, new for every process.</param>
/// <param name="Most">Most items, 1 or more.</param>
/// <param name="Alone">True for items that have a device to themselves.</param>
/// <param name="IsIdle">Whether the device has nothing else: only then it gets an item that its silo died of twice.</param>
[GenerateSerializer]
[Immutable]
public sealed record TakeRequest(string Silo, int Most, bool Alone, bool IsIdle);

/// <summary>Items that were handed out.</summary>
/// <param name="Items">The items, by index.</param>
/// <param name="Status">How the range is now.</param>
[GenerateSerializer]
[Immutable]
public sealed record HandOut(WorkItem[] Items, RangeStatus Status);

/// <summary>How a range is.</summary>
/// <param name="Waiting">Items that can be handed out now.</param>
/// <param name="NextInMs">Milliseconds until an item that is put off can be handed out; -1 when there is none.</param>
/// <param name="IsComplete">Whether all items are done.</param>
[GenerateSerializer]
[Immutable]
public sealed record RangeStatus(int Waiting, long NextInMs, bool IsComplete);
