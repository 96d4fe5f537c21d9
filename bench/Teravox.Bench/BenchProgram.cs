// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Bench.Io;
using Teravox.Bench.Networks;
using Teravox.Bench.Silos;

namespace Teravox.Bench;

/// <summary>The benches' command line.</summary>
internal static class BenchProgram
{
    /// <summary>Does what the arguments ask for. Returns the exit code.</summary>
    public static Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("Measures Teravox: tiles a second without computing, recovery of lost work, scaling over silos, an idle silo's memory, files beside other programs, and what holds under faults.")
        {
            InferCommand.Make(),
            TrainCommand.Make(),
            ZssrCommand.Make(),
            GpuCommand.Make(),
            SchedulingCommand.Make(),
            RecoveryCommand.Make(),
            ScalingCommand.Make(),
            IdleCommand.Make(),
            IoCommand.Make(),
            SimulatedSilo.Make(),
            ChaosCommand.Make(),
        };
        return root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    }
}
