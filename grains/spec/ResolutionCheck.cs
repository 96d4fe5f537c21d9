// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts;

namespace Teravox.Grains.Spec;

/// <summary>How sections are degraded and super-resolved: the fields, and what a preset fills in.</summary>
internal static class ResolutionCheck
{
    /// <summary>Most rows or columns of a kernel.</summary>
    private const int LargestKernel = 65;

    /// <summary>Checks the spec's fields, which need no file, and fills in what its preset leaves open; null where it has no use for them.</summary>
    public static (DegradeOptions? Degrade, SuperResolveOptions? SuperResolve) Run(ExperimentSpec spec, Action<bool, string, string> require)
    {
        var degrades = spec.Preset.Degrades();

        // A campaign over several tables has one spec for all of them, so the tables that do not degrade let the fields be.
        var isTable = spec.Preset.NeedsLabels();
        require(spec.Degrade is null || isTable, "degrade", "only the presets table5 and table6 degrade; remove it");
        require(spec.SuperResolve is null || spec.Preset != Preset.Segment, "superResolve", "only the presets table5, table6 and super-resolve take it; remove it");
        if (spec.Preset == Preset.SuperResolve)
        {
            var options = spec.SuperResolve ?? new SuperResolveOptions();
            Check(options, require);
            return (null, options);
        }

        if (!degrades)
            return (null, null);
        var degrade = spec.Degrade ?? new DegradeOptions();
        CheckScale(degrade.Scale, "degrade.scale", require);
        CheckKernel(degrade.Kernel, "degrade.kernel", require);
        CheckNoise(degrade.Noise, "degrade.noise", require);
        var superResolve = spec.SuperResolve ?? new SuperResolveOptions();
        Check(superResolve, require);
        require(
            superResolve.Scale is null || superResolve.Scale == degrade.Scale,
            "superResolve.scale",
            $"{superResolve.Scale} must be degrade.scale, {degrade.Scale}, so that the sections fit the original; leave it out");
        return (degrade, superResolve with { Scale = degrade.Scale, Kernel = superResolve.Kernel ?? degrade.Kernel });
    }

    private static void Check(SuperResolveOptions o, Action<bool, string, string> require)
    {
        const string at = "superResolve.";
        if (o.Scale is { } scale)
            CheckScale(scale, at + "scale", require);
        if (o.Kernel is { } kernel)
            CheckKernel(kernel, at + "kernel", require);
        CheckNoise(o.Noise, at + "noise", require);
        require(o.MaxIterations is >= 1 and <= 1_000_000, at + "maxIterations", $"{o.MaxIterations} must be 1..1000000");
        require(o.LearningRate is > 0 and < 1, at + "learningRate", "must be above 0 and below 1");
        require(o.MinLearningRate > 0 && o.MinLearningRate < o.LearningRate, at + "minLearningRate", "must be above 0 and below learningRate");
        require(o.Crop is >= 16 and <= 1024, at + "crop", $"{o.Crop} must be 16..1024");
        require(o.BackProjections is >= 0 and <= 100, at + "backProjections", $"{o.BackProjections} must be 0..100");
        require(o.Chain is >= 1 and <= 10_000, at + "chain", $"{o.Chain} must be 1..10000");
    }

    private static void CheckScale(Scale scale, string path, Action<bool, string, string> require) => require(
        scale.IsInRange,
        path,
        string.Create(CultureInfo.InvariantCulture, $"{scale} must be {Scale.Smallest}..{Scale.Largest} for both axes, or 1 for one of them"));

    private static void CheckNoise(double noise, string path, Action<bool, string, string> require) =>
        require(noise is >= 0 and <= 65535, path, "must be 0..65535 grey levels");

    private static void CheckKernel(Reduction? reduction, string path, Action<bool, string, string> require)
    {
        require(reduction is not null, path, "must say how sections are reduced; leave it out for bicubic");
        if (reduction!.Kernel is not { } rows)
            return;
        require(IsOdd(rows.Count), path, $"has {rows.Count} rows; it needs an odd number up to {LargestKernel}, so that it has a middle");
        for (var i = 0; i < rows.Count; i++)
        {
            var count = rows[i]?.Count ?? 0;
            require(count == rows[0]?.Count, path, $"row {i} has {count} numbers and row 0 has {rows[0]?.Count ?? 0}; all rows need the same number");
            require(IsOdd(count), path, $"its rows have {count} numbers; they need an odd number up to {LargestKernel}, so that it has a middle");
        }

        var sum = rows.Sum(r => r.Sum());
        require(
            Math.Abs(sum - 1) <= 1e-3,
            path,
            string.Create(CultureInfo.InvariantCulture, $"its weights add up to {sum:0.####}; they must add up to 1, so that brightness stays"));

        static bool IsOdd(int n) => n % 2 == 1 && n <= LargestKernel;
    }
}
