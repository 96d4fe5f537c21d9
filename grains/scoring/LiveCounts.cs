// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains.Scoring;

/// <summary>What is counted of one class of a prediction by now.</summary>
/// <param name="Id">Class id.</param>
/// <param name="Train"><see cref="GreyHistogram.Length"/> counts over the training region; 0 where nothing is counted.</param>
/// <param name="Test">Over the test region, likewise.</param>
public sealed record LiveCounts(int Id, long[] Train, long[] Test)
{
    /// <summary>
    /// The counts that the tiles of a prediction have left, by class. They grow while it is made; a class of which
    /// nothing is counted is left out.
    /// </summary>
    public static async Task<IReadOnlyList<LiveCounts>> ReadAsync(ExperimentStore store, long experiment, string prediction, CancellationToken ct)
    {
        var plan = await store.PlanAsync(experiment, ct);
        var counts = new List<LiveCounts>();
        foreach (var inference in plan.Inferences().Where(i => i.Prediction == prediction))
        {
            var sums = await store.SumsAsync(experiment, StageNames.Infer(inference.Name), ct);
            var (train, test) = (sums.GetValueOrDefault(TileGrain.TrainGreySum), sums.GetValueOrDefault(TileGrain.TestGreySum));
            if (train is null && test is null)
                continue;
            for (var c = 0; c < inference.Network.OutChannels; c++)
                counts.Add(new LiveCounts(inference.Network.TargetClass ?? c, Of(train, c), Of(test, c)));
        }

        return [.. counts.OrderBy(static c => c.Id)];
    }

    private static long[] Of(long[]? sum, int channel) =>
        sum is null ? new long[GreyHistogram.Length] : sum[(channel * GreyHistogram.Length)..((channel + 1) * GreyHistogram.Length)];
}
