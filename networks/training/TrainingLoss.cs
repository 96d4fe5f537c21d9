// SPDX-License-Identifier: Apache-2.0
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Teravox.Networks;

/// <summary>
/// MultiLabelSoftMarginLoss, one-hot: the mean over classes and labelled voxels of the binary cross-entropy of logits. A voxel that is not
/// labelled weighs nothing.
/// </summary>
internal static class TrainingLoss
{
    /// <param name="logits">(batch, classes, z, y, x), float32.</param>
    /// <param name="labels">(batch, z, y, x), uint8, on the same device.</param>
    /// <param name="labelled">Number of labelled voxels, above 0.</param>
    /// <param name="targetClass">The class of the one output; null: output k is class k.</param>
    /// <returns>A single float64.</returns>
    public static Tensor Of(Tensor logits, Tensor labels, long labelled, int? targetClass)
    {
        using var scope = NewDisposeScope();
        var classes = logits.shape[1];
        var first = targetClass ?? 0;
        var ids = arange(first, first + classes, ScalarType.Byte, logits.device).reshape(1, classes, 1, 1, 1);
        var each = labels.unsqueeze(1);
        var target = each.eq(ids).to(ScalarType.Float32);
        var known = each.ne(TrainingPatches.Ignored).to(ScalarType.Float32);
        var sum = functional.binary_cross_entropy_with_logits(logits, target, known, Reduction.None).sum(ScalarType.Float64);
        return (sum / ((double)classes * labelled)).MoveToOuterDisposeScope();
    }
}
