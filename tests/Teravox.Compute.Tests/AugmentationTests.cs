// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Compute.Tests;

public sealed class AugmentationTests
{
    private static readonly Int3 Patch = new(8, 12, 16);

    public AugmentationTests() => Native.Require();

    [Fact]
    public void SourceShape_WhenNothingIsOn_IsThePatch() =>
        Assert.Equal(Patch, Augmentation.SourceShape(AugmentationOptions.None, Patch, VoxelSize.Unit));

    [Fact]
    public void SourceShape_WhenSectionsAreThick_DependsOnTheVoxelSize()
    {
        var options = AugmentationOptions.None with { Rotation = new() { Probability = 1, Degrees = [0, 0, 30] } };
        var isotropic = Augmentation.SourceShape(options, Patch, VoxelSize.Unit);
        var thick = Augmentation.SourceShape(options, Patch, new VoxelSize(50, 5, 5));
        Assert.Equal(16, isotropic.X);  // the axis of rotation itself does not grow
        Assert.True(isotropic.Z > thick.Z && thick.Y > isotropic.Y);
    }

    [Fact]
    public void Apply_WhenNothingIsOn_StandardisesAndCopies()
    {
        var voxels = Native.Bytes(Patch.Count, 1);
        var block = new TrainingBlock { Voxels = voxels, Labels = voxels, Type = VoxelType.UInt8, Shape = Patch, Mean = 100, Std = 20 };
        var (raw, labels) = (new float[Patch.Count], new byte[Patch.Count]);
        Augmentation.Apply(AugmentationOptions.None, VoxelSize.Unit, 1, 2, block, Patch, raw, labels);
        Assert.Equal(voxels, labels);
        Assert.Equal(voxels.Select(static v => (v - 100f) / 20f), raw);
    }

    [Fact]
    public void Apply_WhenDrawnTwice_IsTheSameAndWithoutLabelsToo()
    {
        var options = new AugmentationOptions();
        var shape = Augmentation.SourceShape(options, Patch, VoxelSize.Unit);
        var voxels = Native.Bytes(shape.Count, 2);
        var block = new TrainingBlock { Voxels = voxels, Labels = [], Type = VoxelType.UInt8, Shape = shape, Mean = 100, Std = 20 };
        var (a, b, c) = (new float[Patch.Count], new float[Patch.Count], new float[Patch.Count]);
        Augmentation.Apply(options, VoxelSize.Unit, 1, 2, block, Patch, a, []);
        Augmentation.Apply(options, VoxelSize.Unit, 1, 2, block, Patch, b, []);
        Augmentation.Apply(options, VoxelSize.Unit, 1, 3, block, Patch, c, []);
        Assert.Equal(a, b);
        Assert.NotEqual(a, c);
        Assert.Throws<ArgumentException>(() =>
        {
            var unlabelled = new TrainingBlock { Voxels = voxels, Labels = [], Type = VoxelType.UInt8, Shape = shape, Mean = 0, Std = 1 };
            Augmentation.Apply(options, VoxelSize.Unit, 1, 2, unlabelled, Patch, a, new byte[Patch.Count]);
        });
    }

    [Fact]
    public void SourceShape_WhenAProbabilityIsAboveOne_NamesIt()
    {
        var options = new AugmentationOptions { Noise = new() { Probability = 2, Range = [0, 1] } };
        Assert.Contains("noise_probability", Assert.Throws<InputException>(() => Augmentation.SourceShape(options, Patch, VoxelSize.Unit)).Message);
    }
}
