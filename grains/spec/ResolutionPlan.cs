// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains.Resolution;
using Teravox.Networks;

namespace Teravox.Grains.Spec;

/// <summary>Plans the volumes of other resolutions, and which networks learn from them or are run over them.</summary>
internal static class ResolutionPlan
{
    /// <summary>
    /// Least rows and columns of a section that was degraded: super-resolution learns from crops of it, and from less there is
    /// hardly anything to learn.
    /// </summary>
    private const int SmallestSide = 16;

    /// <summary>Most rows and columns of a stored chunk of a section.</summary>
    private const int ChunkSide = 256;

    /// <summary>The plan with its volumes, networks and notes; as it was for presets that need none.</summary>
    /// <param name="plan">Without volumes; the spec's fields are filled in by <see cref="ResolutionCheck"/>.</param>
    /// <param name="require">Throws where its condition is false.</param>
    public static ExperimentPlan Of(ExperimentPlan plan, Action<bool, string, string> require) => plan.Spec.Preset switch
    {
        Preset.Table5 => Table5(plan, require),
        Preset.Table6 => Table6(plan, require),
        Preset.SuperResolve => SuperResolve(plan, require),
        _ => plan,
    };

    // One network, trained on the original, over the test sections in three resolutions.
    private static ExperimentPlan Table5(ExperimentPlan plan, Action<bool, string, string> require)
    {
        var network = plan.Networks[0] with { Prediction = VolumeNames.Train, Volume = VolumeNames.Train };
        return Degraded(plan, plan.Test, require) with
        {
            Networks = [network],
            Applications =
            [
                new(VolumeNames.Original, network.Name, VolumeNames.Test),
                new(VolumeNames.Lr, network.Name, VolumeNames.Lr),
                new(VolumeNames.Boosted, network.Name, VolumeNames.Boosted),
            ],
        };
    }

    // Two networks that differ in the training sections' resolution alone, over the original's test sections.
    private static ExperimentPlan Table6(ExperimentPlan plan, Action<bool, string, string> require)
    {
        string[] volumes = [VolumeNames.Lr, VolumeNames.Boosted];
        return Degraded(plan, plan.Train, require) with
        {
            Networks = [.. volumes.Select(v => plan.Networks[0] with { Name = NameOn(v), Prediction = NameOn(v), Volume = v })],
            Applications = [.. volumes.Select(v => new PlannedApplication(v, NameOn(v), VolumeNames.Test))],
        };

        static string NameOn(string volume) => "multiclass-" + volume;
    }

    private static ExperimentPlan Degraded(ExperimentPlan plan, Box3 region, Action<bool, string, string> require)
    {
        var (degrade, superResolve) = (plan.Spec.Degrade!, plan.Spec.SuperResolve!);
        var (y, x) = Resampler.ReducedShape(plan.Shape.Y, plan.Shape.X, degrade.Scale);
        require(
            y >= SmallestSide && x >= SmallestSide,
            "degrade.scale",
            $"sections of {plan.Shape.Y} x {plan.Shape.X} pixels reduced by {degrade.Scale} are {y} x {x}; super-resolution needs {SmallestSide} a side");
        CheckKernel(degrade.Kernel, plan.Shape, "degrade.kernel", require);
        CheckKernel(superResolve.Kernel!, plan.Shape, "superResolve.kernel", require);
        CheckSize(plan.Shape.Y, plan.Shape.X, plan.Type, require);
        return plan with
        {
            Volumes =
            [
                new(VolumeNames.Train, plan.Train.Shape, plan.Train, plan.VoxelSize, plan.Chunk),
                new(VolumeNames.Test, plan.Test.Shape, plan.Test, plan.VoxelSize, plan.Chunk),
                InSections(plan, VolumeNames.LowRes, region, y, x),
                InSections(plan, VolumeNames.Lr, region, plan.Shape.Y, plan.Shape.X),
                InSections(plan, VolumeNames.Boosted, region, plan.Shape.Y, plan.Shape.X),
            ],
            Notes = superResolve.Kernel!.Equals(degrade.Kernel)
                ? null
                : [$"Sections are reduced by {degrade.Kernel}, and super-resolution undoes {superResolve.Kernel}: by the wrong reduction it may come out below bicubic enlargement."],
        };
    }

