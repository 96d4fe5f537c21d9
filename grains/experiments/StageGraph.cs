// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Work;
using Teravox.Grains.Resolution;
using Teravox.Volumes;

namespace Teravox.Grains;

/// <summary>Turns an experiment's plan into a graph of stages, and says how many items a ready stage has.</summary>
public sealed class StageGraph(ExperimentStore store) : IStagePlanner
{
    /// <summary>The plan as the catalog takes it, without an idempotency key.</summary>
    public static NewExperiment Prepare(ExperimentPlan plan) =>
        new(plan.Spec.Name, JsonSerializer.Serialize(plan, TeravoxJson.Compact), Stages(plan));

    /// <summary>SHA-256 of a plan, hex: two plans are the same experiment when their keys agree.</summary>
    public static string KeyOf(string planJson) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(planJson)));

    /// <summary>
    /// <code>
    /// import -> train-N -> infer-N -> threshold-P -> label-P -> report      (N: each network, P: each prediction)
    /// import ->            infer-N ->                label-P -> report      (preset segment)
    /// import -> enlarge, super-resolve -> report                            (preset super-resolve)
    /// </code>
    /// Where a volume is larger than <see cref="Pyramid.CoarsestSide"/>, its coarser levels come before the report, which sweeps
    /// up behind all writers; a level waits for the one above it:
    /// <code>
    /// import, label-P, enlarge, super-resolve -> pyramid-1 -> pyramid-2 ... -> report
    /// </code>
    /// table5 and table6 degrade sections, bring them back and compare; networks wait for the volume they are trained on, and
    /// are run over further volumes (A: each application):
    /// <code>
    /// import -> degrade -> enlarge, super-resolve -> compare -> report
    ///           train-N -> infer-N -> threshold-P -> label-A -> report
    ///                   -> infer-A                -> label-A
    /// </code>
    /// </summary>
    internal static IReadOnlyList<NewStage> Stages(ExperimentPlan plan)
    {
        var segment = plan.Spec.Preset == Preset.Segment;
        var needs = new WorkNeeds(plan.Spec.Needs.Gpu, plan.Spec.Needs.MemoryBytes, plan.Spec.Needs.Tag);
        var stages = new List<NewStage> { new(StageNames.Import, SlabGrain.KindName, []) };
        AddResolutions(stages, plan, needs);
        foreach (var network in plan.Networks)
        {
            var arguments = Json(new StageArguments(Network: network.Name));
            var made = StageNames.Making(network.Volume ?? VolumeNames.Original);
            if (!segment)
                stages.Add(new(StageNames.Train(network.Name), TrainingGrain.KindName, [made], arguments, needs));
            var before = segment ? StageNames.Import : StageNames.Train(network.Name);
            stages.Add(new(StageNames.Infer(network.Name), TileGrain.KindName, [before], arguments, needs));
        }

        foreach (var application in plan.Applications ?? [])
        {
            string[] before = [StageNames.Train(application.Network), StageNames.Making(application.Volume)];
            var arguments = Json(new StageArguments(application.Network, application.Prediction));
            stages.Add(new(StageNames.Infer(application.Prediction), TileGrain.KindName, before, arguments, needs));
        }

        foreach (var prediction in plan.Predictions())
        {
            var arguments = Json(new StageArguments(Prediction: prediction));
            var infers = InfersOf(plan, prediction);
            if (!segment)
                stages.Add(new(StageNames.Threshold(prediction), ThresholdGrain.KindName, infers, arguments));
            if (plan.Applications is null)
                stages.Add(new(StageNames.Label(prediction), LabelGrain.KindName, segment ? infers : [StageNames.Threshold(prediction)], arguments));
        }

        foreach (var prediction in plan.Applications?.Select(a => a.Prediction) ?? [])
        {
            string[] before = [.. InfersOf(plan, prediction), StageNames.Threshold(plan.ThresholdsOf(prediction))];
            stages.Add(new(StageNames.Label(prediction), LabelGrain.KindName, before, Json(new StageArguments(Prediction: prediction))));
        }

        AddPyramids(stages, plan);

        // The report comes after every stage that nothing else waits for.
        var awaited = stages.SelectMany(s => s.After).ToHashSet();
        stages.Add(new(StageNames.Report, ReportGrain.KindName, [.. stages.Select(s => s.Name).Where(s => !awaited.Contains(s))]));
        var limits = plan.Spec.Limits;
        return [.. stages.Select(s => s with { MaxFailures = limits.Failures, MaxDeaths = limits.Deaths })];
    }

    private static void AddResolutions(List<NewStage> stages, ExperimentPlan plan, WorkNeeds needs)
    {
        var degrades = plan.Spec.Preset.Degrades();
        var source = degrades ? StageNames.Degrade : StageNames.Import;
        if (degrades)
            stages.Add(new(StageNames.Degrade, DegradeGrain.KindName, [StageNames.Import]));
        if (plan.HasVolume(VolumeNames.Lr))
            stages.Add(new(StageNames.Enlarge, EnlargeGrain.KindName, [source]));
        if (plan.HasVolume(VolumeNames.Boosted))
            stages.Add(new(StageNames.SuperResolve, SuperResolveGrain.KindName, [source], Needs: needs));
        if (degrades)
            stages.Add(new(StageNames.Compare, CompareGrain.KindName, [StageNames.Enlarge, StageNames.SuperResolve]));
    }

    private static void AddPyramids(List<NewStage> stages, ExperimentPlan plan)
    {
        var volumes = PyramidPlan.Of(plan);
        string[] before = [.. volumes.Select(v => v.MadeBy).Distinct()];
        for (var level = 1; volumes.Any(v => v.Factors.Count >= level); level++)
        {
            stages.Add(new(StageNames.Pyramid(level), PyramidGrain.KindName, before, Json(new StageArguments(Level: level))));
            before = [StageNames.Pyramid(level)];
        }
    }

    private static string[] InfersOf(ExperimentPlan plan, string prediction) => [.. plan.InferencesOf(prediction).Select(i => StageNames.Infer(i.Name))];

    /// <inheritdoc/>
    public async Task<int> CountItemsAsync(long experiment, NewStage stage, CancellationToken ct)
    {
        var plan = await store.PlanAsync(experiment, ct);
        var arguments = ExperimentStore.Arguments(stage.Arguments);
        return stage.Kind switch
        {
            SlabGrain.KindName => SlabGrain.CountSlabs(plan),
            TileGrain.KindName => Tiles(plan.Inference(arguments).Volume),
            LabelGrain.KindName => Tiles(plan.VolumeOf(arguments.Prediction!)),
            DegradeGrain.KindName => plan.Volume(VolumeNames.LowRes).Shape.Z,
            EnlargeGrain.KindName or CompareGrain.KindName => plan.Volume(VolumeNames.Lr).Shape.Z,
            SuperResolveGrain.KindName => SuperResolveGrain.CountChains(plan),
            PyramidGrain.KindName => PyramidPlan.CountTiles(plan, arguments.Level!.Value),
            _ => 1,
        };

        int Tiles(PlannedVolume volume) => new TileGrid(volume.Shape, plan.Tile).Count;
    }

    private static string Json(StageArguments arguments) => JsonSerializer.Serialize(arguments, TeravoxJson.Compact);
}
