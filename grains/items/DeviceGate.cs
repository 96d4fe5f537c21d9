// SPDX-License-Identifier: Apache-2.0
using System.Threading.Channels;

namespace Teravox.Grains;

/// <summary>
/// Lets one turn at a time compute on a device. Turns whose reads and writes overlap meet here, in the order they came:
/// the network has the device's memory and all of its threads.
/// </summary>
public sealed class DeviceGate
{
    // A full channel makes its writers queue; unlike a semaphore it has nothing to dispose.
    private readonly Channel<bool> _inside = Channel.CreateBounded<bool>(1);

    /// <summary>Waits for the device; dispose what comes back to let the next one in.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> ended the wait.</exception>
    public async Task<IDisposable> EnterAsync(CancellationToken ct)
    {
        await _inside.Writer.WriteAsync(true, ct);
        return new Stay(_inside.Reader);
    }

    private sealed class Stay(ChannelReader<bool> inside) : IDisposable
    {
        private ChannelReader<bool>? _inside = inside;

        public void Dispose() => Interlocked.Exchange(ref _inside, null)?.TryRead(out _);
    }
}
