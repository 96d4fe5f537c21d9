// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Grains.Ledger;
using Teravox.Silo;

namespace Teravox.Orleans.Silos;

/// <summary>
/// What every silo does for the cluster beside its grains: wakes the experiments that run when the ledger hints at news (a
/// submission or a change by HTTP, say) or when a silo has died, and takes the leases of the dead back.
/// </summary>
internal sealed class Waker(ILedger ledger, IGrainFactory grains, IClusterMembershipService cluster, TimeSpan reapEvery, Action<SiloEvent> emit)
{
    // Hints are notifications and may be lost with a connection.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan RejoinPatience = TimeSpan.FromSeconds(2);
    private const int PageSize = 200;

    /// <summary>Works until <paramref name="stop"/>.</summary>
    /// <exception cref="Contracts.InputException">The ledger can not be used any more.</exception>
    public Task RunAsync(CancellationToken stop) => Task.WhenAll(WakeOnHintsAsync(stop), ReapAsync(stop), FollowClusterAsync(stop));

    private async Task WakeOnHintsAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            // Taken before the look, so that no news falls between the two.
            var hint = ledger.WaitForHintAsync(Jitter.Below(LongestWait), stop);
            var all = await TryAsync(() => WakeAllAsync(stop));
            await (all ? hint : Task.WhenAny(hint, Task.Delay(20 * Pause, stop))).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

            // A burst of hints is one.
            await Task.Delay(Jitter.Around(Pause), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task WakeAllAsync(CancellationToken stop)
    {
        long? before = null;
        while (true)
        {
            var running = await ledger.ListAsync(new ExperimentQuery(before, PageSize, ExperimentState.Running), stop);
            await Task.WhenAll(running.Select(row => grains.GetGrain<IExperimentGrain>(row.Id.ToString(CultureInfo.InvariantCulture)).WakeAsync()));
            if (running.Count < PageSize)
                return;
            before = running[^1].Id;
        }
    }

    private async Task ReapAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await TryAsync(() => ledger.ReapAsync(stop));
            await Task.Delay(Jitter.Below(reapEvery), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task FollowClusterAsync(CancellationToken stop)
    {
        var alive = new Dictionary<SiloAddress, string>();
        var mourning = new List<Task>();
        try
        {
            await foreach (var snapshot in cluster.MembershipUpdates.WithCancellation(stop))
            {
                mourning.RemoveAll(task => task.IsCompleted);
                foreach (var (silo, name) in alive.Where(a => snapshot.GetSiloStatus(a.Key) is SiloStatus.Dead or SiloStatus.None).ToList())
                {
                    alive.Remove(silo);
                    mourning.Add(MournAsync(name, stop));
                }

                foreach (var member in snapshot.Members.Values.Where(m => m.Status is SiloStatus.Active or SiloStatus.ShuttingDown))
                    alive[member.SiloAddress] = member.Name;
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The silo stops.
        }
    }

    /// <summary>
    /// The experiments whose grains died with a silo go on elsewhere at once. Its items do after a moment, and need not wait until
    /// their leases lapse: unless it lives after all and has joined anew, for then it still works on them.
    /// </summary>
    private async Task MournAsync(string name, CancellationToken stop)
    {
        await TryAsync(() => WakeAllAsync(stop));
        await Task.Delay(RejoinPatience, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!stop.IsCancellationRequested && !cluster.CurrentSnapshot.Members.Values.Any(m => m.Name == name && m.Status is (SiloStatus.Created or SiloStatus.Joining or SiloStatus.Active))
            && await TryAsync(() => ledger.ReapHolderAsync(name, stop)))
            await TryAsync(() => WakeAllAsync(stop));
    }

    private async Task<bool> TryAsync(Func<Task> action)
    {
        try
        {
            await action();
            return true;
        }
        catch (LedgerUnavailableException e)
        {
            emit(new LedgerSilent(e.Message));
            return false;
        }
        catch (Exception e) when (Calls.MayPass(e))
        {
            return false;
        }
    }
}
