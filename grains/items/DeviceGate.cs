// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Threading.Channels;

namespace Teravox.Grains;

/// <summary>
/// Lets one turn at a time give a device its work. Turns whose reads and writes overlap meet here, in the order they came:
/// the network has the device's memory and all of its threads. A GPU goes on with a turn's work after the turn has left.
/// </summary>
public sealed class DeviceGate
{
    // A full channel makes its writers queue; unlike a semaphore it has nothing to dispose.
    private readonly Channel<bool> _inside = Channel.CreateBounded<bool>(1);
    private readonly Lock _lock = new();
    private int _computing;
    private long _since;
    private TimeSpan _computed;

    /// <summary>How long turns have computed on the device so far.</summary>
    public TimeSpan Computed
    {
        get
        {
            lock (_lock)
                return _computed + (_computing > 0 ? Stopwatch.GetElapsedTime(_since) : TimeSpan.Zero);
        }
    }

    /// <summary>Waits for the device; dispose what comes back to let the next one in.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> ended the wait.</exception>
    public async Task<IDisposable> EnterAsync(CancellationToken ct)
    {
        await _inside.Writer.WriteAsync(true, ct);
        return new Stay(_inside.Reader, Compute());
    }

    /// <summary>Counts the time until the disposal as computed: for a turn that has the device to itself, or whose work the device still has.</summary>
    public IDisposable Compute()
    {
        lock (_lock)
        {
            if (_computing++ == 0)
                _since = Stopwatch.GetTimestamp();
        }

        return new Computation(this);
    }

    private void End()
    {
        lock (_lock)
        {
            if (--_computing == 0)
                _computed += Stopwatch.GetElapsedTime(_since);
        }
    }

    private sealed class Computation(DeviceGate gate) : IDisposable
    {
        private DeviceGate? _gate = gate;

        public void Dispose() => Interlocked.Exchange(ref _gate, null)?.End();
    }

    private sealed class Stay(ChannelReader<bool> inside, IDisposable computation) : IDisposable
    {
        private ChannelReader<bool>? _inside = inside;

        public void Dispose()
        {
            computation.Dispose();
            Interlocked.Exchange(ref _inside, null)?.TryRead(out _);
        }
    }
}
