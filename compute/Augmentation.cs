// SPDX-License-Identifier: Apache-2.0
using Teravox.Compute.Interop;
using Teravox.Contracts;

namespace Teravox.Compute;

/// <summary>Random changes to training patches: image and labels together, labels by nearest neighbour.</summary>
public static unsafe class Augmentation
{
    /// <summary>
    /// Shape of the block to read so that a patch can be cut out of its middle under any draw; per axis
    /// <paramref name="patch"/> plus an even number. Rotations turn in real space, by <paramref name="spacing"/>.
    /// </summary>
    /// <exception cref="InputException">An option is out of its range.</exception>
    public static Int3 SourceShape(AugmentationOptions o, Int3 patch, VoxelSize spacing)
    {
        ArgumentNullException.ThrowIfNull(o);
        NativeStatus.Check(NativeMethods.AugmentSourceShape(o.ToNative(spacing), patch, out var source), Arguments.Users);
        return source.ToInt3();
    }

    /// <summary>
    /// One draw, a pure function of (options, seed, index, block): <paramref name="raw"/> gets the standardised image
    /// (voxel - mean) / std, <paramref name="labels"/> the class ids, both of shape <paramref name="patch"/>; either may be
    /// empty.
    /// </summary>
    /// <exception cref="InputException">An option is out of its range.</exception>
    /// <exception cref="ArgumentException">A buffer's length does not fit, or labels are asked of a block without.</exception>
    public static void Apply(
        AugmentationOptions options,
        VoxelSize spacing,
        ulong seed,
        ulong index,
        in TrainingBlock block,
        Int3 patch,
        Span<float> raw,
        Span<byte> labels)
    {
        ArgumentNullException.ThrowIfNull(options);
        block.CheckLengths(labelsNeeded: !labels.IsEmpty);
        if ((!raw.IsEmpty && raw.Length != patch.Count) || (!labels.IsEmpty && labels.Length != patch.Count))
        {
            throw new ArgumentException($"a patch of {patch} voxels does not fit {raw.Length} values and {labels.Length} labels");
        }

        fixed (void* voxels = block.Voxels)
        fixed (byte* sourceLabels = block.Labels)
        fixed (float* rawOut = raw)
        fixed (byte* labelsOut = labels)
        {
            var status = NativeMethods.Augment(
                options.ToNative(spacing), seed, index, block.ToNative(voxels, sourceLabels), patch, rawOut, labelsOut);
            NativeStatus.Check(status, Arguments.Users);
        }
    }
}
