// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Orleans.Concurrency;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains.Scoring;
using Teravox.Networks;
using Teravox.Volumes;

namespace Teravox.Grains;

/// <summary>
/// Finds each class's threshold on the training region, where F1 is best, and writes it into the model files: a model is
/// whole when it knows where to call.
/// </summary>
[StatelessWorker(1)]
[GrainType("threshold")]
public sealed class ThresholdGrain(RunningWork running, ExperimentStore store) : ItemGrain(running), IStepGrain
{
    internal const string KindName = "threshold";

    /// <summary>What the stage leaves: one threshold per class, 1..255.</summary>
    internal sealed record ThresholdResult(IReadOnlyList<int> Thresholds);

    /// <inheritdoc/>
    protected internal override async Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct)
    {
        var experiment = turn.Item.Stage.Experiment;
        var plan = await store.PlanAsync(experiment, ct);
        var folder = store.Folder(experiment);
        var prediction = ExperimentStore.Arguments(turn.Item.Stage.Arguments).Prediction!;
        var thresholds = new int[plan.ChannelsOf(prediction)];
        Directory.CreateDirectory(Path.GetDirectoryName(folder.Model("x"))!);
        foreach (var network in plan.Networks.Where(n => n.Prediction == prediction))
        {
            var counts = (await store.SumsAsync(experiment, StageNames.Infer(network.Name), ct))[TileGrain.TrainGreySum];
            for (var c = 0; c < network.OutChannels; c++)
            {
                thresholds[network.Channel + c] = Thresholds.Best(counts.AsSpan(c * GreyHistogram.Length, GreyHistogram.Length));
            }

            using var trained = Network.Load(folder.Trained(network.Name));
            var card = Cards.Read(trained, folder.Trained(network.Name))!;
            var own = thresholds.AsSpan(network.Channel, network.OutChannels).ToArray();
            AtomicFile.WriteAllBytes(folder.Model(network.Name), trained.ToBytes(JsonSerializer.Serialize(card with { Thresholds = own }, TeravoxJson.Compact)));
        }

        return new WorkResult(JsonSerializer.Serialize(new ThresholdResult(thresholds), TeravoxJson.Compact));
    }
}
