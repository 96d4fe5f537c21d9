// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Work;

namespace Teravox.Grains;

/// <summary>Tells those who listen in this process what its grains and devices do.</summary>
public sealed class WorkEvents
{
    /// <summary>
    /// Raised for everything that happens, on the thread where it happens, so handlers must be quick, bear concurrent
    /// calls and never throw.
    /// </summary>
    public event Action<WorkEvent>? Happened;

    /// <summary>Tells what happened.</summary>
    public void Emit(WorkEvent what) => Happened?.Invoke(what);
}

/// <summary>Something that happened in this silo; see <see cref="WorkEvents.Happened"/>.</summary>
public abstract record WorkEvent;

/// <summary>A stage got its items.</summary>
public sealed record StagePlanned(long ExperimentId, string Stage, int Total) : WorkEvent;

/// <summary>A stage's last item is done, or it had none.</summary>
public sealed record StageDone(long ExperimentId, string Stage, int Total) : WorkEvent;

/// <summary>An item begins on a device.</summary>
public sealed record ItemStarted(long ExperimentId, string Stage, int Index, int Attempt, string Device) : WorkEvent;

/// <summary>An item reported how far it is; as often as its grain reports.</summary>
public sealed record ItemProgressed(long ExperimentId, string Stage, int Index, double Fraction, string? Note) : WorkEvent;

/// <summary>An item is done and stored; <paramref name="Done"/> of the stage's <paramref name="Total"/> items are by now.</summary>
public sealed record ItemDone(long ExperimentId, string Stage, int Index, int Done, int Total) : WorkEvent;

/// <summary>An item threw.</summary>
/// <param name="ExperimentId">Its experiment.</param>
/// <param name="Stage">Its stage.</param>
/// <param name="Index">Its number in the stage.</param>
/// <param name="Error">One sentence.</param>
/// <param name="Final">Whether a repeat is in vain.</param>
/// <param name="Trace">Where an exception that nobody expected came from; null when the input is at fault.</param>
public sealed record ItemFailed(long ExperimentId, string Stage, int Index, string Error, bool Final, string? Trace = null) : WorkEvent;

/// <summary>An item was stopped before its end and left nothing; another turn will run it unless it was cancelled.</summary>
public sealed record ItemStopped(long ExperimentId, string Stage, int Index, StopCause Cause) : WorkEvent;

/// <summary>It could not be said how many items a stage has.</summary>
/// <param name="ExperimentId">Its experiment.</param>
/// <param name="Stage">The stage.</param>
/// <param name="Error">One sentence.</param>
/// <param name="Final">Whether that failed the stage.</param>
/// <param name="Trace">Where an exception that nobody expected came from; null when the input is at fault.</param>
public sealed record PlanFailed(long ExperimentId, string Stage, string Error, bool Final, string? Trace = null) : WorkEvent;

/// <summary>The database or the cluster did not answer; the silo goes on trying.</summary>
public sealed record NoAnswer(string Message) : WorkEvent;

/// <summary>No silo can run a stage; or again one can, when <paramref name="Why"/> is null.</summary>
public sealed record StageBlocked(long ExperimentId, string Stage, string? Why) : WorkEvent;

/// <summary>An experiment ended, or runs again.</summary>
public sealed record ExperimentChanged(long ExperimentId, ExperimentState State) : WorkEvent;

/// <summary>Why an item's work was cancelled.</summary>
public enum StopCause
{
    /// <summary>It was not.</summary>
    None,

    /// <summary>The silo stops.</summary>
    Stopping,

    /// <summary>The experiment was cancelled.</summary>
    Cancelled,

    /// <summary>The item is another's by now.</summary>
    Superseded,

    /// <summary>No report got through for too long, so the item may be another's.</summary>
    Unheard,

    /// <summary>The database did not answer what the work asked of it; the item was given back.</summary>
    Unanswered,
}
