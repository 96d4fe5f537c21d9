// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace Teravox.Silo;

/// <summary>
/// When a lease stops being sure, by this process's monotonic clock: counted from the moment the request that gave or
/// extended it was sent, since the ledger's clock started somewhere between that and the answer. A slow answer
/// therefore never makes the holder believe in a lease for longer than it lasts.
/// </summary>
internal sealed class LeaseClock : IDisposable
{
    private readonly TimeSpan _trusted;
    private readonly Timer _timer;
    private long _sent;

    public LeaseClock(TimeSpan trusted, long sent, Action onExpired)
    {
        _trusted = trusted;
        _sent = sent;
        _timer = new Timer(_ => onExpired(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Extend(sent);
    }

    public static long Now => Stopwatch.GetTimestamp();

    /// <summary>Time for which the lease is sure; zero or less when it is not.</summary>
    public TimeSpan Left => _trusted - Stopwatch.GetElapsedTime(Volatile.Read(ref _sent));

    /// <summary>The request sent at <paramref name="sent"/> extended the lease.</summary>
    public void Extend(long sent)
    {
        Volatile.Write(ref _sent, sent);
        var left = Left;
        _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _timer.Dispose();
}
