// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;

namespace Teravox.Bench;

/// <summary>The machine, and who used its cores: read from /proc.</summary>
internal static class Machine
{
    private const double TicksPerSecond = 100;

    /// <summary>"2 cores, 24 GiB, Linux".</summary>
    public static string Describe()
    {
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1 << 30);
        return string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} cores, {memory:F0} GiB, .NET {Environment.Version}");
    }

    /// <summary>Seconds of CPU that a process, its children and those of them that ended have used.</summary>
    public static double CpuSeconds(int pid)
    {
        var all = Stats();
        return all.TryGetValue(pid, out var root)
            ? (root.Own + root.Reaped + all.Values.Where(s => s.Parent == pid).Sum(s => s.Own)) / TicksPerSecond
            : 0;
    }

    /// <summary>Seconds of CPU that the processes of this name have used; those that ended are not counted.</summary>
    public static double CpuSecondsOf(string name) => Stats().Values.Where(s => s.Name == name).Sum(s => s.Own) / TicksPerSecond;

    /// <summary>Seconds of CPU that everything on the machine has used.</summary>
    public static double BusySeconds()
    {
        // user nice system idle iowait irq softirq steal
        var ticks = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..9]
            .Select(t => double.Parse(t, CultureInfo.InvariantCulture)).ToArray();
        return (ticks.Sum() - ticks[3] - ticks[4]) / TicksPerSecond;
    }

    /// <summary>Resident memory of a process in MiB, and the part of it that no other process could share.</summary>
    public static (double Resident, double Private) MemoryMiB(int pid)
    {
        var fields = File.ReadLines($"/proc/{pid}/smaps_rollup")
            .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(f => f is [_, _, "kB"])
            .ToDictionary(f => f[0], f => double.Parse(f[1], CultureInfo.InvariantCulture) / 1024);
        return (fields["Rss:"], fields["Private_Clean:"] + fields["Private_Dirty:"]);
    }

    private static Dictionary<int, (string Name, int Parent, double Own, double Reaped)> Stats()
    {
        var stats = new Dictionary<int, (string, int, double, double)>();
        foreach (var process in Process.GetProcesses())
        {
            using (process)
            {
                try
                {
                    // The name stands in parentheses and may hold spaces.
                    var line = File.ReadAllText($"/proc/{process.Id}/stat");
                    var fields = line[(line.LastIndexOf(')') + 2)..].Split(' ');
                    var ticks = fields[11..15].Select(t => double.Parse(t, CultureInfo.InvariantCulture)).ToArray();
                    stats[process.Id] = (line[(line.IndexOf('(') + 1)..line.LastIndexOf(')')], int.Parse(fields[1], CultureInfo.InvariantCulture), ticks[0] + ticks[1], ticks[2] + ticks[3]);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // It ended meanwhile; its parent has its time.
                }
            }
        }

        return stats;
    }
}
