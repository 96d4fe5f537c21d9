// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;
using Teravox.Grains.Ledger;

namespace Teravox.Silo;

/// <summary>A silo, whichever host activates its grains.</summary>
internal interface ISilo
{
    /// <summary>Raised for everything that happens; see <see cref="SiloHost.Happened"/>.</summary>
    event Action<SiloEvent>? Happened;

    /// <summary>How its work goes at this moment.</summary>
    SiloStatus Status { get; }

    /// <summary>What it says of itself when it signs on.</summary>
    /// <param name="url">Where its HTTP face listens, or null.</param>
    SiloEntry Entry(string? url);

    /// <summary>Tells those who listen what this silo found out about the cluster.</summary>
    void Emit(SiloEvent what);

    /// <summary>Works for every experiment of the ledger until <paramref name="stop"/>.</summary>
    /// <param name="ready">Called when it takes work.</param>
    /// <param name="stop">Begins the two-phase stop.</param>
    /// <param name="stopNow">Ends the grace period.</param>
    Task RunAsync(Action ready, CancellationToken stop, CancellationToken stopNow);
}
