// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Teravox.Grains;

namespace Teravox.Silo.Devices;

/// <summary>
/// A device: its items wait here for their turns, in the order they came. Up to its slots of them run at a time, or one that has it
/// to itself.
/// </summary>
internal sealed class DeviceQueue(Device device, TimeSpan ahead)
{
    private const int MostAhead = 256;
    private readonly Lock _lock = new();
    private readonly LinkedList<(bool Alone, TaskCompletionSource<bool> Turn)> _line = [];
    private int _running;
    private bool _alone;
    private int _held;
    private int _ended;
    private double _perSecond;
    private long _measured = Stopwatch.GetTimestamp();
    private TaskCompletionSource _changed = New();

    public Device Device => device;

    /// <summary>Where its overlapping items take turns at computing.</summary>
    public DeviceGate Gate { get; } = new();

    /// <summary>Items that run, and items that wait for their turns.</summary>
    public (int Running, int Waiting) Length
    {
        get
        {
            lock (_lock)
                return (_running, Math.Max(0, _held - _running));
        }
    }

    /// <summary>Completes when an item has left.</summary>
    public Task Changed
    {
        get
        {
            lock (_lock)
                return _changed.Task;
        }
    }

    /// <summary>Whether it has nothing at all, and the items that it has room for.</summary>
    public (bool IsIdle, int Room) Look()
    {
        lock (_lock)
        {
            var seconds = Stopwatch.GetElapsedTime(_measured).TotalSeconds;
            if (seconds > 0.1)
            {
                _perSecond = (_perSecond + (_ended / seconds)) / 2;
                (_ended, _measured) = (0, Stopwatch.GetTimestamp());
            }

            var target = device.Slots + (int)Math.Min(MostAhead, Math.Ceiling(_perSecond * ahead.TotalSeconds));
            return (_held == 0, _alone || _line.Any(w => w.Alone) ? 0 : Math.Max(0, target - _held));
        }
    }

    /// <summary>An item has come.</summary>
    public void Take()
    {
        lock (_lock)
            _held++;
    }

    /// <summary>An item is gone for good.</summary>
    public void Free()
    {
        lock (_lock)
        {
            _held--;
            Signal();
        }
    }

    /// <summary>Waits for an item's turn; false when it was stopped before.</summary>
    public async Task<bool> EnterAsync(bool alone, CancellationToken stop)
    {
        if (stop.IsCancellationRequested)
            return false;
        var turn = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        LinkedListNode<(bool, TaskCompletionSource<bool>)> place;
        lock (_lock)
        {
            place = _line.AddLast((alone, turn));
            Seat();
        }

        await using var stopped = stop.Register(() =>
        {
            lock (_lock)
            {
                if (!turn.TrySetResult(false))
                    return;
                _line.Remove(place);
                Seat();
            }
        });
        return await turn.Task;
    }

    /// <summary>An item's turn is over.</summary>
    public void Leave(bool alone)
    {
        lock (_lock)
        {
            _running--;
            _alone &= !alone;
            _ended++;
            Seat();
            Signal();
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Signal()
    {
        _changed.TrySetResult();
        _changed = New();
    }

    // One that needs the device to itself waits until it is empty, and keeps those behind it waiting.
    private void Seat()
    {
        while (_line.First is { Value: var (alone, turn) } && !_alone && (alone ? _running == 0 : _running < device.Slots))
        {
            _line.RemoveFirst();
            if (!turn.TrySetResult(true))
                continue;
            _running++;
            _alone = alone;
        }
    }
}
