// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Volumes;

namespace Teravox.Grains.Campaign;

/// <summary>How one run of a campaign stands.</summary>
/// <param name="Run">The run.</param>
/// <param name="State">"done", "failed", "waiting" for what was not run yet; on a cluster also "running", "paused", "cancelled".</param>
/// <param name="Scores">What it found, once it is done; null for a preset that scores nothing.</param>
/// <param name="Link">Where its report lies, from the summary's folder; null where there is none.</param>
public sealed record CampaignStand(CampaignRun Run, string State, ScoreReport? Scores = null, string? Link = null)
{
    /// <summary>A run whose results lie in a folder of its name below the summary's.</summary>
    public static CampaignStand Of(CampaignRun run, string state, string folder)
    {
        ArgumentNullException.ThrowIfNull(run);
        var scores = state == "done" ? new ExperimentFolder(Path.Combine(folder, run.Name)).ReadScores() : null;
        return new CampaignStand(run, state, scores is null ? null : CampaignTable.Trim(scores), scores is null ? null : run.Name + "/report.html");
    }
}

/// <summary>
/// Writes the summary of a campaign, whether all its runs are done or not: summary.html, one page that needs no other file
/// and no script, and summary.csv (<see cref="CampaignTable.Csv"/>), and summary-images.csv where sections were degraded. The same input gives the same bytes.
/// </summary>
public static class CampaignWriter
{
    /// <summary>Writes the files into an existing folder; each replaces its old version whole.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void Write(string directory, NewCampaign campaign, IReadOnlyList<CampaignStand> runs)
    {
        var results = runs.Where(static r => r.Scores is not null).Select(static r => new CampaignResult(r.Run.Parameters, r.Scores!)).ToList();
        var rows = CampaignTable.Rows(campaign, results);
        AtomicFile.WriteAllText(Path.Combine(directory, "summary.csv"), CampaignTable.Csv(campaign, rows));
        if (CampaignTable.ImagesCsv(campaign, results) is { } images)
            AtomicFile.WriteAllText(Path.Combine(directory, "summary-images.csv"), images);
        AtomicFile.WriteAllText(Path.Combine(directory, "summary.html"), CampaignPage.Html(campaign, runs, rows));
    }
}
