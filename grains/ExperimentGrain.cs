// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Grains.Ledger;
using Teravox.Volumes;

namespace Teravox.Grains;

/// <summary>An experiment: turns a plan into a DAG of stages, and a ready stage into its items.</summary>
public sealed class ExperimentGrain(ExperimentStore store) : IStagePlanner
{
    /// <summary>
    /// Writes the experiment. The plan's own hash is the idempotency key, so that starting the same experiment again
    /// goes on with the one that is there.
    /// </summary>
    public static async Task<long> SubmitAsync(ILedger ledger, ExperimentPlan plan, CancellationToken ct)
    {
        var json = JsonSerializer.Serialize(plan, TeravoxJson.Compact);
        return await ledger.SubmitAsync(new NewExperiment(plan.Spec.Name, json, Stages(plan), KeyOf(json)), ct);
    }

    /// <summary>SHA-256 of a plan, hex: two plans are the same experiment when their keys agree.</summary>
    public static string KeyOf(string planJson) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(planJson)));

    /// <summary>
    /// <code>
    /// import -> train-N -> infer-N -> threshold-P -> label-P -> report      (N: each network, P: each prediction)
    /// import ->            infer-N ->                label-P -> report      (preset segment)
    /// </code>
    /// </summary>
    internal static IReadOnlyList<NewStage> Stages(ExperimentPlan plan)
    {
        var segment = plan.Spec.Preset == Preset.Segment;
        var stages = new List<NewStage> { new(StageNames.Import, VolumeGrain.KindName, []) };
        foreach (var network in plan.Networks)
        {
            var arguments = Json(new StageArguments(Network: network.Name));
            if (!segment)
                stages.Add(new(StageNames.Train(network.Name), TrainingGrain.KindName, [StageNames.Import], arguments));
            var before = segment ? StageNames.Import : StageNames.Train(network.Name);
            stages.Add(new(StageNames.Infer(network.Name), TileGrain.KindName, [before], arguments));
        }

        foreach (var prediction in plan.Predictions())
        {
            var arguments = Json(new StageArguments(Prediction: prediction));
            IReadOnlyList<string> infers = [.. plan.Networks.Where(n => n.Prediction == prediction).Select(n => StageNames.Infer(n.Name))];
            if (!segment)
                stages.Add(new(StageNames.Threshold(prediction), ThresholdGrain.KindName, infers, arguments));
            stages.Add(new(StageNames.Label(prediction), LabelGrain.KindName, segment ? infers : [StageNames.Threshold(prediction)], arguments));
        }

        stages.Add(new(StageNames.Report, ReportGrain.KindName, [.. plan.Predictions().Select(StageNames.Label)]));
        return stages;
    }

    /// <inheritdoc/>
    public async Task<int> CountItemsAsync(StageRow stage, CancellationToken ct)
    {
        var plan = await store.PlanAsync(stage.ExperimentId, ct);
        return stage.Kind switch
        {
            VolumeGrain.KindName => VolumeGrain.CountSlabs(plan),
            TileGrain.KindName or LabelGrain.KindName => new TileGrid(plan.Shape, plan.Tile).Count,
            _ => 1,
        };
    }

    private static string Json(StageArguments arguments) => JsonSerializer.Serialize(arguments, TeravoxJson.Compact);
}
