// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains;

namespace Teravox.Silo;

/// <summary>What runs on a device: items that overlap, up to its slots, or one item that has it to itself.</summary>
internal sealed class DeviceSlots(SiloDevice device)
{
    private readonly Lock _lock = new();
    private int _overlapping;
    private bool _whole;

    public SiloDevice Device => device;

    /// <summary>Where its overlapping items take turns at computing.</summary>
    public DeviceGate Gate { get; } = new();

    /// <summary>True when nothing runs on it.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_lock)
            {
                return !_whole && _overlapping == 0;
            }
        }
    }

    /// <summary>Overlapping items that it has room for; none beside one that has it to itself.</summary>
    public int Room
    {
        get
        {
            lock (_lock)
            {
                return _whole ? 0 : device.Slots - _overlapping;
            }
        }
    }

    public void Take(bool overlaps)
    {
        lock (_lock)
        {
            _whole |= !overlaps;
            _overlapping += overlaps ? 1 : 0;
        }
    }

    public void Free(bool overlaps)
    {
        lock (_lock)
        {
            _whole &= overlaps;
            _overlapping -= overlaps ? 1 : 0;
        }
    }
}
