// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Bench.Ledger;
using Teravox.Bench.Silos;

namespace Teravox.Bench;

/// <summary>The benches' command line, of this program and of those that add a host to it.</summary>
internal static class BenchProgram
{
    /// <summary>Does what the arguments ask for. Returns the exit code.</summary>
    public static Task<int> RunAsync(string[] args, params Command[] more)
    {
        var root = new RootCommand("Measures Teravox: ledger throughput, recovery after kill -9, scaling over silos, and what holds under faults.")
        {
            LedgerCommand.Make(),
            LedgerWorker.Make(),
            RecoveryCommand.Make(),
            ScalingCommand.Make(),
            SimulatedSilo.Make(),
            ChaosCommand.Make(),
        };
        foreach (var command in more)
            root.Add(command);
        return root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    }
}
