// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Grains;

/// <summary>Calls between grains, silos and clients that may fail while the cluster changes.</summary>
public static class GrainCalls
{
    /// <summary>
    /// Whether the same call may succeed later: a silo died, is not reached or refuses while it stops, an activation lost to
    /// another, or the database does not answer.
    /// </summary>
    public static bool MayPass(Exception error) =>
        error is TimeoutException or OrleansException or DatabaseUnavailableException or OperationCanceledException or ObjectDisposedException
            or System.Data.Common.DbException or IOException;
}

/// <summary>Who is in the cluster, as grains need to know.</summary>
public interface IClusterMembers
{
    /// <summary>
    /// Those of the silos that are dead or gone, by their names, which are new for every process. A name that is not known is
    /// looked up in the cluster's own table first: its silo may have joined a moment ago.
    /// </summary>
    ValueTask<IReadOnlySet<string>> DeadAmongAsync(IReadOnlyCollection<string> silos);

    /// <summary>Completes when the members have changed since <paramref name="version"/>; gives the new version.</summary>
    Task<long> ChangedAsync(long version, CancellationToken ct);
}
