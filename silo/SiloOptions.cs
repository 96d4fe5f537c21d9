// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using Teravox.Contracts.Api;
using Teravox.Grains.Ledger;

namespace Teravox.Silo;

/// <summary>A device of a silo and how it is shared out.</summary>
/// <param name="Name">"cpu", "cuda:0", ...</param>
/// <param name="Slots">
/// Overlapping items in flight on it at a time, 1 or more; <see cref="OverlapSlots"/> keep it computing. An item of another
/// kind has it to itself.
/// </param>
/// <param name="Threads">Native threads of the item that computes, 1 or more.</param>
/// <param name="MemoryBytes">Memory of the device, bytes; 0 = not known.</param>
public sealed record SiloDevice(string Name, int Slots, int Threads, long MemoryBytes = 0)
{
    /// <summary>Slots of a device that shall not wait for files: one item reads, one computes, one writes.</summary>
    public const int OverlapSlots = 3;

    /// <summary>Whether it can run items that need a GPU.</summary>
    public bool HasGpu => Name.StartsWith("cuda", StringComparison.Ordinal);

    internal DeviceInfo Info => new(Name, Slots, Threads, MemoryBytes);
}

/// <summary>Settings of a <see cref="SiloHost"/>.</summary>
/// <param name="Name">The holder of its leases; differs between any two processes, past ones too, see <see cref="NewName"/>.</param>
/// <param name="Devices">What it runs items on, one or more.</param>
public sealed record SiloOptions(string Name, IReadOnlyList<SiloDevice> Devices)
{
    /// <summary>
    /// How long a lease lasts without a heartbeat. Long ones make a dead silo's items wait, short ones cost writes. Default 30 s.
    /// </summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest time between two looks for work, less up to a fifth at random. Default 500 ms.</summary>
    public TimeSpan Poll { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a stopping silo lets running items end before it cancels them. Default 10 s.</summary>
    public TimeSpan GracePeriod { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The silo's tags "k=v" for stages that ask for one.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>
    /// True where a lock proves that no other process uses the ledger (<see cref="Grains.Ledger.EmbeddedLock"/>): what a
    /// killed predecessor held is taken back at the start, and not only when its leases lapse. Default false.
    /// </summary>
    public bool Alone { get; init; }

    /// <summary>Longest time between two heartbeats of an item, less up to a fifth at random: a third of the ttl, so that two may go missing.</summary>
    public TimeSpan HeartbeatEvery => Ttl / 3;

    /// <summary>How long before a lease can lapse its work is stopped: a tenth of the ttl.</summary>
    public TimeSpan LeaseMargin => Ttl / 10;

    /// <summary>What a silo of these settings says of itself when it signs on.</summary>
    /// <param name="url">Where its HTTP face listens, or null.</param>
    /// <param name="kinds">The kinds that it has grains for.</param>
    public SiloEntry Entry(string? url, IReadOnlyList<string> kinds) =>
        new(Name, url, Environment.MachineName, Version, [.. Devices.Select(device => device.Info)], Tags, kinds);

    private static string Version =>
        typeof(SiloOptions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    /// <summary>Machine, process id and a random part.</summary>
    public static string NewName() => $"{Environment.MachineName}-{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..6]}";
}