    private static ExperimentPlan SuperResolve(ExperimentPlan plan, Action<bool, string, string> require)
    {
        var asked = plan.Spec.SuperResolve!;
        var path = plan.Spec.Data.Raw;
        var recorded = path is null ? null : Degradations.Of(path);
        var scale = asked.Scale ?? recorded?.Scale ?? Scale.Two;
        require(scale.IsInRange, "superResolve.scale", $"{path} was reduced by {scale}, which is out of range; give another scale");
        var kernel = asked.Kernel ?? recorded?.Kernel ?? Reduction.Bicubic;
        CheckKernel(kernel, plan.Shape, "superResolve.kernel", require);

        // Sizes that the scale does not divide: the record says what the sections were.
        var enlarged = Resampler.EnlargedShape(plan.Shape.Y, plan.Shape.X, scale);
        if (recorded is { Section: [var rows, var columns] } && recorded.Scale == scale && Resampler.ReducedShape(rows, columns, scale) == (plan.Shape.Y, plan.Shape.X))
            enlarged = (rows, columns);
        CheckSize(enlarged.Y, enlarged.X, plan.Type, require);
        var whole = Box3.Whole(plan.Shape);
        return plan with
        {
            Spec = plan.Spec with { SuperResolve = asked with { Scale = scale, Kernel = kernel } },
            Networks = [],
            Volumes = [InSections(plan, VolumeNames.Lr, whole, enlarged.Y, enlarged.X), InSections(plan, VolumeNames.Boosted, whole, enlarged.Y, enlarged.X)],
            Notes = [NoteOn(kernel, asked.Kernel, recorded?.Kernel)],
        };
    }

    private static string NoteOn(Reduction kernel, Reduction? asked, Reduction? recorded) => (asked, recorded) switch
    {
        (null, null) => "How the sections were reduced is not known: bicubic reduction is assumed. If it was another, super-resolution may come out below bicubic enlargement; give superResolve.kernel.",
        (null, _) => $"The sections were reduced by {kernel}, as the volume records; super-resolution undoes that.",
        (_, null) => $"Super-resolution undoes {kernel}, as the spec says.",
        _ when asked.Equals(recorded) => $"Super-resolution undoes {kernel}, as spec and volume say.",
        _ => $"Super-resolution undoes {kernel}, as the spec says, though the volume records {recorded}: by the wrong reduction it may come out below bicubic enlargement.",
    };

    // A volume whose sections are work items: no chunk has two writers.
    private static PlannedVolume InSections(ExperimentPlan plan, string name, Box3 region, int y, int x) => new(
        name,
        new Int3(region.Shape.Z, y, x),
        region,
        plan.VoxelSize with { Y = Nanometres(plan.VoxelSize.Y, plan.Shape.Y, y), X = Nanometres(plan.VoxelSize.X, plan.Shape.X, x) },
        new Int3(1, Math.Min(ChunkSide, y), Math.Min(ChunkSide, x)));

    // Both volumes cover the same extent. Rounding keeps 8 nm from becoming 8.000000000000002.
    private static double Nanometres(double size, int from, int to) => from == to ? size : Math.Round(size * from / to, 9);

    private static void CheckKernel(Reduction reduction, Int3 shape, string path, Action<bool, string, string> require)
    {
        if (reduction.Kernel is { } rows)
            require(rows.Count <= shape.Y && rows[0].Count <= shape.X, path, $"{reduction} is larger than a section, {shape.Y} x {shape.X}");
    }

    private static void CheckSize(int y, int x, VoxelType type, Action<bool, string, string> require) =>
        require((long)y * x * type.Bytes() <= Array.MaxLength, "data", $"sections of {y} x {x} pixels are more than the 2 GiB that one may take");
}
