// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Volumes;

namespace Teravox.Chaos;

/// <summary>
/// What the ranges have summed, counted again from the files alone: for each network the grey levels of its stored probabilities against
/// the stored truth, over the whole region at once instead of tile by tile.
/// </summary>
internal static class ScoreRecount
{
    /// <summary>What differs; empty when nothing does, with the number of voxels that were counted.</summary>
    /// <param name="plan">The experiment.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="sumsOf">The stored sums of a stage.</param>
    public static (long Voxels, IReadOnlyList<string> Differences) Of(ExperimentPlan plan, ExperimentFolder folder, Func<string, IReadOnlyDictionary<string, long[]>> sumsOf)
    {
        var differences = new List<string>();
        var voxels = 0L;
        foreach (var inference in plan.Inferences())
        {
            var stage = "infer-" + inference.Name;
            var sums = sumsOf(stage);
            foreach (var (name, region) in new[] { ("grey/train", plan.Train), ("grey/test", plan.Test) })
            {
                if (region.IsEmpty)
                    continue;
                var counts = Count(folder, inference, region);
                voxels += counts.Sum();
                if (!sums.TryGetValue(name, out var stored) || !stored.AsSpan().SequenceEqual(counts))
                    differences.Add($"{name} of {stage}");
            }
        }

        return (voxels, differences);
    }

    private static long[] Count(ExperimentFolder folder, PlannedInference inference, Box3 region)
    {
        var network = inference.Network;
        var (truth, grey) = (new byte[region.Count], new byte[region.Count]);
        OmeVolume.Open(folder.Truth).Read(region, truth);
        var volume = OmeVolume.Open(folder.Probabilities(inference.Prediction));
        var counts = new long[network.OutChannels * 512];
        for (var c = 0; c < network.OutChannels; c++)
        {
            volume.Read(region, grey, network.Channel + c);
            var classId = network.TargetClass ?? c;
            for (var i = 0; i < grey.Length; i++)
            {
                if (truth[i] != ClassMap.Ignored)
                    counts[(512 * c) + (2 * grey[i]) + (truth[i] == classId ? 1 : 0)]++;
            }
        }

        return counts;
    }
}
