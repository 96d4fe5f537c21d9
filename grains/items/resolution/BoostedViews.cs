// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Report;

namespace Teravox.Grains.Resolution;

/// <summary>What super-resolution made of an experiment's volume, read from stored outcomes and files for its report.</summary>
internal static class BoostedViews
{
    public static async Task<BoostedReport> OfAsync(ExperimentStore store, long experiment, ExperimentPlan plan, ExperimentFolder folder, CancellationToken ct)
    {
        var options = plan.Spec.SuperResolve!;
        var boosted = plan.Volume(VolumeNames.Boosted);
        var grey = new GreyScale(await store.HistogramAsync(experiment, VolumeNames.Original, ct));
        var results = await store.ResultsAsync<SuperResolveGrain.Result>(experiment, StageNames.SuperResolve, ct);
        var middle = boosted.Shape.Z / 2;
        return new BoostedReport
        {
            Scale = options.Scale!.Value,
            Kernel = options.Kernel!,
            Shape = boosted.Shape,
            VoxelSize = boosted.VoxelSize,
            Notes = plan.Notes ?? [],
            Sections =
            [
                .. results.Values.SelectMany(r => r.Sections).OrderBy(s => s.Section)
                    .Select(s => new BoostedRun(s.Section, s.Iterations, s.LearningRate, s.BicubicError, s.Error, s.FellBack)),
            ],
            Views = SideBySide.Of(
                Sections.NumberOf(boosted, middle), Read(Sections.Source(plan)), Read(plan.Volume(VolumeNames.Lr)), Read(boosted), boosted.VoxelSize.Y / boosted.VoxelSize.X),
        };

        // All three by the original's scale of greys, so that they can be compared by eye.
        GreySection Read(PlannedVolume volume) => new(grey.Of(Sections.Read(plan, folder, volume, middle)), volume.Shape.Y, volume.Shape.X);
    }
}
