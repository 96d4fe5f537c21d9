// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Orleans.Concurrency;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains.Report;
using Teravox.Grains.Resolution;
using Teravox.Grains.Scoring;
using Teravox.Volumes;

namespace Teravox.Grains;

/// <summary>The end of an experiment: scores from the summed counts, the report's pictures, provenance.</summary>
[StatelessWorker(1)]
[GrainType("report")]
public sealed class ReportGrain(RunningWork running, ExperimentStore store) : ItemGrain(running), IStepGrain
{
    internal const string KindName = "report";

    /// <inheritdoc/>
    protected internal override async Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct)
    {
        var experiment = turn.Item.Stage.Experiment;
        var plan = await store.PlanAsync(experiment, ct);
        var folder = store.Folder(experiment);

        // 1. Where everything came from.
        var provenance = await Provenance.OfAsync(store, experiment, plan, folder, ct);
        provenance.Write(folder.Provenance);

        // 2. Scores and pictures, where there is truth; pictures alone of what was super-resolved.
        if (plan.Spec.Preset.NeedsLabels())
            ReportWriter.Write(folder.Report, await InputAsync(experiment, plan, folder, provenance, ct));
        else if (plan.Spec.Preset == Preset.SuperResolve)
            ReportWriter.WriteBoosted(folder.Report, await BoostedInputAsync(experiment, plan, folder, provenance, ct));

        // 3. Every writer of this folder is done: what killed ones left behind can go.
        OrphanedFiles.Delete(folder.Root);
        return new WorkResult();
    }

    private async Task<ReportInput> InputAsync(long experiment, ExperimentPlan plan, ExperimentFolder folder, Provenance provenance, CancellationToken ct)
    {
        var counts = new List<PredictionCounts>();
        foreach (var prediction in plan.Scored())
            counts.Add(await CountsAsync(experiment, plan, prediction, ct));
        var regions = new ScoreRegions([plan.Train], [plan.Test]);
        var histogram = await store.HistogramAsync(experiment, VolumeNames.Original, ct);
        var reader = new SectionReader(OmeVolume.Open(folder.Raw(plan)), histogram);
        return new ReportInput
        {
            Scores = ScoreBuilder.Build(plan.Spec.Name, PresetName(plan), plan.Classes, regions, counts) with { Images = await ImagesAsync(experiment, plan, ct) },
            Shape = plan.Shape,
            VoxelSize = plan.VoxelSize,
            IsPhantom = plan.Spec.Data.Phantom is not null,
            Overlays = Sections(plan, folder, reader),
            Restored = Restored(plan, folder, reader),
            Losses = await LossesAsync(experiment, plan, ct),
            Previews = [await PreviewAsync(experiment, plan, folder, ct)],
            SpecJson = JsonSerializer.Serialize(plan.Spec, TeravoxJson.Indented),
            Provenance = Facts(plan, provenance),
        };
    }

    private async Task<ReportInput> BoostedInputAsync(long experiment, ExperimentPlan plan, ExperimentFolder folder, Provenance provenance, CancellationToken ct) => new()
    {
        Scores = ScoreBuilder.Build(plan.Spec.Name, PresetName(plan), plan.Classes, new ScoreRegions([], []), []),
        Shape = plan.Shape,
        VoxelSize = plan.VoxelSize,
        IsPhantom = plan.Spec.Data.Phantom is not null,
        Boosted = await BoostedViews.OfAsync(store, experiment, plan, folder, ct),
        SpecJson = JsonSerializer.Serialize(plan.Spec, TeravoxJson.Indented),
        Provenance = Facts(plan, provenance),
    };

    private static string? PresetName(ExperimentPlan plan) => JsonSerializer.SerializeToElement(plan.Spec.Preset, TeravoxJson.Compact).GetString();

    private async Task<PredictionCounts> CountsAsync(long experiment, ExperimentPlan plan, string prediction, CancellationToken ct)
    {
        var size = plan.ChannelsOf(prediction) * GreyHistogram.Length;
        var (train, test) = (new long[size], new long[size]);
        foreach (var inference in plan.InferencesOf(prediction))
        {
            var network = inference.Network;
            var own = await store.SumsAsync(experiment, StageNames.Infer(network.Name), ct);
            own[TileGrain.TrainGreySum].CopyTo(train, network.Channel * GreyHistogram.Length);
            var scored = await store.SumsAsync(experiment, StageNames.Infer(inference.Name), ct);
            scored[TileGrain.TestGreySum].CopyTo(test, network.Channel * GreyHistogram.Length);
        }

        var confusion = (await store.SumsAsync(experiment, StageNames.Label(prediction), ct))[LabelGrain.TestConfusionSum];
        return new PredictionCounts(prediction, train, test, confusion);
    }

    private async Task<ImageScores?> ImagesAsync(long experiment, ExperimentPlan plan, CancellationToken ct)
    {
        if (plan.Spec is not { Degrade: { } degrade, SuperResolve: { } superResolve })
            return null;
        var runs = (await store.ResultsAsync<SuperResolveGrain.Result>(experiment, StageNames.SuperResolve, ct)).Values.SelectMany(r => r.Sections).ToDictionary(r => r.Section);
        var sections = (await store.ResultsAsync<CompareGrain.SectionQuality>(experiment, StageNames.Compare, ct)).Values.OrderBy(s => s.Section);
        return new ImageScores
        {
            Scale = degrade.Scale,
            Degraded = degrade.Kernel,
            Noise = degrade.Noise,
            Learnt = superResolve.Kernel!,
            Sections = [.. sections.Select(s => new SectionImages(s.Section, s.Lr, s.Boosted, runs[s.Section].Iterations, runs[s.Section].FellBack))],
        };
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

    // The test region's middle section, and a cut along z through all that was predicted.
    private static IReadOnlyList<OverlaySet> Sections(ExperimentPlan plan, ExperimentFolder folder, SectionReader reader)
    {
        var truth = OmeVolume.Open(folder.Truth);
        var predictions = plan.Scored().Select(Prediction).ToList();
        return [reader.Xy(plan.Test.Start.Z + (plan.Test.Shape.Z / 2), truth, predictions), reader.Yz(plan.Shape.X / 2, truth, predictions)];

        SectionPrediction Prediction(string name)
        {
            var volume = plan.VolumeOf(name);
            var seen = volume.Name is VolumeNames.Lr or VolumeNames.Boosted ? OmeVolume.Open(folder.Volume(plan, volume)) : null;
            return new SectionPrediction(name, OmeVolume.Open(folder.Labels(name)), volume.Region, seen);
        }
    }

    private static RestoredCrop? Restored(ExperimentPlan plan, ExperimentFolder folder, SectionReader reader)
    {
        if (!plan.Spec.Preset.Degrades())
            return null;
        var region = plan.Volume(VolumeNames.Lr).Region;
        return reader.Restored(region.Start.Z + (region.Shape.Z / 2), Open(VolumeNames.Lr), Open(VolumeNames.Boosted), region);

        OmeVolume Open(string name) => OmeVolume.Open(folder.Volume(plan, plan.Volume(name)));
    }

    private async Task<ReportPicture> PreviewAsync(long experiment, ExperimentPlan plan, ExperimentFolder folder, CancellationToken ct)
    {
        var volume = plan.Volume(plan.Networks[0].Volume ?? VolumeNames.Original);
        var sampler = PatchSampler.Of(plan, folder, volume);
        var statistics = await store.NormalisationAsync(experiment, volume.Name, ct);
        return AugmentationPreview.Draw(plan.Spec.Training, sampler, plan.Type, plan.VoxelSize, plan.Spec.Seed, statistics, plan.Classes);
    }

    private static IReadOnlyList<ReportFact> Facts(ExperimentPlan plan, Provenance provenance) =>
    [
        .. provenance.Versions.Select(v => new ReportFact(v.Key, v.Value)),
        .. provenance.Inputs.Select(i => new ReportFact(i.Key + " SHA-256", i.Value)),
        .. provenance.Models.Select(m => new ReportFact(m.Key + " SHA-256", m.Value)),
        .. plan.Networks.Count == 0 ? [] : (ReportFact[])[new("tiles", $"{plan.Tile} with halo {plan.Halo}{(plan.HaloIsExact ? " (exact)" : " (not exact: tile borders may show)")}")],
        new("seed", plan.Spec.Seed.ToString(System.Globalization.CultureInfo.InvariantCulture)),
    ];
}
