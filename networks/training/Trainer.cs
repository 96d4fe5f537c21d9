// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using TorchSharp;
using static TorchSharp.torch;

namespace Teravox.Networks;

/// <summary>
/// Trains one network by Adam on the mean binary cross-entropy over classes and labelled voxels. Used by one thread at a
/// time, but for <see cref="Prepare"/>. The same seed, device and number of threads give the same losses, also across checkpoints; on a GPU,
/// whose convolutions are in bfloat16, nearly the same.
/// </summary>
public sealed partial class Trainer : IDisposable
{
    private readonly UNetArchitecture _architecture;
    private readonly TrainerSettings _settings;
    private readonly UNet3D _module;
    private readonly int _outChannels, _threads;
    private readonly Device _device;
    private readonly ScalarType _precision;
    private readonly Adam _adam;

    // Takes over the module, in case of an error, too.
    private Trainer(UNetArchitecture architecture, int outChannels, UNet3D module, TrainerSettings settings, string device, int threads, ScalarType? precision)
    {
        (_architecture, _outChannels, _module, _settings, _threads) = (architecture, outChannels, module, settings, threads);
        LearningRate = settings.LearningRate;
        try
        {
            settings.Check(architecture, outChannels);
            _device = new Device(Devices.Choose(device));
            _precision = precision ?? (_device.type == DeviceType.CPU ? ScalarType.Float32 : ScalarType.BFloat16);
            module.to(_device);
            module.train();
            foreach (var parameter in module.parameters())
                parameter.requires_grad = true;
            _adam = new Adam([.. module.named_parameters()], settings);
        }
        catch
        {
            module.Dispose();
            throw;
        }
    }

    /// <summary>Completed iterations; sampler and augmentation draw from it.</summary>
    public long Iteration { get; private set; }

