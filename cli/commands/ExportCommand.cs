// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Contracts;
using Teravox.Volumes;

namespace Teravox.Cli.Commands;

/// <summary>teravox export: a stored volume as a stack of images.</summary>
internal static class ExportCommand
{
    public static Command Make()
    {
        var volume = new Argument<string>("volume") { Description = "An OME-Zarr: labels.zarr, probabilities.zarr, raw." };
        var format = new Option<string>("--format", "-f") { Description = "tif or png.", DefaultValueFactory = _ => "tif" };
        var classes = new Option<string?>("--classes", "-c") { Description = "classes.json: a label volume's PNGs get the classes' colours as palette, its channels their names." };
        var outDir = Options.Out("Folder for the images; must not exist.");
        return new Command(
            "export",
            """
            Writes a stored volume as one image a slice; probabilities as one folder a class.

            Example:
              ./teravox export demo/labels.zarr --format png --out demo-labels
            """)
        {
            volume, format, classes, outDir,
        }.Does((r, ct) =>
        {
            var wanted = r.GetRequiredValue(format) switch
            {
                "tif" or "tiff" => ImageFormat.Tif,
                "png" => ImageFormat.Png,
                var other => throw new InputException($"--format {other}: must be tif or png."),
            };
            var folder = Path.GetFullPath(r.GetRequiredValue(outDir));
            using var progress = ProgressView.Make(json: false);
            var map = r.GetValue(classes) is { } file ? ClassMapFile.Load(file) : null;
            var source = OmeVolume.Open(r.GetRequiredValue(volume));
            if (map is not null && wanted == ImageFormat.Png && !source.HasChannels && source.Type == VoxelType.UInt8)
                wanted = ImageFormat.PalettePng;
            StackWriter.Write(source, folder, wanted, map, progress: (done, all) => progress.Check("exporting", done, all), ct: ct);
            progress.Finish();
            Console.Out.WriteLine($"Slices: {folder}");
            return Task.FromResult(Guarded.Success);
        });
    }
}
