// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Silo;

namespace Teravox.Bench;

/// <summary>What can activate the grains of silos that are measured. The host on Orleans is brought by a program of its own.</summary>
internal static class BenchHosts
{
    public const string Ledger = "ledger", OrleansName = "orleans";

    /// <summary>Makes a silo on Orleans: of the ledger's address, the ledger, grains, planner and settings. Null where it is not built in.</summary>
    public static Func<string, ILedger, IReadOnlyList<IWorkGrain>, IStagePlanner, SiloOptions, ISilo>? Orleans { get; set; }

    /// <summary>The option that chooses one.</summary>
    public static Option<string> Option()
    {
        var option = new Option<string>("--host") { Description = "What activates the grains: ledger or orleans.", DefaultValueFactory = _ => Ledger };
        option.AcceptOnlyFromAmong(Ledger, OrleansName);
        return option;
    }

    /// <summary>The program that <c>teravox silo</c> is on this host, and what it is told.</summary>
    /// <exception cref="InputException">It is not built.</exception>
    public static (string Program, string[] Arguments) Silo(string host) =>
        host == Ledger ? (TeravoxProgram.Path(), []) : (TeravoxProgram.Path("orleans", "teravox-orleans.dll"), ["--host", host]);

    /// <summary>A silo of this process.</summary>
    /// <exception cref="InputException">The host is not built in.</exception>
    public static ISilo Make(string host, string address, ILedger ledger, IReadOnlyList<IWorkGrain> grains, IStagePlanner planner, SiloOptions options) =>
        host == Ledger
            ? new SiloHost(ledger, grains, planner, options)
            : (Orleans ?? throw new InputException("--host orleans is not built into this bench"))(address, ledger, grains, planner, options);
}
