// SPDX-License-Identifier: Apache-2.0

namespace Teravox.Orleans.Silos;

/// <summary>Calls from grain to grain that may fail while the cluster changes.</summary>
internal static class Calls
{
    /// <summary>Whether the same call may succeed later: a silo died, is not reached, or refuses while it stops.</summary>
    public static bool MayPass(Exception error) => error is TimeoutException or OrleansException or OperationCanceledException or ObjectDisposedException;
}
