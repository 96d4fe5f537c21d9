// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;

namespace Teravox.Grains.Ledger;

/// <summary>The silos of a cluster: who is there, what they have, and when they were last heard of.</summary>
public interface IRoster
{
    /// <summary>Enters a silo, or brings its entry up to date; counts as a beat.</summary>
    Task SignOnAsync(SiloEntry silo, CancellationToken ct);

    /// <summary>
    /// The silo is alive, and this is how it goes. False when it has no entry (it was taken for dead and removed): it
    /// signs on again.
    /// </summary>
    Task<bool> BeatAsync(string name, SiloStatus status, CancellationToken ct);

    /// <summary>The silo leaves; nothing happens when it has no entry.</summary>
    Task SignOffAsync(string name, CancellationToken ct);

    /// <summary>All entries by name. Those not heard of for <paramref name="forget"/> are removed first.</summary>
    Task<IReadOnlyList<SiloRow>> SilosAsync(TimeSpan forget, CancellationToken ct);
}

/// <summary>What a silo says of itself when it signs on.</summary>
/// <param name="Name">New for every process.</param>
/// <param name="Url">Where its HTTP face listens, or null.</param>
/// <param name="Machine">The machine it runs on.</param>
/// <param name="Version">Version of Teravox.</param>
/// <param name="Devices">Its devices.</param>
/// <param name="Tags">Its tags "k=v".</param>
/// <param name="Kinds">The kinds of items that it has grains for.</param>
public sealed record SiloEntry(
    string Name,
    string? Url,
    string Machine,
    string Version,
    IReadOnlyList<DeviceInfo> Devices,
    IReadOnlyList<string> Tags,
    IReadOnlyList<string> Kinds);

/// <summary>A silo as the ledger has it. Times are UTC, database clock.</summary>
/// <param name="Entry">What it said of itself.</param>
/// <param name="Status">What it said last of its work.</param>
/// <param name="Started">When it signed on.</param>
/// <param name="LastSeen">When it was last heard of.</param>
/// <param name="Silent">Time since, both ends by the database's clock.</param>
public sealed record SiloRow(SiloEntry Entry, SiloStatus Status, DateTimeOffset Started, DateTimeOffset LastSeen, TimeSpan Silent);
