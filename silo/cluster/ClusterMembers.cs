// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains;

namespace Teravox.Silo.Cluster;

/// <summary>The cluster's members by Orleans' membership.</summary>
internal sealed class ClusterMembers(IClusterMembershipService membership) : IClusterMembers
{
    public async ValueTask<IReadOnlySet<string>> DeadAmongAsync(IReadOnlyCollection<string> silos)
    {
        if (silos.Count == 0)
            return new HashSet<string>();
        if (silos.Except(NamesOf(_ => true)).Any())
            await membership.Refresh();
        var alive = NamesOf(status => status is not (SiloStatus.Dead or SiloStatus.None));
        return silos.Where(silo => !alive.Contains(silo)).ToHashSet(StringComparer.Ordinal);
    }

    public async Task<long> ChangedAsync(long version, CancellationToken ct)
    {
        if (membership.CurrentSnapshot.Version.Value > version)
            return membership.CurrentSnapshot.Version.Value;
        await foreach (var snapshot in membership.MembershipUpdates.WithCancellation(ct))
        {
            if (snapshot.Version.Value > version)
                return snapshot.Version.Value;
        }

        throw new OperationCanceledException("the silo leaves its cluster");
    }

    private HashSet<string> NamesOf(Func<SiloStatus, bool> which) =>
        membership.CurrentSnapshot.Members.Values.Where(m => which(m.Status)).Select(m => m.Name).ToHashSet(StringComparer.Ordinal);
}
