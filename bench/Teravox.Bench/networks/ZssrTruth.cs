// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts;
using Teravox.Grains.Resolution;
using Teravox.Grains.Scoring;
using Teravox.Networks;
using Teravox.Volumes;

namespace Teravox.Bench.Networks;

/// <summary>Super-resolution against the truth: sections of a stack are reduced by 2 with a known kernel, restored, and compared with what they were.</summary>
/// <param name="stack">The true sections.</param>
/// <param name="centre">Side of the middle square that is taken, pixels; null: a section whole.</param>
/// <param name="reduction">What makes the sections that are restored.</param>
/// <param name="sons">What the network learns to undo.</param>
/// <param name="options">Its other settings.</param>
/// <param name="threads">Its threads.</param>
internal sealed class ZssrTruth(ImageStack stack, int? centre, Reduction reduction, Reduction sons, SuperResolveOptions options, int threads)
{
    private const ulong Seed = 1;

    private readonly List<Row> _rows = [];

    /// <summary>How near a section was brought to what it was; null where they are equal, or too small for a window.</summary>
    private sealed record Quality(double? Psnr, double? Ssim);

    private sealed record Row(int Section, string ReducedBy, string LearntToUndo, Quality Bicubic, Quality Zssr, long Iterations, bool FellBack, double Seconds)
    {
        public double? Gain => Zssr.Psnr - Bicubic.Psnr;
    }

    /// <summary>Restores some sections, one after the other, and prints the table.</summary>
    /// <param name="sections">"3,8,12", by their place in the stack, from 0; null: all.</param>
    /// <param name="json">The file that the figures go to, too, if any.</param>
    /// <param name="ct">Asked between iterations.</param>
    /// <exception cref="InputException">No such section, a square that is larger than a section, or a setting that cannot be used.</exception>
    public async Task RunAsync(string? sections, string? json, CancellationToken ct)
    {
        var chosen = Choose(sections);
        if (centre is { } side && (side < 2 || side > Math.Min(stack.Shape.Y, stack.Shape.X)))
            throw new InputException($"--centre {side}: the sections have {stack.Shape.Y} x {stack.Shape.X} pixels; give 2 to {Math.Min(stack.Shape.Y, stack.Shape.X)}");
        using var resolver = new SuperResolver(options, sons, "cpu", threads);
        var (y, x) = (centre ?? stack.Shape.Y, centre ?? stack.Shape.X);
        Console.WriteLine($"machine: {Machine.Describe()}");
        Console.WriteLine($"{y} x {x} pixels of each section, scale 2, at most {options.MaxIterations} iterations, threads: {threads}, seed {Seed}");
        foreach (var z in chosen)
        {
            _rows.Add(Restore(resolver, z, ct));

            // Sections take minutes each: what is known is told at once.
            await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"section {z:D2}: {_rows[^1].Iterations} iterations in {_rows[^1].Seconds:F0} s, {_rows[^1].Gain:+0.00;-0.00} dB"));
        }

        Print();
        await BenchCommand.SaveAsync(json, _rows, ct);
    }

    private int[] Choose(string? sections)
    {
        if (sections is null)
            return [.. Enumerable.Range(0, stack.Shape.Z)];
        return [.. sections.Split(',').Select(text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var z) && z < stack.Shape.Z
            ? z
            : throw new InputException($"--sections {sections}: {stack.Source} has sections 0 to {stack.Shape.Z - 1}; name them as in --sections 3,8,12"))];
    }

    private Row Restore(SuperResolver resolver, int z, CancellationToken ct)
    {
        var type = stack.Kind.VoxelType();
        var (truth, y, x) = Middle(stack.ReadSlice(z));
        var (from, to) = (Resampler.ReducedShape(y, x, Scale.Two), (y, x));

        // 1. What a microscope of half the resolution would have given, in whole grey levels.
        var grey = new float[from.Y * from.X];
        Resampler.Reduce(Sections.ToGrey(truth, type), to, from, reduction, grey);
        var coarse = Sections.ToVoxels(grey, type);

        // 2. Both ways back.
        var enlarged = new float[y * x];
        Resampler.Enlarge(Sections.ToGrey(coarse, type), from, to, enlarged);
        var restored = resolver.Run(coarse, type, from.Y, from.X, Seed, null, ct, enlarged: to);
        return new Row(
            z,
            reduction.ToString(),
            sons.Equals(reduction) ? "the same" : sons.ToString(),
            Compare(Sections.ToVoxels(enlarged, type)),
            Compare(restored.Voxels),
            restored.State.Iterations,
            restored.State.FellBack,
            restored.Time.TotalSeconds);

        Quality Compare(byte[] image) => new(ImageQuality.Psnr(image, truth, type, y, x), ImageQuality.Ssim(image, truth, type, y, x));
    }

    private (byte[] Voxels, int Y, int X) Middle(SliceImage whole)
    {
        if (centre is not { } side)
            return (whole.Data, whole.Height, whole.Width);
        var (top, left, bytes) = ((whole.Height - side) / 2, (whole.Width - side) / 2, whole.Kind.Bytes());
        var middle = new byte[side * side * bytes];
        for (var row = 0; row < side; row++)
            whole.Data.AsSpan((((top + row) * whole.Width) + left) * bytes, side * bytes).CopyTo(middle.AsSpan(row * side * bytes));
        return (middle, side, side);
    }

    private void Print()
    {
        var table = new TextTable("section", "reduced by", "learnt to undo", "PSNR bicubic", "PSNR ZSSR", "gain", "SSIM bicubic", "SSIM ZSSR", "iterations", "seconds");
        foreach (var r in _rows)
        {
            table.Add(
                Text(r.Section, "D2"),
                r.ReducedBy,
                r.LearntToUndo,
                Text(r.Bicubic.Psnr, "F2"),
                Text(r.Zssr.Psnr, "F2"),
                Text(r.Gain, "+0.00;-0.00"),
                Text(r.Bicubic.Ssim, "F4"),
                Text(r.Zssr.Ssim, "F4"),
                Text(r.Iterations, "D") + (r.FellBack ? " (bicubic taken)" : ""),
                Text(r.Seconds, "F0"));
        }

        table.Print();
        if (_rows is { Count: > 1 })
            Console.WriteLine($"gain: {Text(_rows.Average(r => r.Gain), "+0.00;-0.00")} dB on average, {Text(_rows.Min(r => r.Gain), "+0.00;-0.00")} dB at least");
    }

    private static string Text(IFormattable? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";
}
