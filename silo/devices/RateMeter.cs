// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace Teravox.Silo.Devices;

/// <summary>Counts what happens, and how much of it in the last minute.</summary>
internal sealed class RateMeter
{
    private const int Seconds = 60;
    private readonly Lock _lock = new();
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly int[] _counts = new int[Seconds];
    private long _second;

    /// <summary>All since the start.</summary>
    public long Total { get; private set; }

    /// <summary>Per second over the last minute, or since the start when that is later.</summary>
    public double PerSecond
    {
        get
        {
            lock (_lock)
            {
                Advance();
                var elapsed = Stopwatch.GetElapsedTime(_start).TotalSeconds;

                // The current second has only begun: its share counts as far as it went.
                return _counts.Sum() / Math.Max(1, Math.Min(elapsed, Seconds - 1 + (elapsed % 1)));
            }
        }
    }

    public void Add()
    {
        lock (_lock)
        {
            Advance();
            _counts[_second % Seconds]++;
            Total++;
        }
    }

    private void Advance()
    {
        var now = (long)Stopwatch.GetElapsedTime(_start).TotalSeconds;
        for (var second = Math.Max(_second + 1, now - Seconds + 1); second <= now; second++)
        {
            _counts[second % Seconds] = 0;
        }

        _second = now;
    }
}
