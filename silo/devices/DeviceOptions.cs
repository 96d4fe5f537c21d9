// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using Teravox.Contracts.Api;
using Teravox.Contracts.Grains;
using Teravox.Grains;

namespace Teravox.Silo.Devices;

/// <summary>A device of a silo and how it is shared out.</summary>
/// <param name="Name">"cpu", "cuda:0", ...</param>
/// <param name="Slots">
/// Overlapping items that run on it at a time, 1 or more; <see cref="OverlapSlots"/> keep it computing. An item of another
/// kind has it to itself.
/// </param>
/// <param name="Threads">Native threads of the item that computes, 1 or more.</param>
/// <param name="MemoryBytes">Memory of the device, bytes; 0 = not known.</param>
public sealed record Device(string Name, int Slots, int Threads, long MemoryBytes = 0)
{
    /// <summary>Slots of a device that shall not wait for files: one item reads, one computes, one writes.</summary>
    public const int OverlapSlots = 3;

    internal DeviceInfo Info => new(Name, Slots, Threads, MemoryBytes);
}

/// <summary>Settings of a silo's work.</summary>
/// <param name="Name">Name of the silo; differs between any two processes, past ones too, see <see cref="NewName"/>.</param>
/// <param name="Devices">What it runs items on, one or more.</param>
public sealed record DeviceOptions(string Name, IReadOnlyList<Device> Devices)
{
    /// <summary>How long a stopping silo lets running items end before it cancels them. Default 10 s.</summary>
    public TimeSpan GracePeriod { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The silo's tags "k=v" for stages that ask for one.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Longest time between two reports of an item that runs. Default 1 s.</summary>
    public TimeSpan ReportEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>An item whose reports nobody has answered for so long stops: another may have it. Default 30 s.</summary>
    public TimeSpan StopUnheardAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How much work a device has waiting for it beyond what it runs, as time: enough that it never waits for the scheduler, and that
    /// many small items share a write. Default 500 ms.
    /// </summary>
    public TimeSpan Ahead { get; init; } = TimeSpan.FromMilliseconds(500);

    private static string Version =>
        typeof(DeviceOptions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    /// <summary>Machine, process id and a random part.</summary>
    public static string NewName() => $"{Environment.MachineName}-{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..6]}";

    /// <summary>What a silo of these settings says of itself when it joins.</summary>
    /// <param name="url">Where its HTTP API listens, or null.</param>
    /// <param name="kinds">The kinds that it has grains for.</param>
    public SiloEntry Entry(string? url, WorkKinds kinds)
    {
        ArgumentNullException.ThrowIfNull(kinds);
        return new(Name, url, Environment.MachineName, Version, [.. Devices.Select(device => device.Info)], [.. Tags], kinds.Names);
    }
}