    /// <summary>Adam's step size for the next iteration, above 0; at first that of the options. A checkpoint does not keep it.</summary>
    public double LearningRate { get; set; }

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
        return Start(n, new TrainerSettings(o.LearningRate, o.WeightDecay, o.Patch, o.Augmentation, spacing, seed, targetClass), device, threads);
    }

    /// <summary>The same with all that can be set. The precision is that of convolutions: null is the device's usual one.</summary>
    internal static Trainer Start(Network n, TrainerSettings settings, string device, int threads, ScalarType? precision = null)
    {
        Libtorch.Use(threads);
        return new Trainer(n.Architecture, n.OutChannels, Copy(n.Module, n.Architecture, n.OutChannels), settings, device, threads, precision);
    }

    /// <summary>
    /// Cuts and augments the patches of an iteration, 1 block or more. Any thread may do so while another one trains: the next iteration's
    /// patches are ready then when it begins.
    /// </summary>
    /// <exception cref="InputException">A block does not fit, or has a label beyond the network's classes.</exception>
    /// <exception cref="ArgumentException">The batch is empty, or a buffer's length does not fit its shape.</exception>
    public TrainingPatches Prepare(long iteration, IReadOnlyList<TrainingBlockMemory> batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentOutOfRangeException.ThrowIfZero(batch.Count, nameof(batch));
        foreach (var block in batch)
            Check(block.AsBlock());
        var patches = new TrainingPatches(iteration, batch.Count, _settings.Patch);
        Parallel.For(0, batch.Count, new ParallelOptions { MaxDegreeOfParallelism = _threads }, k => Cut(batch[k].AsBlock(), k, patches));
        return Filled(patches);
    }

    /// <summary>
    /// One iteration on one block, augmented; returns the loss. Without any labelled voxel the loss is 0 and the weights
    /// stay. After an exception nothing has changed.
    /// </summary>
    /// <exception cref="InputException">The loss is not finite (lower the learning rate) or the block does not fit.</exception>
    /// <exception cref="ArgumentException">A buffer's length does not fit its shape.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> asked to stop, before the weights were changed.</exception>
    public double Step(in TrainingBlock block, CancellationToken ct)
    {
        Check(block);
        var patches = new TrainingPatches(Iteration, 1, _settings.Patch);
        Cut(block, 0, patches);
        return Step(Filled(patches), ct);
    }

    /// <summary>The same on a batch of blocks, 1 or more.</summary>
    /// <inheritdoc cref="Step(in TrainingBlock, CancellationToken)"/>
    /// <exception cref="ArgumentException">The batch is empty, or a buffer's length does not fit its shape.</exception>
    public double Step(IReadOnlyList<TrainingBlockMemory> batch, CancellationToken ct) => Step(Prepare(Iteration, batch), ct);

    /// <summary>The same on patches that are prepared, for this iteration.</summary>
    /// <exception cref="ArgumentException">They are another iteration's.</exception>
    /// <inheritdoc cref="Step(in TrainingBlock, CancellationToken)"/>
    public double Step(TrainingPatches patches, CancellationToken ct) => Step(patches, ct.ThrowIfCancellationRequested);

    /// <summary>The same; <paramref name="poll"/> is asked between its parts and throws to stop it.</summary>
    internal double Step(TrainingPatches patches, Action poll)
    {
        ArgumentNullException.ThrowIfNull(patches);
        if (patches.Iteration != Iteration)
            throw new ArgumentException($"these are the patches of iteration {patches.Iteration}, not of {Iteration}");
        Libtorch.Use(_threads);
        poll();
        if (patches.Labelled == 0)
        {
            Iteration++;
            return 0;
        }

        // Batch norm's running statistics change in the forward pass, before it is known whether the step will be made.
        using var scope = NewDisposeScope();
        Tensor[] buffers = [.. _module.buffers()];
        Tensor[] before = [.. buffers.Select(b => b.clone())];
        try
        {
            var loss = LossAndGradients(patches, poll);
            poll();
            _adam.Update(LearningRate);
            Iteration++;
            return loss;
        }
        catch
        {
            using var still = no_grad();
            for (var i = 0; i < buffers.Length; i++)
                buffers[i].copy_(before[i]);
            throw;
        }
        finally
        {
            _adam.DropGradients();
        }
    }

    /// <summary>The weights as they are now, as a network of its own.</summary>
    public Network Snapshot()
    {
        Libtorch.Use(_threads);
        return new Network(_architecture, Copy(_module, _architecture, _outChannels));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _adam.Dispose();
        _module.Dispose();
    }

    private double LossAndGradients(TrainingPatches patches, Action poll)
    {
        long[] shape = [patches.Count, .. patches.Shape.Sizes()];

        // One channel, last in memory: the layers behind go on as it begins.
        var raw = tensor(patches.Raw, device: _device).reshape([.. shape, 1]).permute(0, 4, 1, 2, 3).to(_precision);
        var labels = tensor(patches.Labels, device: _device).reshape(shape);
        var logits = _module.forward(raw).to(ScalarType.Float32);
        poll();
        var loss = TrainingLoss.Of(logits, labels, patches.Labelled, _settings.TargetClass);
        loss.backward();

        // Asked for after the backward pass: a GPU has all of its work by then.
        var value = loss.item<double>();
        if (!double.IsFinite(value) || !_adam.GradientsAreFinite())
            throw new InputException($"the loss is not finite in iteration {Iteration}; lower the learning rate, which is {LearningRate}");
        return value;
    }

    private void Check(in TrainingBlock block)
    {
        block.CheckLengths(labelsNeeded: true);
        _settings.Augmentation.CheckBlock(_settings.Spacing, _settings.Patch, block);
    }

    private void Cut(in TrainingBlock block, int k, TrainingPatches patches) => Augmentation.Apply(
        _settings.Augmentation,
        _settings.Spacing,
        _settings.Seed,
        ((ulong)patches.Iteration * (ulong)patches.Count) + (ulong)k,
        block,
        _settings.Patch,
        patches.RawOf(k),
        patches.LabelsOf(k));

    private TrainingPatches Filled(TrainingPatches patches) => patches.Filled(_settings.TargetClass is null ? _outChannels : null);

    private static UNet3D Copy(UNet3D module, UNetArchitecture architecture, int outChannels)
    {
        // Modules take their tensors out of the scope; what they make on the way stays in it.
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var copy = new UNet3D(architecture, outChannels, seed: 0);
        foreach (var ((_, to), (_, from)) in copy.State().Zip(module.State()))
            to.copy_(from);
        return copy;
    }
}
