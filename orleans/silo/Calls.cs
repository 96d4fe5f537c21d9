// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;

namespace Teravox.Orleans.Silos;

/// <summary>Calls from grain to grain that may fail while the cluster changes.</summary>
internal static class Calls
{
    /// <summary>Whether the same call may succeed later: a silo died, is not reached, or refuses while it stops, or the ledger does not answer.</summary>
    public static bool MayPass(Exception error) => error is TimeoutException or OrleansException or LedgerUnavailableException or OperationCanceledException or ObjectDisposedException;
}
