// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Grains.Campaign;
using Teravox.Grains.Spec;

namespace Teravox.Cli.Commands;

/// <summary>teravox run: an experiment or a campaign from its spec.</summary>
internal static class RunCommand
{
    public static Command Make()
    {
        var spec = new Argument<string>("spec") { Description = "The spec of an experiment or a campaign, a JSON file, or the name of one that comes with the program, as table5; docs/spec.md explains them." };
        var set = Options.Set();
        var quick = Options.Quick();
        var outDir = new Option<string?>("--out", "-o") { Description = "Folder for the results; teravox-out/<name of the spec> when left out. The same folder again goes on where it stopped." };
        var json = Options.Json();
        var device = Options.Device();
        var threads = Options.Threads();
        return new Command(
            "run",
            """
            Runs an experiment: trains, finds thresholds, segments, scores, reports. A campaign's runs follow each other, each in a folder of its own, with a summary over all. Stopped or killed, the same command goes on from the last commit.

            Example:
              ./teravox run specs/phantom-quick.json --set training.iterations=100 --out quick
              ./teravox run table5 --set data=my-stack --out table5
              ./teravox run source-paper --quick
            """)
        {
            spec, set, quick, outDir, json, device, threads,
        }.Does(async (r, ct) =>
        {
            var file = ShippedSpecs.Find(r.GetRequiredValue(spec));
            var isQuick = r.GetValue(quick);
            var values = ShippedSpecs.Settings(isQuick, r.GetRequiredValue(set));
            var settings = new RunSettings(r.GetRequiredValue(device), Options.CheckThreads(r.GetRequiredValue(threads)), r.GetValue(json));
            string Folder(string name) => r.GetValue(outDir) ?? Path.Combine("teravox-out", name + (isQuick ? "-quick" : ""));
            if (CampaignFile.IsCampaign(file))
            {
                var campaign = CampaignFile.Load(file, values);
                return await EmbeddedCampaign.RunAsync(campaign, Folder(campaign.Name), settings, ct);
            }

            var loaded = SpecFile.Load(file, values);
            return await EmbeddedRun.RunAsync(loaded, Folder(loaded.Name), settings, ct);
        });
    }
}
