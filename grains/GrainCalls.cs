// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Teravox.Contracts;

namespace Teravox.Grains;

/// <summary>Calls between grains, silos and clients that may fail while the cluster changes.</summary>
public static class GrainCalls
{
    private static readonly TimeSpan TryFor = TimeSpan.FromSeconds(10), Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Whether the same call may succeed later: a silo died, is not reached or refuses while it stops, an activation lost to
    /// another, or the database does not answer.
    /// </summary>
    public static bool MayPass(Exception error) =>
        error is TimeoutException or OrleansException or DatabaseUnavailableException or OperationCanceledException or ObjectDisposedException
            or System.Data.Common.DbException or IOException;

    /// <summary>Makes a call, and makes it again for a while when it is lost: it must do no harm when it is made twice.</summary>
    /// <exception cref="DatabaseUnavailableException">No call was answered.</exception>
    public static async Task<T> RepeatAsync<T>(Func<Task<T>> call, CancellationToken ct)
    {
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            try
            {
                return await call().WaitAsync(ct);
            }
            catch (Exception e) when (MayPass(e) && !ct.IsCancellationRequested)
            {
                if (Stopwatch.GetElapsedTime(since) > TryFor)
                    throw new DatabaseUnavailableException($"The cluster does not answer ({e.Message}).", e);
            }

            await Task.Delay(Pause, ct);
        }
    }
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
