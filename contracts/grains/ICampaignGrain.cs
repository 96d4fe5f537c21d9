// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;

namespace Teravox.Contracts.Grains;

/// <summary>
/// A campaign; its key is its name. It owns the grid of experiments: submits them, and keeps the scores of those that succeeded.
/// Bad input comes back as a <see cref="Refusal"/>.
/// </summary>
public interface ICampaignGrain : IGrainWithStringKey
{
    /// <summary>
    /// Checks the specs of all runs and submits them. The same campaign again finds its entry and submits what a crash left out; another
    /// one of the same name is refused with 409.
    /// </summary>
    /// <param name="campaignJson">A <see cref="NewCampaign"/> as JSON; its name must be the grain's key, its paths must be open to clients.</param>
    /// <param name="request">Its owner becomes the campaign's.</param>
    Task<LongAnswer<CampaignDocument>> SubmitAsync(string campaignJson, GrainRequest request);

    /// <summary>The campaign with its experiments and the table over all runs. 404 when there is none.</summary>
    Task<LongAnswer<CampaignDocument>> DescribeAsync(GrainRequest request);

    /// <summary>The table over all runs as CSV. 404 when there is none.</summary>
    Task<LongAnswer<string>> TableAsync(GrainRequest request);
}

/// <summary>A campaign as it is now.</summary>
/// <param name="Json">A <see cref="CampaignInfo"/> as JSON.</param>
/// <param name="IsNew">Whether this request made its entry in the catalog.</param>
[GenerateSerializer]
[Immutable]
public sealed record CampaignDocument(string Json, bool IsNew);
