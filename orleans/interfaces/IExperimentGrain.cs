// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;

namespace Teravox.Orleans;

/// <summary>
/// An experiment as a grain; its key is its number in the ledger. While it runs, it plans stages that are ready and hands
/// their items to grains on silos with room for them. Of all calls repeats do no harm.
/// </summary>
public interface IExperimentGrain : IGrainWithStringKey
{
    /// <summary>There may be something to do: it was submitted, resumed, retried, or a silo came or went.</summary>
    Task WakeAsync();

    /// <summary>An item's turn has ended.</summary>
    Task EndedAsync(ItemTicket ticket, ItemOutcome outcome, SiloAddress where);

    /// <summary>How far it is; null when there is no such experiment.</summary>
    Task<ExperimentProgress?> ProgressAsync();

    /// <summary>On which silo it is active, and for the how manieth time.</summary>
    Task<ExperimentPlace> WhereAsync();
}

/// <summary>Where an experiment's grain is active.</summary>
/// <param name="Silo">Name of the silo.</param>
/// <param name="Activations">1, and one more each time that it had to be activated anew.</param>
[GenerateSerializer]
[Immutable]
public sealed record ExperimentPlace([property: Id(0)] string Silo, [property: Id(1)] int Activations);

/// <summary>A submission; its key is drawn by the client, and the same key makes one experiment.</summary>
public interface ISubmissionGrain : IGrainWithStringKey
{
    /// <summary>Checks the spec and submits it. Null while the check takes longer than a call may: ask again.</summary>
    /// <exception cref="Contracts.InputException">The spec is wrong.</exception>
    Task<ExperimentInfo?> SubmitAsync(SubmitExperiment experiment);
}
