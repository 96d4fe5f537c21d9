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

    /// <summary>
    /// True when its items compute between <see cref="WorkTurn.EnterDeviceAsync"/> and its disposal alone, so that a device
    /// takes some of them at a time: one computes while others read and write. An item of a grain that says false has its
    /// device to itself from beginning to end.
    /// </summary>
    bool Overlaps => false;

    /// <summary>
    /// Runs the item to its end. Called on a thread of its own, to which its awaits come back, so it may compute and block
    /// without holding anyone up.
    /// </summary>
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
public sealed record WorkTurn(WorkLease Lease, string Device, int Threads, Action<WorkProgress> Report)
{
    /// <summary>Where the turns of its device meet; one of its own when it has none to meet.</summary>
    public DeviceGate Gate { get; init; } = new();

    /// <summary>Waits until no other turn computes on the device; dispose what comes back when the computing is done.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> ended the wait.</exception>
    public Task<IDisposable> EnterDeviceAsync(CancellationToken ct) => Gate.EnterAsync(ct);
}
