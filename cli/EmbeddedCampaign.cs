// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains;
using Teravox.Grains.Campaign;
using Teravox.Grains.Catalog;
using Teravox.Grains.Spec;
using Teravox.Networks;
using Teravox.Volumes;

namespace Teravox.Cli;

/// <summary>
/// A whole campaign in one folder on one machine: its runs one after another, each in a folder of its own as
/// <c>./teravox run</c> leaves it, and a summary over them that grows with each. Run again on the same folder, it goes on
/// from the last commit.
/// </summary>
internal static class EmbeddedCampaign
{
    /// <summary>The campaign as it was read, in its folder: what the runs come from, and the mark of a campaign's folder.</summary>
    public const string DocumentName = "campaign.json";

    /// <summary>Checks every run, then runs them all. Returns the exit code.</summary>
    /// <exception cref="InputException">The campaign or the folder is at fault; nothing was written.</exception>
    public static async Task<int> RunAsync(NewCampaign campaign, string outDir, RunSettings settings, CancellationToken ct)
    {
        using var progress = ProgressView.Make(settings.Json);

        // 1. Everything that can be known of every run is checked before anything is written.
        var device = Devices.Choose(settings.Device);
        var runs = CampaignGrid.Runs(campaign);
        var labelsRead = new HashSet<string>(StringComparer.Ordinal);
        var plans = runs.Select(run => SpecCheck.Plan(
            SpecFile.Parse(run.SpecJson, run.Name, Directory.GetCurrentDirectory()), (done, all) => progress.Check("checking labels", done, all), ct, labelsRead, CudaMemory.OfDevice(device))).ToList();
        var folder = new ExperimentFolder(Path.GetFullPath(outDir));
        EmbeddedRun.CheckFolder(folder, isCampaign: true);
        var document = Path.Combine(folder.Root, DocumentName);
        var text = JsonSerializer.Serialize(campaign, TeravoxJson.Indented) + "\n";

        // 2. One process at a time; the same campaign goes on.
        Directory.CreateDirectory(folder.Work);
        using var held = EmbeddedLock.Acquire(folder.Work);
        if (File.Exists(document) && await File.ReadAllTextAsync(document, ct) != text)
            throw new InputException($"--out {folder.Root}: the folder holds another campaign, or this one before it was changed; name another folder, or remove this one.");
        AtomicFile.WriteAllText(document, text);

        // 3. Run after run. One that fails does not keep the others from running: in a sweep they say what it could not.
        var stands = runs.Select(run => CampaignStand.Of(run, "waiting", folder.Root)).ToList();
        var (since, worked) = (Stopwatch.StartNew(), 0);
        for (var i = 0; i < runs.Count; i++)
        {
            var clock = Stopwatch.StartNew();
            progress.Run(i + 1, runs.Count, runs[i].Name);
            var succeeded = await EmbeddedRun.WorkAsync(plans[i], new ExperimentFolder(Path.Combine(folder.Root, runs[i].Name)), device, settings.Threads, progress, ct);
            stands[i] = CampaignStand.Of(runs[i], succeeded ? "done" : "failed", folder.Root);
            CampaignWriter.Write(folder.Root, campaign, stands);

            // A run that an earlier start has done takes a moment, which says nothing of those to come.
            worked += clock.Elapsed > TimeSpan.FromSeconds(1) ? 1 : 0;
            var left = runs.Count - i - 1;
            progress.RunEnded(runs[i].Name, stands[i].State, clock.Elapsed, left, since.Elapsed.TotalSeconds / Math.Max(worked, 1) * left);
        }

        return End(campaign, folder, stands, settings.Json);
    }

    private static int End(NewCampaign campaign, ExperimentFolder folder, IReadOnlyList<CampaignStand> stands, bool json)
    {
        var failed = stands.Where(s => s.State != "done").Select(s => s.Run.Name).ToList();
        if (json)
        {
            var runs = stands.Select(s => new { s.Run.Name, s.State, s.Run.Parameters, s.Run.Seed, scores = s.Scores is null ? null : Summary.Brief(s.Scores) });
            Console.Out.WriteLine(JsonSerializer.Serialize(new { kind = "done", name = campaign.Name, folder = folder.Root, runs }, TeravoxJson.Compact));
        }
        else
        {
            foreach (var stand in stands.Where(s => s.Scores is not null))
            {
                Console.Out.WriteLine($"{stand.Run.Name}: {string.Join(", ", stand.Run.Parameters.Select(p => $"{p.Key} {p.Value}"))}");
                Summary.Table(stand.Scores!);
                if (stand.Scores!.Images is { } images)
                    Console.Out.WriteLine(Summary.Line(images));
            }

            Console.Out.WriteLine($"Summary: {Path.Combine(folder.Root, "summary.html")}");
        }

        if (failed.Count == 0)
            return Guarded.Success;
        Console.Error.WriteLine($"teravox: {failed.Count} of {stands.Count} runs failed: {string.Join(", ", failed)}.");
        return Guarded.Failed;
    }
}
