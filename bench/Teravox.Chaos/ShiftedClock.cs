// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace Teravox.Chaos;

/// <summary>A wall clock that is wrong for one process: libfaketime. The monotonic clock goes on as it is.</summary>
internal static class ShiftedClock
{
    /// <summary>The library, or null where it is not installed.</summary>
    public static string? Library { get; } = Directory.Exists("/usr/lib")
        ? Directory.GetDirectories("/usr/lib").Select(d => Path.Combine(d, "faketime", "libfaketimeMT.so.1")).FirstOrDefault(File.Exists)
        : null;

    /// <summary>The environment of a process whose wall clock is off by so much.</summary>
    public static Dictionary<string, string> Environment(TimeSpan shift) => new(StringComparer.Ordinal)
    {
        ["LD_PRELOAD"] = Library!,
        ["FAKETIME"] = ((long)shift.TotalSeconds).ToString("+0;-0", CultureInfo.InvariantCulture),
        ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
    };

    /// <summary>Removes what the library of a killed process left in shared memory.</summary>
    public static void Clear(int pid)
    {
        foreach (var name in (string[])["faketime_shm_", "sem.faketime_sem_"])
            File.Delete(string.Create(CultureInfo.InvariantCulture, $"/dev/shm/{name}{pid}"));
    }
}
