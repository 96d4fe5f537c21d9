// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Volumes;

namespace Teravox.Cli.Commands;

/// <summary>teravox zssr: an image, a stack or a volume enlarged by super-resolution.</summary>
internal static class ZssrCommand
{
    public static Command Make()
    {
        var input = new Argument<string>("input") { Description = "A TIFF or PNG image, a folder, zip or multi-page TIFF of slices, or an OME-Zarr; grey, 8 or 16 bits." };
        var scale = new Option<string?>("--scale", "-s") { Description = "By how much y and x grow, 1.2 to 4. Left out: what an OME-Zarr says it was degraded by, else 2." };
        var perAxis = new Option<string?>("--per-axis") { Description = "In place of --scale: Y,X, each 1.2 to 4; one of them may be 1." };
        var gradual = new Option<bool>("--gradual") { Description = "In steps of growing scale, each learning from the ones before: slower, finer for large scales." };
        var noise = new Option<double>("--noise") { Description = "For images that are noisy themselves: standard deviation of the noise, in grey levels, that the network learns with." };
        var kernel = new Option<string?>("--kernel") { Description = "The reduction to undo: bicubic, gaussian, or a JSON file with a kernel's rows [[...], ...]. Left out: what an OME-Zarr says, else bicubic." };
        var iterations = new Option<int>("--max-iterations") { Description = "Most iterations of a slice and step; the learning-rate rule usually ends before.", DefaultValueFactory = _ => new SuperResolveOptions().MaxIterations };
        var chain = new Option<int>("--chain") { Description = "Neighbouring slices done in a row, each starting from the weights of the one before: faster. 1: each for itself.", DefaultValueFactory = _ => 1 };
        var seed = new Option<ulong>("--seed") { Description = "On the CPU the same seed gives the same bytes." };
        var outDir = Options.Out("Folder for boosted.zarr, lr.zarr (bicubic, to compare), the picture, report.html, and boosted.tif or boosted/ where images came in.");
        var json = Options.Json();
        var device = Options.Device();
        var threads = Options.Threads();
        return new Command(
            "zssr",
            """
            Enlarges an image, a stack or a volume by zero-shot super-resolution: a small network learns from each slice itself how its own reductions are undone. Stopped or killed, the same command goes on from the last slice.

            Example:
              ./teravox zssr my-stack/raw --scale 2 --out boosted
              ./teravox zssr slice.tif --per-axis 2,1.5 --kernel gaussian --out slice-boosted
            """)
        {
            input, scale, perAxis, gradual, noise, kernel, iterations, chain, seed, outDir, json, device, threads,
        }.Does(async (r, ct) =>
        {
            var path = Path.GetFullPath(r.GetRequiredValue(input));
            var spec = new ExperimentSpec
            {
                Name = "zssr",
                Preset = Preset.SuperResolve,
                Seed = r.GetValue(seed),
                Data = new DataSource { Raw = path },
                SuperResolve = new SuperResolveOptions
                {
                    Scale = ParseScale(r.GetValue(scale), r.GetValue(perAxis)),
                    Kernel = r.GetValue(kernel) is { } k ? ParseKernel(k) : null,
                    Gradual = r.GetValue(gradual),
                    Noise = r.GetValue(noise),
                    MaxIterations = r.GetRequiredValue(iterations),
                    Chain = r.GetRequiredValue(chain),
                },
            };
            var settings = new RunSettings(r.GetRequiredValue(device), Options.CheckThreads(r.GetRequiredValue(threads)), r.GetValue(json));
            return await EmbeddedRun.RunAsync(spec, r.GetRequiredValue(outDir), settings, ct, (folder, progress) => ExportImages(path, folder, progress, ct));
        });
    }

    /// <summary>Images come out as images; an OME-Zarr as one alone.</summary>
    private static void ExportImages(string input, ExperimentFolder folder, ProgressView progress, CancellationToken ct)
    {
        if (OmeVolume.IsVolume(input))
            return;
        var boosted = OmeVolume.Open(Path.Combine(folder.Root, VolumeNames.Boosted + ".zarr"));
        var isImage = boosted.Shape.Z == 1 && File.Exists(input);
        var target = Path.Combine(folder.Root, VolumeNames.Boosted + (isImage ? ".tif" : ""));

        // Either appears whole or not at all, so what is there is what an earlier start wrote.
        if (Path.Exists(target))
            return;
        if (isImage)
            StackWriter.WriteSlice(boosted, 0, target);
        else
            StackWriter.Write(boosted, target, ImageFormat.Tif, progress: (done, all) => progress.Check("writing images", done, all), ct: ct);
    }

    /// <exception cref="InputException">Both are given, or one is no scale.</exception>
    private static Scale? ParseScale(string? both, string? perAxis)
    {
        if (both is not null && perAxis is not null)
            throw new InputException("--scale and --per-axis exclude each other: give one of them.");
        if (both is not null)
        {
            var s = Factor(both);
            return double.IsNaN(s) ? throw new InputException($"--scale {both}: expected a number, as in --scale 2.") : InRange(new Scale(s, s), $"--scale {both}");
        }

        if (perAxis is null)
            return null;
        var parts = perAxis.Split(',').Select(Factor).ToArray();
        return parts.Length != 2 || parts.Any(double.IsNaN)
            ? throw new InputException($"--per-axis {perAxis}: expected two numbers Y,X, as in --per-axis 2,1.5.")
            : InRange(new Scale(parts[0], parts[1]), $"--per-axis {perAxis}");
    }

    private static double Factor(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var s) ? s : double.NaN;

    private static Scale InRange(Scale scale, string option) => scale.IsInRange
        ? scale
        : throw new InputException(string.Create(CultureInfo.InvariantCulture, $"{option}: must be {Scale.Smallest} to {Scale.Largest}, or 1 for one of the two axes."));

    /// <exception cref="InputException">No such file, or it holds no kernel.</exception>
    private static Reduction ParseKernel(string kernel)
    {
        if (kernel is "bicubic" or "gaussian")
            return kernel == "bicubic" ? Reduction.Bicubic : Reduction.Gaussian;
        if (!File.Exists(kernel))
            throw new InputException($"--kernel {kernel}: must be bicubic, gaussian, or a JSON file, and there is no such file.");
        try
        {
            return JsonSerializer.Deserialize<Reduction>(File.ReadAllText(kernel), TeravoxJson.Compact) ?? throw new JsonException("expected a kernel's rows");
        }
        catch (JsonException e)
        {
            throw new InputException($"--kernel {kernel}: expected a kernel's rows, as [[0.25, 0.5, 0.25]] ({e.Message}).", e);
        }
    }
}
