// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Bench;
using Teravox.Bench.Ledger;
using Teravox.Bench.Silos;

var root = new RootCommand("Measures Teravox: ledger throughput, recovery after kill -9, scaling over silos, and what holds under faults.")
{
    LedgerCommand.Make(),
    LedgerWorker.Make(),
    RecoveryCommand.Make(),
    ScalingCommand.Make(),
    SimulatedSilo.Make(),
    ChaosCommand.Make(),
};
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
