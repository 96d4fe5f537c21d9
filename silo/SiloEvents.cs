// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Silo;

/// <summary>Something that happened in this silo; see <see cref="SiloHost.Happened"/>.</summary>
public abstract record SiloEvent;

/// <summary>A stage got its items.</summary>
public sealed record StageExpanded(long ExperimentId, string Stage, int Total) : SiloEvent;

/// <summary>This silo committed a stage's last item, or the stage had none.</summary>
public sealed record StageDone(long ExperimentId, string Stage, int Total) : SiloEvent;

/// <summary>An item begins its turn.</summary>
public sealed record ItemStarted(long ExperimentId, string Stage, int Index, int Attempt, string Device) : SiloEvent;

/// <summary>An item reported how far it is; as often as its grain reports.</summary>
public sealed record ItemProgressed(long ExperimentId, string Stage, int Index, double Fraction, string? Note) : SiloEvent;

/// <summary>An item is done; <paramref name="Done"/> of the stage's <paramref name="Total"/> items are by now.</summary>
public sealed record ItemCommitted(long ExperimentId, string Stage, int Index, int Done, int Total) : SiloEvent;

/// <summary>An item threw.</summary>
/// <param name="ExperimentId">Its experiment.</param>
/// <param name="Stage">Its stage.</param>
/// <param name="Index">Its number in the stage.</param>
/// <param name="Error">One sentence.</param>
/// <param name="Final">Whether a repeat is in vain.</param>
/// <param name="Trace">Where an exception that nobody expected came from; null when the input is at fault.</param>
public sealed record ItemFailed(long ExperimentId, string Stage, int Index, string Error, bool Final, string? Trace = null) : SiloEvent;

/// <summary>An item was stopped before its end and left nothing; another turn will run it unless it was cancelled.</summary>
public sealed record ItemStopped(long ExperimentId, string Stage, int Index, StopCause Cause) : SiloEvent;

/// <summary>The planner could not say how many items a stage has.</summary>
/// <param name="ExperimentId">Its experiment.</param>
/// <param name="Stage">The stage.</param>
/// <param name="Error">One sentence.</param>
/// <param name="Final">Whether that failed the stage.</param>
/// <param name="Trace">Where an exception that nobody expected came from; null when the input is at fault.</param>
public sealed record PlanFailed(long ExperimentId, string Stage, string Error, bool Final, string? Trace = null) : SiloEvent;

/// <summary>The ledger did not answer; the silo goes on trying.</summary>
public sealed record LedgerSilent(string Message) : SiloEvent;

/// <summary>No silo can run a stage, as far as this one knows; or again one can, when <paramref name="Why"/> is null.</summary>
public sealed record StageBlocked(long ExperimentId, string Stage, string? Why) : SiloEvent;

/// <summary>Why an item's work was cancelled.</summary>
public enum StopCause
{
    /// <summary>It was not.</summary>
    None,

    /// <summary>The silo stops.</summary>
    Stopping,

    /// <summary>The experiment was cancelled.</summary>
    Cancelled,

    /// <summary>The ledger says that the lease is another's.</summary>
    LeaseLost,

    /// <summary>No heartbeat got through in time, so the lease may be another's.</summary>
    LeaseExpired,

    /// <summary>The ledger did not answer what the work asked of it; the item was given back.</summary>
    LedgerSilent,
}
