// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts;
using Teravox.Silo.Local;

namespace Teravox.Cli;

/// <summary>
/// For tests: TERAVOX_KILL_AT="name:n" kills this process, as kill -9 would, when the named fault point is reached for
/// the n-th time; "*:n" counts every point. Nothing is flushed and no handler runs. TERAVOX_STOP_AT stops it there
/// instead, as SIGSTOP would: with every thread, until SIGCONT. It says so on standard error first, so that whoever wants
/// to kill it from outside at that very place has an event to wait for.
/// </summary>
internal static class KillSwitch
{
    public static void Arm()
    {
        Arm("TERAVOX_KILL_AT", Signals.Kill);
        Arm("TERAVOX_STOP_AT", Signals.Stop);
    }

    private static void Arm(string variable, int signal)
    {
        if (Environment.GetEnvironmentVariable(variable) is not { Length: > 0 } setting)
            return;
        var at = setting.LastIndexOf(':');
        var (name, left) = (setting[..at], int.Parse(setting[(at + 1)..], CultureInfo.InvariantCulture));
        FaultPoints.OnPoint += point =>
        {
            if ((name != "*" && name != point) || Interlocked.Decrement(ref left) != 0)
                return;
            if (signal == Signals.Stop)
                Console.Error.WriteLine("stopped at " + point);
            Signals.Send(Environment.ProcessId, signal);
        };
    }
}
