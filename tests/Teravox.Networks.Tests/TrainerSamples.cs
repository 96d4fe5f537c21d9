// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks.Tests;

/// <summary>A toy problem: noisy stripes of three classes by brightness, a corner of them not labelled.</summary>
internal static class TrainerSamples
{
    public static readonly UNetArchitecture Small = new() { Levels = 3, FMaps = 4, Groups = 2 };

    public static readonly AugmentationOptions Gentle = new() { Elastic = new() { Amplitude = 1 } };

    public static TrainerSettings Settings(AugmentationOptions? augmentation = null, int? target = null) =>
        new(5e-3, 0, new(8, 16, 16), augmentation ?? AugmentationOptions.None, VoxelSize.Unit, Seed: 0, target);

    public static Trainer Start(TrainerSettings settings, UNetArchitecture? architecture = null, int threads = 1)
    {
        using var network = Network.Create(architecture ?? Small, settings.TargetClass is null ? 3 : 1, seed: 1);
        return Trainer.Start(network, settings, "cpu", threads);
    }

    public static TrainingBlockMemory Block(TrainerSettings settings, int seed, bool labelled = true)
    {
        var shape = Augmentation.SourceShape(settings.Augmentation, settings.Patch, settings.Spacing);
        var (voxels, labels) = (new byte[shape.Count], new byte[shape.Count]);
        var random = new Random(seed);
        var phase = random.Next(12);
        for (var i = 0; i < voxels.Length; i++)
        {
            var (x, y) = (i % shape.X, i / shape.X % shape.Y);
            var label = (x + y + phase) / 4 % 3;
            voxels[i] = (byte)(40 + (70 * label) + random.Next(60));
            labels[i] = (byte)(labelled && !(x < 3 && y < 3) ? label : 255);
        }

        return new() { Voxels = voxels, Labels = labels, Type = VoxelType.UInt8, Shape = shape, Mean = 140, Std = 60 };
    }

    public static double Step(Trainer trainer, TrainerSettings settings, int seed) =>
        trainer.Step(Block(settings, seed).AsBlock(), TestContext.Current.CancellationToken);
}
