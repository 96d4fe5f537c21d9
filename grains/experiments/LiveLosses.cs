// SPDX-License-Identifier: Apache-2.0

namespace Teravox.Grains;

/// <summary>How a network's loss fell: from its result once it is trained, and from its newest checkpoint until then.</summary>
/// <param name="Done">Completed iterations that the losses are of.</param>
/// <param name="Losses">Mean loss of each of equal spans of those iterations.</param>
public sealed record LiveLosses(int Done, IReadOnlyList<double> Losses)
{
    /// <summary>Reads the curve of one of an experiment's networks; empty before its first checkpoint.</summary>
    /// <param name="store">The experiments.</param>
    /// <param name="experiment">Its number.</param>
    /// <param name="network">Name of a network that the experiment trains.</param>
    /// <param name="most">Most spans, 1 or more.</param>
    /// <param name="ct">Stops the reading.</param>
    public static async Task<LiveLosses> ReadAsync(ExperimentStore store, long experiment, string network, int most, CancellationToken ct)
    {
        var results = await store.ResultsAsync<TrainingGrain.TrainingResult>(experiment, StageNames.Train(network), ct);
        if (results.TryGetValue(0, out var trained))
            return new LiveLosses(trained.Iterations, Means(trained.Losses, most));
        var losses = OfNewestCheckpoint(store.Folder(experiment).Checkpoints(network));
        return new LiveLosses(losses.Length, Means([.. losses.Select(static l => (double)l)], most));
    }

    /// <summary>Mean of each of at most <paramref name="most"/> equal spans, in order.</summary>
    internal static IReadOnlyList<double> Means(IReadOnlyList<double> losses, int most)
    {
        var points = Math.Min(most, losses.Count);
        return
        [
            .. Enumerable.Range(0, points).Select(i =>
            {
                var (from, to) = ((int)((long)i * losses.Count / points), (int)((long)(i + 1) * losses.Count / points));
                var sum = 0.0;
                for (var k = from; k < to; k++)
                    sum += losses[k];
                return Math.Round(sum / (to - from), 5);
            }),
        ];
    }

    private static float[] OfNewestCheckpoint(string folder)
    {
        while (CheckpointFolder.Newest(folder) is { } newest)
        {
            try
            {
                return CheckpointFolder.ReadLosses(newest);
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                // The training has just put a newer one in its place.
            }
        }

        return [];
    }
}
