// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Scheduling;

namespace Teravox.Silo.Http;

/// <summary>The cluster's silos as the API shows them, and what they can run.</summary>
internal sealed class SilosView(ExperimentService experiments)
{
    public static SiloInfo Info(SiloState silo) => new()
    {
        Name = silo.Entry.Name,
        Url = silo.Entry.Url,
        Machine = silo.Entry.Machine,
        Version = silo.Entry.Version,
        Alive = silo.IsAlive,
        Started = silo.Started,
        LastSeen = silo.LastSeen,
        Devices = silo.Entry.Devices,
        Tags = silo.Entry.Tags,
        Status = silo.Status,
    };

    public Task<SiloState[]> AllAsync(CancellationToken ct) => experiments.SilosAsync(ct);

    /// <summary>Why no silo of now can run one of these stages; null when one can for each.</summary>
    public async Task<string?> BlockedAsync(IEnumerable<(string Kind, WorkNeeds Needs)> stages, CancellationToken ct)
    {
        var alive = (await AllAsync(ct)).Where(s => s.IsAlive && !s.Status.Draining).Select(s => s.Entry).ToList();
        return alive.Count == 0
            ? "no silo is there to run it"
            : stages.Distinct().Select(s => Fitting.WhyNot(s.Kind, s.Needs, alive)).FirstOrDefault(why => why is not null);
    }
}
