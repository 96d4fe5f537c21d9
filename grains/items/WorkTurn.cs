// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Diagnostics;
using Teravox.Contracts.Work;

namespace Teravox.Grains;

/// <summary>What an item may use while it runs.</summary>
/// <param name="Item">The item.</param>
/// <param name="Device">"cpu", "cuda:0", ...</param>
/// <param name="Threads">Native threads it may use, 1 or more.</param>
/// <param name="Report">Tells how far it is; cheap, may be called often.</param>
/// <param name="Stop">Asks it to stop.</param>
public sealed record WorkTurn(WorkItem Item, string Device, int Threads, Action<WorkProgress> Report, CancellationToken Stop)
{
    /// <summary>Where the turns of its device meet; one of its own when it has none to meet.</summary>
    public DeviceGate Gate { get; init; } = new();

    /// <summary>The item's span, which its steps lie under; null when it is not traced.</summary>
    public Activity? Span { get; init; }

    /// <summary>Waits until no other turn computes on the device; dispose what comes back when the computing is done.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> ended the wait.</exception>
    public Task<IDisposable> EnterDeviceAsync(CancellationToken ct) => Gate.EnterAsync(ct);
}

/// <summary>
/// The turns that the devices of this process have given. A grain call carries values only; here an item's grain, which is
/// activated in the process of its device, finds the device.
/// </summary>
public sealed class RunningWork
{
    private readonly ConcurrentDictionary<(string Key, int Attempt), WorkTurn> _turns = [];

    /// <summary>Enters a turn; it leaves with the disposal.</summary>
    public IDisposable Enter(WorkTurn turn)
    {
        ArgumentNullException.ThrowIfNull(turn);
        _turns[(turn.Item.Key, turn.Item.Attempt)] = turn;
        return new Entry(this, turn.Item);
    }

    /// <summary>The item's turn, or null when no device of this process has it.</summary>
    public WorkTurn? Find(WorkItem item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return _turns.GetValueOrDefault((item.Key, item.Attempt));
    }

    private sealed class Entry(RunningWork work, WorkItem item) : IDisposable
    {
        public void Dispose() => work._turns.TryRemove((item.Key, item.Attempt), out _);
    }
}

/// <summary>Says how many items a ready stage has; depends on the experiment alone, so any silo may ask.</summary>
public interface IStagePlanner
{
    /// <summary>Number of items, 0 or more.</summary>
    /// <exception cref="Contracts.InputException">The experiment's input is at fault: a repeat is in vain.</exception>
    Task<int> CountItemsAsync(long experiment, NewStage stage, CancellationToken ct);
}
