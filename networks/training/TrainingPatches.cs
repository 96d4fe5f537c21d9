// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>The patches of one iteration, cut and augmented by <see cref="Trainer.Prepare"/>.</summary>
public sealed class TrainingPatches
{
    /// <summary>A class id that says nothing about its voxel.</summary>
    internal const byte Ignored = 255;

    internal TrainingPatches(long iteration, int count, Int3 shape)
    {
        (Iteration, Count, Shape) = (iteration, count, shape);
        Raw = new float[checked((int)(count * shape.Count))];
        Labels = new byte[Raw.Length];
    }

    /// <summary>The iteration that they are for, counted from 0.</summary>
    public long Iteration { get; }

    internal int Count { get; }

    internal Int3 Shape { get; }

    /// <summary>Standardised voxels, one patch behind the other.</summary>
    internal float[] Raw { get; }

    internal byte[] Labels { get; }

    /// <summary>Number of voxels with a label.</summary>
    internal long Labelled { get; private set; }

    internal Span<float> RawOf(int patch) => Raw.AsSpan(patch * (int)Shape.Count, (int)Shape.Count);

    internal Span<byte> LabelsOf(int patch) => Labels.AsSpan(patch * (int)Shape.Count, (int)Shape.Count);

    /// <summary>Called once they are filled.</summary>
    /// <param name="classes">Number of classes, or null where any label may stand.</param>
    /// <exception cref="InputException">A label is beyond the classes.</exception>
    internal TrainingPatches Filled(int? classes)
    {
        if (classes is { } n && n < Ignored && Labels.AsSpan().IndexOfAnyInRange((byte)n, (byte)(Ignored - 1)) is >= 0 and var at)
            throw new InputException($"a patch has label {Labels[at]}, but the network's {n} classes end at {n - 1}");
        Labelled = Labels.Length - Labels.AsSpan().Count(Ignored);
        return this;
    }
}
