// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Contracts.Grains;

/// <summary>A submission; its key is drawn by the client, and the same key makes one experiment however often it is sent. Another spec under the key is refused.</summary>
public interface ISubmissionGrain : IGrainWithStringKey
{
    /// <summary>Checks the spec whole and submits it. A check may take longer than a call: then the answer says so, and the same call waits on.</summary>
    /// <param name="specJson">The spec, as in a spec file; paths in it must be open to clients.</param>
    /// <param name="priority">Lower is run first.</param>
    Task<SubmissionAnswer> SubmitAsync(string specJson, int priority);
}

/// <summary>What became of a submission.</summary>
/// <param name="Experiment">Number of the experiment; null while the check goes on, or when it was refused.</param>
/// <param name="Refusal">Why it was refused, one sentence; null when it was not.</param>
[GenerateSerializer]
[Immutable]
public sealed record SubmissionAnswer(long? Experiment, string? Refusal = null);
