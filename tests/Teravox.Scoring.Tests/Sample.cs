// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Scoring;

namespace Teravox.Scoring.Tests;

/// <summary>Random outputs and truths, and the definitions written out voxel by voxel.</summary>
internal static class Sample
{
    public static (byte[] Probabilities, byte[] Truth) Draw(Random random, int classes, int n)
    {
        var truth = new byte[n];
        var probabilities = new byte[classes * n];
        for (var i = 0; i < n; i++)
            truth[i] = random.Next(10) == 0 ? (byte)255 : (byte)random.Next(classes);
        for (var c = 0; c < classes; c++)
        {
            for (var i = 0; i < n; i++)
            {
                // Few distinct greys, so that ties are common; 0 and 255 among them.
                var grey = (random.Next(9) * 32) + (truth[i] == c ? 64 : 0);
                probabilities[(c * n) + i] = (byte)Math.Min(255, grey);
            }
        }

        return (probabilities, truth);
    }

    public static CallCounts Count(ReadOnlySpan<byte> probabilities, ReadOnlySpan<byte> truth, byte id, int threshold)
    {
        long tp = 0, fp = 0, fn = 0;
        for (var i = 0; i < truth.Length; i++)
        {
            if (truth[i] == 255)
                continue;
            var called = probabilities[i] >= threshold;
            tp += called && truth[i] == id ? 1 : 0;
            fp += called && truth[i] != id ? 1 : 0;
            fn += !called && truth[i] == id ? 1 : 0;
        }

        return new CallCounts(tp, fp, fn);
    }
}
