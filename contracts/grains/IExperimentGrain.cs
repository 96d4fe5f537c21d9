// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Work;

namespace Teravox.Contracts.Grains;

/// <summary>
/// An experiment; its key is its number in the catalog. It owns the graph of stages: plans those that are ready, offers them to
/// the scheduler, and adds up what their ranges bring. A repeat of any call changes nothing more.
/// </summary>
public interface IExperimentGrain : IGrainWithStringKey
{
    /// <summary>Begins what the catalog says, or goes on with it: offers the stages that run to the scheduler.</summary>
    Task StartAsync();

    /// <summary>Nothing more is handed out; what runs may end. False when it was not running.</summary>
    Task<bool> PauseAsync();

    /// <summary>Undoes a pause. False when it was not paused.</summary>
    Task<bool> ResumeAsync();

    /// <summary>Ends it as cancelled; what runs is stopped. False when it had ended.</summary>
    Task<bool> CancelAsync();

    /// <summary>
    /// Parked items get fresh counts and the experiment runs again. Returns how many items and unplanned stages that were; 0 when the
    /// experiment is not failed.
    /// </summary>
    Task<int> RetryAsync();

    /// <summary>How far it is; null when there is no such experiment.</summary>
    Task<ExperimentStatus?> DescribeAsync();

    /// <summary>Its state; null when there is no such experiment. Waits for its end for at most <paramref name="atMost"/>.</summary>
    Task<ExperimentState?> WaitForEndAsync(TimeSpan atMost);

    /// <summary>What the items of a stage have summed so far; null when there is no such stage.</summary>
    Task<StageSums?> SumsAsync(string stage);

    /// <summary>Results of the stage's done items by index; items without a result are left out.</summary>
    Task<Dictionary<int, string>> ResultsAsync(string stage);

    /// <summary>A range tells how far it is.</summary>
    Task<RangeAnswer> RangeChangedAsync(RangeReport report);

    /// <summary>No silo can run the stage, or with null that one can again.</summary>
    Task BlockAsync(string stage, string? why);
}

/// <summary>How far a range is.</summary>
/// <param name="Stage">Name of its stage.</param>
/// <param name="Range">Its number in the stage.</param>
/// <param name="Done">Items done.</param>
/// <param name="HandedOut">Items that silos have.</param>
/// <param name="Running">Those items with their progress, at most 100.</param>
/// <param name="Parked">Items that are parked.</param>
/// <param name="Sums">When all items are done: their sums, packed by <see cref="SumCodec"/>. Null until then.</param>
[GenerateSerializer]
[Immutable]
public sealed record RangeReport(string Stage, int Range, int Done, int HandedOut, RunningItem[] Running, FailedItem[] Parked, Dictionary<string, byte[]>? Sums);

/// <summary>An experiment's answer to a range.</summary>
/// <param name="DoneElsewhere">Items of the stage that are done in other ranges.</param>
[GenerateSerializer]
[Immutable]
public sealed record RangeAnswer(int DoneElsewhere);
