// SPDX-License-Identifier: Apache-2.0
using Teravox.Cli;
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Orleans.Clients;
using Teravox.Orleans.Silos;
using Teravox.Silo;
using Teravox.Silo.Http;

namespace Teravox.Orleans;

/// <summary>What <c>--host orleans</c> means.</summary>
internal sealed class OrleansHost : IOrleansHost
{
    public ISilo MakeSilo(SiloSettings settings, ILedger ledger, ExperimentStore store, IReadOnlyList<IWorkGrain> grains, Action<string> say)
    {
        // Lives as long as the process.
        var api = new ApiServices(ledger, store, settings.Http, loopbackOnly: true);
        return new OrleansSilo(new OrleansParts(settings.Ledger, settings.ClusterAddress, api, grains, new ExperimentGrain(store), settings.Options), say);
    }

    public async Task<IOrleansDoor> ConnectAsync(string ledger, CancellationToken ct) => await OrleansDoor.ConnectAsync(ledger, ct);
}
