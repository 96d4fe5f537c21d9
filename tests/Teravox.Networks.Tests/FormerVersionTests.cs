// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks.Tests;

/// <summary>
/// libteravox, the C++ library before this one, made these figures and data/checkpoint-of-libteravox.safetensors: draws stay what they
/// were, and its runs go on.
/// </summary>
public sealed class FormerVersionTests
{
    private static readonly Int3 Patch = new(4, 8, 8);
    private static readonly VoxelSize Spacing = new(2.5, 1, 1);
    private static readonly AugmentationOptions Options = new() { Rotation = new() { Degrees = [180, 10, 5] } };

    public static TheoryData<ulong, float[], int> Draws { get; } = new()
    {
        { 0, [1.1215f, 0.6926f, 1.7155f, -0.2118f], 249 },
        { 1, [1.3947f, 0.6674f, -0.8440f, -0.2692f], 249 },
        { 2, [-1.1207f, 0.1205f, 0.6737f, -0.5308f], 249 },
        { 3, [0.4154f, 0.3743f, 0.4073f, 0.3187f], 256 },
        { 4, [-0.2851f, -0.3653f, -0.4458f, 0.5636f], 248 },
        { 5, [-0.2634f, 0.4695f, 0.6546f, -0.0361f], 249 },
        { 6, [-0.6333f, 1.0167f, 1.6000f, 2.1667f], 249 },
        { 7, [-0.0702f, 1.2219f, 0.4621f, 0.2606f], 242 },
        { 8, [0.5530f, -0.0716f, -0.3609f, -0.5038f], 241 },
        { 9, [0.5351f, 0.5392f, 1.6444f, -0.0685f], 244 },
        { 10, [0.5166f, -0.2132f, -0.2737f, -0.4716f], 249 },
        { 11, [0.8186f, -0.1378f, -0.6810f, 0.4359f], 256 },
    };

    [Theory]
    [MemberData(nameof(Draws))]
    public void Apply_ToTheSameBlock_GivesItsPatches(ulong index, float[] values, int sumOfLabels)
    {
        var (raw, labels) = (new float[Patch.Count], new byte[Patch.Count]);
        Augmentation.Apply(Options, Spacing, 77, index, Block().AsBlock(), Patch, raw, labels);
        Assert.All(values.Zip([raw[0], raw[37], raw[100], raw[^1]]), v => Assert.Equal(v.First, v.Second, 1e-3f));
        Assert.Equal(sumOfLabels, labels.Sum(l => l));
    }

    [Fact]
    public void Resume_OfItsCheckpoint_GoesOnAsItDoes()
    {
        var path = Path.Combine(AppContext.BaseDirectory, "data/checkpoint-of-libteravox.safetensors");
        using var trainer = Trainer.Resume(path, "cpu", 1);
        Assert.Equal(3, trainer.Iteration);
        foreach (var loss in (double[])[.7362115350867194, .7408037815184798, .7458759575092699])
            Assert.Equal(loss, trainer.Step(Block().AsBlock(), TestContext.Current.CancellationToken), 1e-5);
    }

    private static TrainingBlockMemory Block()
    {
        var shape = Augmentation.SourceShape(Options, Patch, Spacing);
        Assert.Equal(new Int3(18, 46, 48), shape);
        var (voxels, labels) = (new byte[shape.Count], new byte[shape.Count]);
        for (var i = 0L; i < voxels.Length; i++)
        {
            voxels[i] = (byte)(((i * i * 7) + (i * 13)) / 11 % 251);
            labels[i] = (byte)(i < shape.Y * shape.X ? 255 : i / 5 % 3);
        }

        return new() { Voxels = voxels, Labels = labels, Type = VoxelType.UInt8, Shape = shape, Mean = 120, Std = 60 };
    }
}
