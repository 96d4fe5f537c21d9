// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;

namespace Teravox.Grains;

/// <summary>
/// The logic of one kind of work item, with no engine in it: hosts activate it under a lease, run one turn, and
/// commit what it returns. A turn may run more than once (a death after its files were written, before its commit),
/// so whatever it writes outside the ledger is a pure function of the experiment and the index.
/// </summary>
public interface IWorkGrain
{
    /// <summary>The <see cref="NewStage.Kind"/> it runs.</summary>
    string Kind { get; }

    /// <summary>Runs the item to its end. Called on a thread of its own, so it may compute without ever awaiting.</summary>
    /// <exception cref="Contracts.InputException">The input is at fault: a repeat is in vain, the item is parked at once.</exception>
    /// <exception cref="OperationCanceledException">With <paramref name="ct"/>, when the host asked to stop or the lease was lost.</exception>
    Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct);
}

/// <summary>Says how many items a ready stage has; depends on the experiment alone, so any silo may ask.</summary>
public interface IStagePlanner
{
    /// <summary>Number of items, 0 or more.</summary>
    Task<int> CountItemsAsync(StageRow stage, CancellationToken ct);
}

/// <summary>What a turn may use.</summary>
/// <param name="Lease">The item.</param>
/// <param name="Device">"cpu", "cuda:0", ...</param>
/// <param name="Threads">Native threads it may use, 1 or more.</param>
/// <param name="Report">Stores progress with the next heartbeat; cheap, may be called often. With a new checkpoint it is sent at once.</param>
public sealed record WorkTurn(WorkLease Lease, string Device, int Threads, Action<WorkProgress> Report);
