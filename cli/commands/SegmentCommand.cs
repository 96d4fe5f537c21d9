// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Contracts;

namespace Teravox.Cli.Commands;

/// <summary>teravox segment: a trained model over a volume without labels.</summary>
internal static class SegmentCommand
{
    public static Command Make()
    {
        var raw = new Argument<string>("raw") { Description = "A folder, zip or multi-page TIFF of slices, or an OME-Zarr." };
        var model = new Option<string>("--model", "-m") { Description = "A .safetensors model, as an experiment leaves in models/.", Required = true };
        var outDir = Options.Out("Folder for labels.zarr, probabilities.zarr and provenance.json.");
        var tile = new Option<string?>("--tile") { Description = "Core of a tile, Z,Y,X in voxels; chosen when left out." };
        var halo = new Option<string?>("--halo") { Description = "Halo Z,Y,X in voxels; exact when left out." };
        var json = Options.Json();
        var device = Options.Device();
        var threads = Options.Threads();
        return new Command(
            "segment",
            """
            Runs a trained model over a volume of any size. Stopped or killed, the same command goes on from the last tile.

            Example:
              ./teravox segment my-stack/raw --model demo/models/multiclass.safetensors --out segmented
            """)
        {
            raw, model, outDir, tile, halo, json, device, threads,
        }.Does(async (r, ct) =>
        {
            var spec = new ExperimentSpec
            {
                Name = "segment",
                Preset = Preset.Segment,
                Data = new DataSource { Raw = Path.GetFullPath(r.GetRequiredValue(raw)) },
                Model = Path.GetFullPath(r.GetRequiredValue(model)),
                Inference = new InferenceOptions
                {
                    Tile = r.GetValue(tile) is { } t ? Options.ParseShape(t, "--tile") : null,
                    Halo = r.GetValue(halo) is { } h ? Options.ParseShape(h, "--halo") : null,
                },
            };
            var settings = new RunSettings(r.GetRequiredValue(device), Options.CheckThreads(r.GetRequiredValue(threads)), r.GetValue(json));
            return await EmbeddedRun.RunAsync(spec, r.GetRequiredValue(outDir), settings, ct);
        });
    }
}
