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
    // So many, that a database which is away for a while does not stop the device at once, and does not fill the memory.
    private const int MostAhead = 256, MostHeld = 2048;
    private readonly Lock _lock = new();
    private readonly LinkedList<(bool Alone, TaskCompletionSource<bool> Turn)> _line = [];
    private int _running;
    private bool _alone;
    private int _here;
    private int _held;
    private int _ended;
    private double _perSecond;
    private long _measured = Stopwatch.GetTimestamp();
    private TaskCompletionSource _wanting = New();
    private TaskCompletionSource _emptied = New();

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

    /// <summary>Completes when an item has left and there is room.</summary>
    public Task Wanting
    {
        get
        {
            lock (_lock)
                return _wanting.Task;
        }
    }

    /// <summary>Completes when the last item has left.</summary>
    public Task Emptied
    {
        get
        {
            lock (_lock)
                return _emptied.Task;
        }
    }

    /// <summary>
    /// Whether it has nothing at all, reports that are not answered included, and the items that it has room for. It has none before
    /// most of what it had waiting is used up: so many small items are handed out by one write.
    /// </summary>
    public (bool IsIdle, int Room) Look()
    {
        lock (_lock)
        {
            return (_held == 0, Room());
        }
    }

    /// <summary>An item has come.</summary>
    public void Take()
    {
        lock (_lock)
        {
            _held++;
            _here++;
        }
    }

    /// <summary>An item's last report is answered.</summary>
    public void Free()
    {
        lock (_lock)
        {
            _held--;
            Signal();
            if (_held > 0)
                return;
            _emptied.TrySetResult();
            _emptied = New();
        }
    }

    /// <summary>Waits for an item's turn; false when it was stopped before.</summary>
    public async Task<bool> EnterAsync(bool alone, CancellationToken stop)
    {
        if (stop.IsCancellationRequested)
        {
            lock (_lock)
                GoUnbegun();
            return false;
        }

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
                GoUnbegun();
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
            _here--;
            _alone &= !alone;
            _ended++;
            Seat();
            Signal();
        }
    }

    private void GoUnbegun()
    {
        _here--;
        Signal();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private int Room()
    {
        var seconds = Stopwatch.GetElapsedTime(_measured).TotalSeconds;
        if (seconds > 0.1)
        {
            _perSecond = (_perSecond + (_ended / seconds)) / 2;
            (_ended, _measured) = (0, Stopwatch.GetTimestamp());
        }

        // Where items are small there is more ahead: a second's worth of them costs one write, as half a second's does.
        var waiting = (int)Math.Min(MostAhead, _perSecond * ahead.TotalSeconds * Math.Clamp(_perSecond / 50, 1, 2));
        return _here > device.Slots + (waiting / 4) || _alone || _line.Any(w => w.Alone) ? 0 : Math.Clamp(device.Slots + waiting - _here, 0, MostHeld - Math.Min(MostHeld, _held));
    }

    private void Signal()
    {
        if (_held > 0 && Room() == 0)
            return;
        _wanting.TrySetResult();
        _wanting = New();
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
