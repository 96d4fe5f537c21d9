// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Grains.Spec;

namespace Teravox.Cli.Commands;

/// <summary>teravox demo: the main job on a phantom.</summary>
internal static class DemoCommand
{
    public static Command Make()
    {
        var set = Options.Set();
        var outDir = Options.Out("Folder for the results.", Path.Combine("teravox-out", "demo"));
        var json = Options.Json();
        var device = Options.Device();
        var threads = Options.Threads();
        return new Command(
            "demo",
            """
            Grows a phantom tissue with eight classes, trains a multiclass network for some minutes, segments the phantom, scores the part that was kept back, and writes a report.

            Example:
              ./teravox demo --out demo
            """)
        {
            set, outDir, json, device, threads,
        }.Does(async (r, ct) =>
        {
            var spec = SpecFile.Load(Path.Combine(AppContext.BaseDirectory, "specs", "demo.json"), r.GetRequiredValue(set));
            var settings = new RunSettings(r.GetRequiredValue(device), Options.CheckThreads(r.GetRequiredValue(threads)), r.GetValue(json));
            return await EmbeddedRun.RunAsync(spec, r.GetRequiredValue(outDir), settings, ct);
        });
    }
}
