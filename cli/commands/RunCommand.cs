// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Grains.Spec;

namespace Teravox.Cli.Commands;

/// <summary>teravox run: an experiment from its spec.</summary>
internal static class RunCommand
{
    public static Command Make()
    {
        var spec = new Argument<string>("spec") { Description = "The experiment's spec, a JSON file; docs/spec.md explains it." };
        var set = Options.Set();
        var outDir = new Option<string?>("--out", "-o") { Description = "Folder for the results; teravox-out/<name of the spec> when left out. The same folder again goes on where it stopped." };
        var json = Options.Json();
        var device = Options.Device();
        var threads = Options.Threads();
        return new Command(
            "run",
            """
            Runs an experiment: trains, finds thresholds, segments, scores, reports. Stopped or killed, the same command goes on from the last commit.

            Example:
              ./teravox run specs/phantom-quick.json --set training.iterations=100 --out quick
            """)
        {
            spec, set, outDir, json, device, threads,
        }.Does(async (r, ct) =>
        {
            var loaded = SpecFile.Load(r.GetRequiredValue(spec), r.GetRequiredValue(set));
            var folder = r.GetValue(outDir) ?? Path.Combine("teravox-out", loaded.Name);
            var settings = new RunSettings(r.GetRequiredValue(device), Options.CheckThreads(r.GetRequiredValue(threads)), r.GetValue(json));
            return await EmbeddedRun.RunAsync(loaded, folder, settings, ct);
        });
    }
}
