// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace Teravox.Silo.Local;

/// <summary>Signals to processes of this machine.</summary>
public static partial class Signals
{
    /// <summary>Asks PostgreSQL to end its sessions and stop; Ctrl-C for others.</summary>
    public const int Interrupt = 2;

    /// <summary>Asks PostgreSQL to stop as in a crash.</summary>
    public const int Quit = 3;

    /// <summary>Ends a process at once.</summary>
    public const int Kill = 9;

    /// <summary>Asks a process to end.</summary>
    public const int Terminate = 15;

    /// <summary>Lets a stopped process go on.</summary>
    public const int Continue = 18;

    /// <summary>Stops a process where it is.</summary>
    public const int Stop = 19;

    /// <summary>Sends a signal; false when there is no such process, or it is another user's.</summary>
    public static bool Send(int pid, int signal) => KillCall(pid, signal) == 0;

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int KillCall(int pid, int signal);
}
