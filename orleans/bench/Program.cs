// SPDX-License-Identifier: Apache-2.0
// The benches with the host on Orleans built in.
using Teravox.Bench;
using Teravox.Grains;
using Teravox.Orleans.Bench;
using Teravox.Orleans.Silos;
using Teravox.Silo.Http;

BenchHosts.Orleans = (address, ledger, grains, planner, options) =>
{
    // Of the store, simulated work uses nothing.
    var store = Directory.CreateTempSubdirectory("teravox-bench-store-").FullName;
    var api = new ApiServices(ledger, new ExperimentStore(ledger, _ => store), new HttpOptions { Urls = [], Store = store }, loopbackOnly: true);
    return new OrleansSilo(new OrleansParts(address, null, api, grains, planner, options), _ => { });
};
return await BenchProgram.RunAsync(args, HostsCommand.Make());
