// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Contracts;
using Teravox.Networks;
using Teravox.Volumes;

namespace Teravox.Bench.Networks;

/// <summary>
/// Super-resolution of one section beside the same in eager PyTorch: the same network, crops, steps, reconstruction errors and eight back-projected
/// outputs. Both run in turn. With --data, real sections against the truth instead: <see cref="ZssrTruth"/>.
/// </summary>
internal static class ZssrCommand
{
    public static Command Make()
    {
        var size = new Option<int>("--size") { DefaultValueFactory = _ => 128, Description = "Side of the section, pixels." };
        var iterations = new Option<int?>("--iterations") { Description = "Training iterations of a section. Left out: 100; with --data as many as the learning-rate rule takes, 3000 at most." };
        var data = new Option<string?>("--data") { Description = "In place of the speed, how near real sections come to the truth: a folder, zip or multi-page TIFF of slices, or an OME-Zarr; grey." };
        var sections = new Option<string?>("--sections") { Description = "With --data: which, by their place from 0, as 3,8,12. Left out: all." };
        var centre = new Option<int?>("--centre") { Description = "With --data: side of the middle square that is taken of a section, pixels. Left out: sections whole." };
        var reduction = Kernel("--reduction", "With --data: what the sections are reduced by. Left out: bicubic.");
        var sons = Kernel("--sons", "With --data: the reduction that the network learns to undo. Left out: the one of --reduction.");
        var (threads, rounds, json) = (PythonChild.Threads(), PythonChild.Rounds(), BenchCommand.JsonFile());
        return new Command(
            "zssr",
            """
            How much faster a section is enlarged than by eager PyTorch; with --data, how near sections that were reduced by 2 are brought to what they were.

            Example:
              ./teravox bench zssr --rounds 3
              ./teravox bench zssr --data my-stack/raw --sections 3,8 --centre 512 --threads 1 --reduction gaussian
            """)
        {
            size, iterations, data, sections, centre, reduction, sons, threads, rounds, json,
        }.Does(async (result, ct) =>
        {
            if (result.GetValue(data) is { } path)
            {
                Refuse(result, "does not go with --data", size, rounds);
                var settings = new SuperResolveOptions();
                settings = settings with { MaxIterations = result.GetValue(iterations) ?? settings.MaxIterations };
                var reducedBy = Named(result.GetValue(reduction)) ?? Reduction.Bicubic;
                using var stack = ImageStack.Open(path);
                var truth = new ZssrTruth(stack, result.GetValue(centre), reducedBy, Named(result.GetValue(sons)) ?? reducedBy, settings, result.GetValue(threads));
                await truth.RunAsync(result.GetValue(sections), result.GetValue(json), ct);
                return 0;
            }

            Refuse(result, "needs --data", sections, centre, reduction, sons);
            var (side, steps) = (result.GetValue(size), result.GetValue(iterations) ?? 100);
            using var folder = new BenchFolder(null);
            var file = Path.Combine(folder.Path, "section");

            // 1. A section that was reduced from a finer one.
            var fine = Tissue(2 * side);
            var coarse = new float[side * side];
            Resampler.Reduce(fine, (2 * side, 2 * side), (side, side), Reduction.Bicubic, coarse);
            var section = ToBytes(coarse);
            await File.WriteAllBytesAsync(file, section, ct);

            // 2. Both in turn, as many iterations each.
            using var eager = PythonChild.Start("eager_zssr.py", file, side, steps, result.GetValue(threads), file + ".eager");
            var version = await eager.HearAsync(ct);
            var options = new SuperResolveOptions { MaxIterations = steps, MinLearningRate = 1e-12 };
            using var resolver = new SuperResolver(options, Reduction.Bicubic, "cpu", result.GetValue(threads));
            var times = new SideBySide("eager PyTorch", "Teravox");
            SuperResolution? made = null;
            for (var round = 0; round < result.GetValue(rounds); round++)
            {
                var others = await eager.RoundAsync(ct);
                made = resolver.Run(section, VoxelType.UInt8, side, side, seed: (ulong)round, null, ct);
                times.Add(others, made.Time.TotalSeconds);
            }

            // 3. How near both come to the finer section.
            var bicubic = new float[fine.Length];
            Resampler.Enlarge(coarse, (side, side), (2 * side, 2 * side), bicubic);
            Console.WriteLine($"machine: {Machine.Describe()}; PyTorch {version.Split(' ')[^1]}");
            Console.WriteLine($"section {side} x {side}, scale 2, {steps} iterations, {result.GetValue(threads)} threads");
            var theirs = await File.ReadAllBytesAsync(file + ".eager", ct);
            Console.WriteLine(FormattableString.Invariant($"PSNR: bicubic {Psnr(fine, ToBytes(bicubic)):0.00} dB, eager PyTorch {Psnr(fine, theirs):0.00} dB, Teravox {Psnr(fine, made!.Voxels):0.00} dB"));
            times.Print("sections/h", seconds => 3600 / seconds);
            await BenchCommand.SaveAsync(result.GetValue(json), times, ct);
            return 0;
        });
    }

    private static Option<string?> Kernel(string name, string description) => new Option<string?>(name) { Description = description }.AcceptOnlyFromAmong("gaussian", "bicubic");

    private static Reduction? Named(string? kernel) => kernel switch { null => null, "gaussian" => Reduction.Gaussian, _ => Reduction.Bicubic };

    private static void Refuse(ParseResult result, string why, params IEnumerable<Option> options)
    {
        if (options.FirstOrDefault(o => result.GetResult(o) is { Implicit: false }) is { } given)
            throw new InputException($"{given.Name} {why}");
    }

    // Cells with sharp outlines: waves of random directions, cut at levels.
    private static float[] Tissue(int side)
    {
        var random = new Random(1);
        var waves = Enumerable.Range(0, 24).Select(k => (Angle: random.NextDouble() * Math.Tau, Phase: random.NextDouble() * Math.Tau, Rate: .05 + (.012 * k))).ToArray();
        return [.. Enumerable.Range(0, side * side).Select(i =>
        {
            var sum = waves.Sum(w => Math.Sin((w.Rate * ((i / side * Math.Cos(w.Angle)) + (i % side * Math.Sin(w.Angle)))) + w.Phase));
            return Math.Abs(sum) < .8 ? 60f : sum > 3 ? 120f : 190f;
        })];
    }

    private static byte[] ToBytes(float[] levels) => Array.ConvertAll(levels, static l => (byte)Math.Clamp(MathF.Round(l), 0, 255));

    private static double Psnr(float[] truth, byte[] image) => 10 * Math.Log10(255 * 255 / truth.Zip(image, static (a, b) => (a - b) * (a - b)).Average());
}
