// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using Teravox.Contracts;

namespace Teravox.Cli;

/// <summary>
/// For tests: TERAVOX_KILL_AT="name:n" kills this process, as kill -9 would, when the named fault point is reached for
/// the n-th time; "*:n" counts every point. Nothing is flushed and no handler runs.
/// </summary>
internal static class KillSwitch
{
    public static void Arm()
    {
        if (Environment.GetEnvironmentVariable("TERAVOX_KILL_AT") is not { Length: > 0 } setting)
            return;
        var at = setting.LastIndexOf(':');
        var (name, left) = (setting[..at], int.Parse(setting[(at + 1)..], CultureInfo.InvariantCulture));
        FaultPoints.OnPoint = point =>
        {
            if ((name == "*" || name == point) && Interlocked.Decrement(ref left) == 0)
                Process.GetCurrentProcess().Kill();
        };
    }
}
