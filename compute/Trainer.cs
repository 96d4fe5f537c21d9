// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using Teravox.Compute.Interop;
using Teravox.Contracts;

namespace Teravox.Compute;

/// <summary>
/// Trains one network by Adam on the mean binary cross-entropy over classes and labelled voxels. Used by one thread at a
/// time. The same seed, device and number of threads give the same losses, also across checkpoints.
/// </summary>
public sealed unsafe class Trainer : IDisposable
{
    private readonly TrainerHandle _handle;

    private Trainer(TrainerHandle handle) => _handle = handle;

    /// <summary>Completed iterations; sampler and augmentation draw from it.</summary>
    public long Iteration => NativeMethods.TrainerIteration(_handle);

    /// <summary>
    /// Starts from the network's weights, which are copied. <paramref name="targetClass"/> is the class that a one-output
    /// network learns against the rest, or null for as many outputs as classes. <paramref name="seed"/> is the
    /// augmentation's.
    /// </summary>
    /// <exception cref="InputException">An option is out of range or does not fit the network, or the device is absent.</exception>
    public static Trainer Start(
        Network n, TrainingOptions o, ulong seed, int? targetClass, VoxelSize spacing, string device, int threads)
    {
        ArgumentNullException.ThrowIfNull(n);
        ArgumentNullException.ThrowIfNull(o);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        NativeMethods.TrainDefaults(out var options);
        options.LearningRate = o.LearningRate;
        options.WeightDecay = o.WeightDecay;
        options.Seed = seed;
        options.TargetClass = targetClass ?? NativeConstants.Multiclass;
        options.Patch = o.Patch;
        options.Augment = o.Augmentation.ToNative(spacing);
        NativeStatus.Check(NativeMethods.TrainerCreate(n.Handle, options, device, threads, out var handle), Arguments.Users);
        return new Trainer(handle);
    }

    /// <summary>Goes on from a checkpoint exactly as the unbroken trainer would.</summary>
    /// <exception cref="InputException">The file cannot be read or is no checkpoint, or the device is absent.</exception>
    public static Trainer Resume(string checkpoint, string device, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        NativeStatus.Check(NativeMethods.TrainerLoad(checkpoint, device, threads, out var handle), Arguments.Users);
        return new Trainer(handle);
    }

    /// <summary>
    /// One iteration on one block, augmented; returns the loss. Without any labelled voxel the loss is 0 and the weights
    /// stay. After an exception nothing has changed.
    /// </summary>
    /// <exception cref="InputException">The loss is not finite (lower the learning rate) or the block does not fit.</exception>
    /// <exception cref="ArgumentException">A buffer's length does not fit its shape.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> asked to stop.</exception>
    public double Step(in TrainingBlock block, CancellationToken ct)
    {
        block.CheckLengths(labelsNeeded: true);
        fixed (void* voxels = block.Voxels)
        fixed (byte* labels = block.Labels)
        {
            var native = block.ToNative(voxels, labels);
            return Step(&native, 1, ct);
        }
    }

    /// <summary>The same on a batch of blocks, 1 or more.</summary>
    /// <exception cref="InputException">The loss is not finite (lower the learning rate) or a block does not fit.</exception>
    /// <exception cref="ArgumentException">The batch is empty, or a buffer's length does not fit its shape.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> asked to stop.</exception>
    public double Step(IReadOnlyList<TrainingBlockMemory> batch, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentOutOfRangeException.ThrowIfZero(batch.Count, nameof(batch));
        var pins = new MemoryHandle[2 * batch.Count];
        try
        {
            var natives = new TvxBlock[batch.Count];
            for (var k = 0; k < natives.Length; k++)
            {
                var block = batch[k].AsBlock();
                block.CheckLengths(labelsNeeded: true);
                pins[2 * k] = batch[k].Voxels.Pin();
                pins[2 * k + 1] = batch[k].Labels.Pin();
                natives[k] = block.ToNative(pins[2 * k].Pointer, (byte*)pins[2 * k + 1].Pointer);
            }

            fixed (TvxBlock* blocks = natives)
            {
                return Step(blocks, natives.Length, ct);
            }
        }
        finally
        {
            foreach (var pin in pins)
            {
                pin.Dispose();
            }
        }
    }

    /// <summary>Writes weights, optimiser, iteration and options, whole or not at all.</summary>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public void Checkpoint(string path) => NativeStatus.Check(NativeMethods.TrainerSave(_handle, path), Arguments.Users);

    /// <summary>The weights as they are now, as a network of its own.</summary>
    public Network Snapshot()
    {
        NativeStatus.Check(NativeMethods.TrainerModel(_handle, out var model));
        return new Network(model);
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private double Step(TvxBlock* blocks, int count, CancellationToken ct)
    {
        using var abort = new AbortFlag(ct);
        var callbacks = abort.Callbacks;
        NativeStatus.Check(NativeMethods.TrainerStep(_handle, blocks, count, out var loss, &callbacks), Arguments.Users, ct);
        return loss;
    }
}
