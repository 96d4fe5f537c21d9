// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Grains.Ledger;
using Teravox.Grains.Report;
using Teravox.Grains.Scoring;
using Teravox.Volumes;

namespace Teravox.Grains;

/// <summary>The end of an experiment: scores from the summed counts, the report's pictures, provenance.</summary>
public sealed class ReportGrain(ExperimentStore store) : IWorkGrain
{
    internal const string KindName = "report";

    /// <inheritdoc/>
    public string Kind => KindName;

    /// <inheritdoc/>
    public async Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct)
    {
        var experiment = turn.Lease.ExperimentId;
        var plan = await store.PlanAsync(experiment, ct);
        var folder = store.Folder(experiment);

        // 1. Where everything came from.
        var provenance = await Provenance.OfAsync(store, experiment, plan, folder, ct);
        provenance.Write(folder.Provenance);

        // 2. Scores and pictures, where there is truth.
        if (plan.Spec.Preset != Preset.Segment)
            ReportWriter.Write(folder.Report, await InputAsync(experiment, plan, folder, provenance, ct));

        // 3. Every writer of these volumes is done: what killed ones left behind can go.
        foreach (var prediction in plan.Predictions())
        {
            OmeVolume.Open(folder.Probabilities(prediction)).DeleteLeftovers();
            OmeVolume.Open(folder.Labels(prediction)).DeleteLeftovers();
        }

        foreach (var left in Directory.EnumerateFileSystemEntries(folder.Root, AtomicFile.TemporaryPrefix + "*", SearchOption.AllDirectories).ToList())
        {
            if (Directory.Exists(left))
                Directory.Delete(left, recursive: true);
            else
                File.Delete(left);
        }

        return new WorkResult();
    }

    private async Task<ReportInput> InputAsync(long experiment, ExperimentPlan plan, ExperimentFolder folder, Provenance provenance, CancellationToken ct)
    {
        var counts = new List<PredictionCounts>();
        foreach (var prediction in plan.Predictions())
            counts.Add(await CountsAsync(experiment, plan, prediction, ct));
        var regions = new ScoreRegions([plan.Train], [plan.Test]);
        var preset = JsonSerializer.SerializeToElement(plan.Spec.Preset, TeravoxJson.Compact).GetString();
        var histogram = new VoxelHistogram((await store.SumsAsync(experiment, StageNames.Import, ct))[VolumeGrain.HistogramSum]);
        return new ReportInput
        {
            Scores = ScoreBuilder.Build(plan.Spec.Name, preset, plan.Classes, regions, counts),
            Shape = plan.Shape,
            VoxelSize = plan.VoxelSize,
            IsPhantom = plan.Spec.Data.Phantom is not null,
            Overlays = Sections(plan, folder, histogram),
            Losses = await LossesAsync(experiment, plan, ct),
            Previews = [await PreviewAsync(experiment, plan, folder, ct)],
            SpecJson = JsonSerializer.Serialize(plan.Spec, TeravoxJson.Indented),
            Provenance = Facts(plan, provenance),
        };
    }

    private async Task<PredictionCounts> CountsAsync(long experiment, ExperimentPlan plan, string prediction, CancellationToken ct)
    {
        var size = plan.ChannelsOf(prediction) * GreyHistogram.Length;
        var (train, test) = (new long[size], new long[size]);
        foreach (var network in plan.Networks.Where(n => n.Prediction == prediction))
        {
            var sums = await store.SumsAsync(experiment, StageNames.Infer(network.Name), ct);
            sums[TileGrain.TrainGreySum].CopyTo(train, network.Channel * GreyHistogram.Length);
            sums[TileGrain.TestGreySum].CopyTo(test, network.Channel * GreyHistogram.Length);
        }

        var confusion = (await store.SumsAsync(experiment, StageNames.Label(prediction), ct))[LabelGrain.TestConfusionSum];
        return new PredictionCounts(prediction, train, test, confusion);
    }

    private async Task<IReadOnlyList<LossCurve>> LossesAsync(long experiment, ExperimentPlan plan, CancellationToken ct)
    {
        var curves = new List<LossCurve>();
        foreach (var network in plan.Networks)
        {
            var result = (await store.ResultsAsync<TrainingGrain.TrainingResult>(experiment, StageNames.Train(network.Name), ct))[0];
            curves.Add(new LossCurve(network.Name, result.Losses) { Iterations = result.Iterations });
        }

        return curves;
    }

    // The test region's middle section, and a cut along z through training and test region alike.
    private static IReadOnlyList<OverlaySet> Sections(ExperimentPlan plan, ExperimentFolder folder, VoxelHistogram histogram)
    {
        var reader = new SectionReader(OmeVolume.Open(folder.Raw(plan)), histogram);
        var truth = OmeVolume.Open(folder.Truth);
        (string Name, OmeVolume Labels)[] predictions = [.. plan.Predictions().Select(p => (p, OmeVolume.Open(folder.Labels(p))))];
        return
        [
            reader.Xy(plan.Test.Start.Z + (plan.Test.Shape.Z / 2), truth, predictions),
            reader.Yz(plan.Shape.X / 2, truth, predictions),
        ];
    }

    private async Task<ReportPicture> PreviewAsync(long experiment, ExperimentPlan plan, ExperimentFolder folder, CancellationToken ct)
    {
        var sampler = PatchSampler.Of(plan, folder);
        var statistics = await store.NormalisationAsync(experiment, ct);
        return AugmentationPreview.Draw(plan.Spec.Training, sampler, plan.Type, plan.VoxelSize, plan.Spec.Seed, statistics, plan.Classes);
    }

    private static IReadOnlyList<ReportFact> Facts(ExperimentPlan plan, Provenance provenance) =>
    [
        .. provenance.Versions.Select(v => new ReportFact(v.Key, v.Value)),
        .. provenance.Inputs.Select(i => new ReportFact(i.Key + " SHA-256", i.Value)),
        .. provenance.Models.Select(m => new ReportFact(m.Key + " SHA-256", m.Value)),
        new("tiles", $"{plan.Tile} with halo {plan.Halo}{(plan.HaloIsExact ? " (exact)" : " (not exact: tile borders may show)")}"),
        new("seed", plan.Spec.Seed.ToString(System.Globalization.CultureInfo.InvariantCulture)),
    ];
}
