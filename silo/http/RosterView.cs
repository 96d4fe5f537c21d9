// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;
using Teravox.Grains.Ledger;

namespace Teravox.Silo.Http;

/// <summary>The cluster's silos as the API shows them, and what they can run.</summary>
internal sealed class RosterView(IRoster roster)
{
    public static bool IsAlive(SiloRow silo) => silo.Silent <= Presence.AliveFor;

    public static SiloInfo Info(SiloRow silo) => new()
    {
        Name = silo.Entry.Name,
        Url = silo.Entry.Url,
        Machine = silo.Entry.Machine,
        Version = silo.Entry.Version,
        Alive = IsAlive(silo),
        Started = silo.Started,
        LastSeen = silo.LastSeen,
        Devices = silo.Entry.Devices,
        Tags = silo.Entry.Tags,
        Status = silo.Status,
    };

    public Task<IReadOnlyList<SiloRow>> AllAsync(CancellationToken ct) => roster.SilosAsync(Presence.Forget, ct);

    /// <summary>Why no silo of now can run one of these stages; null when one can for each.</summary>
    public async Task<string?> BlockedAsync(IEnumerable<(string Kind, WorkNeeds Needs)> stages, CancellationToken ct)
    {
        var alive = (await AllAsync(ct)).Where(s => IsAlive(s) && !s.Status.Draining).Select(s => s.Entry).ToList();
        return alive.Count == 0
            ? "no silo is there to run it"
            : stages.Distinct().Select(s => Fitting.WhyNot(s.Kind, s.Needs, alive)).FirstOrDefault(why => why is not null);
    }
}
