// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Silo;

namespace Teravox.Cli;

/// <summary>
/// What activates grains. The ledger host is part of this program; the one on Orleans is brought by a program of its own
/// (<c>orleans/</c>), since its packages are not in every registry.
/// </summary>
internal static class GrainHosts
{
    private const string Ledger = "ledger", OrleansName = "orleans";

    /// <summary>The host on Orleans; null where it is not built in.</summary>
    public static IOrleansHost? Orleans { get; set; }

    /// <summary>The option that chooses one.</summary>
    public static Option<string> Option()
    {
        var option = new Option<string>("--host") { Description = "What activates the grains: ledger, or orleans where it is built in; docs/orleans.md says when to choose which.", DefaultValueFactory = _ => Ledger };
        option.AcceptOnlyFromAmong(Ledger, OrleansName);
        return option;
    }

    /// <summary>The host that was asked for; null is the ledger host.</summary>
    /// <exception cref="InputException">It is not built in.</exception>
    public static IOrleansHost? Choose(string name) => name == Ledger ? null : Orleans ?? throw new InputException(
        "--host orleans is not built in: its packages could not be restored (build/orleans.log); docs/orleans.md says how to get them.");
}

/// <summary>The host on Orleans, as the command line sees it.</summary>
internal interface IOrleansHost
{
    /// <summary>A silo that is not yet running.</summary>
    /// <param name="settings">Its process' settings.</param>
    /// <param name="ledger">Its ledger.</param>
    /// <param name="store">What its grains know of experiments.</param>
    /// <param name="grains">The grains' logic.</param>
    /// <param name="say">Told what the host has to say.</param>
    ISilo MakeSilo(SiloSettings settings, ILedger ledger, ExperimentStore store, IReadOnlyList<IWorkGrain> grains, Action<string> say);

    /// <summary>Connects a client to the cluster of this ledger.</summary>
    /// <exception cref="InputException">No silo of it is there.</exception>
    Task<IOrleansDoor> ConnectAsync(string ledger, CancellationToken ct);
}

/// <summary>A client of a cluster on Orleans. A call that is lost with a silo is made again.</summary>
internal interface IOrleansDoor : IAsyncDisposable
{
    /// <summary>Submits an experiment.</summary>
    /// <exception cref="InputException">The spec is wrong.</exception>
    Task<ExperimentInfo> SubmitAsync(SubmitExperiment experiment, CancellationToken ct);

    /// <summary>Looks at an experiment until it ends: how it ended.</summary>
    /// <param name="id">The experiment.</param>
    /// <param name="seen">Told how far it is, at each look.</param>
    /// <param name="every">Time between two looks.</param>
    /// <param name="ct">Stops looking.</param>
    Task<ExperimentInfo> WatchAsync(long id, Action<ExperimentProgress> seen, TimeSpan every, CancellationToken ct);
}
