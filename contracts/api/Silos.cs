// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Contracts.Api;

/// <summary>A device of a silo.</summary>
/// <param name="Name">"cpu", "cuda:0", ...</param>
/// <param name="Slots">Items in flight on it at a time, 1 or more.</param>
/// <param name="Threads">Native threads its work uses.</param>
/// <param name="MemoryBytes">Its memory, bytes; 0 = not known.</param>
[GenerateSerializer]
[Immutable]
public sealed record DeviceInfo(string Name, int Slots, int Threads, long MemoryBytes);

/// <summary>How a silo's work goes.</summary>
[GenerateSerializer]
[Immutable]
public sealed record SiloLoad
{
    /// <summary>True when it claims no more and waits for its last items.</summary>
    [Id(0)]
    public bool Draining { get; init; }

    /// <summary>Items it committed since its start.</summary>
    [Id(1)]
    public long ItemsDone { get; init; }

    /// <summary>Items committed per second over the last minute.</summary>
    [Id(2)]
    public double ItemsPerSecond { get; init; }

    /// <summary>Working memory of the process, bytes.</summary>
    [Id(3)]
    public long MemoryBytes { get; init; }

    /// <summary>What it works on.</summary>
    [Id(4)]
    public SiloItem[] Running { get; init; } = [];
}

/// <summary>An item that a silo works on.</summary>
/// <param name="Experiment">Number of the experiment.</param>
/// <param name="Stage">Name of the stage.</param>
/// <param name="Index">Number of the item in the stage.</param>
/// <param name="Device">The device it runs on.</param>
/// <param name="Fraction">How much of it is done, 0..1.</param>
/// <param name="Note">How it goes, for people.</param>
[GenerateSerializer]
[Immutable]
public sealed record SiloItem(long Experiment, string Stage, int Index, string Device, double Fraction, string? Note);

/// <summary>A silo of the cluster.</summary>
public sealed record SiloInfo
{
    /// <summary>New for every process.</summary>
    public required string Name { get; init; }

    /// <summary>Where its HTTP face listens, or null.</summary>
    public string? Url { get; init; }

    /// <summary>The machine it runs on.</summary>
    public required string Machine { get; init; }

    /// <summary>Version of Teravox.</summary>
    public required string Version { get; init; }

    /// <summary>False when it has not been heard of for longer than three beats.</summary>
    public required bool Alive { get; init; }

    /// <summary>When it signed on, UTC.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When it was last heard of, UTC.</summary>
    public required DateTimeOffset LastSeen { get; init; }

    /// <summary>Its devices.</summary>
    public required IReadOnlyList<DeviceInfo> Devices { get; init; }

    /// <summary>Its tags "k=v".</summary>
    public required IReadOnlyList<string> Tags { get; init; }

    /// <summary>How its work goes.</summary>
    public required SiloLoad Status { get; init; }
}
