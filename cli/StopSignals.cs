// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace Teravox.Cli;

/// <summary>
/// Ctrl-C and SIGTERM for what works until it is told to stop: the first begins the stop, the second ends its grace period.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    /// <summary>How long after its parent's death a child may still take to give its work back.</summary>
    private static readonly TimeSpan OrphansPatience = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _stopNow = new();
    private readonly PosixSignalRegistration[] _registrations;

    public StopSignals() => _registrations = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(signal => PosixSignalRegistration.Create(signal, On))];

    /// <summary>Stop when what runs has ended.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>Stop now.</summary>
    public CancellationToken StopNow => _stopNow.Token;

    /// <summary>Stops at once when standard input ends: whoever holds its other end has died, and its children go with it.</summary>
    public void FollowStandardInput()
    {
        var input = Console.OpenStandardInput();
        new Thread(() =>
        {
            var bytes = new byte[256];
            while (input.Read(bytes) > 0)
            {
                // What comes means nothing; that it ends does.
            }

            _stop.Cancel();
            _stopNow.Cancel();
            Thread.Sleep(OrphansPatience);
            Environment.Exit(Guarded.Stopped);
        })
        { IsBackground = true, Name = "standard input" }.Start();
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
    }

    private void On(PosixSignalContext context)
    {
        context.Cancel = true;
        if (_stop.IsCancellationRequested)
            _ = _stopNow.CancelAsync();
        else
            _ = _stop.CancelAsync();
    }
}
