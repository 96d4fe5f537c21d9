// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Compute.Interop;
using Teravox.Contracts;

namespace Teravox.Compute.Tests;

/// <summary>The defaults are written twice, in the contracts and in the library: they must be the same numbers.</summary>
public sealed class DefaultsTests
{
    public DefaultsTests() => Native.Require();

    [Fact]
    public void AugmentationOptions_WhenDefault_AreTheLibrarys()
    {
        NativeMethods.AugmentDefaults(out var native);
        var managed = new AugmentationOptions().ToNative(VoxelSize.Unit);
        Assert.Equal(Numbers(native), Numbers(managed));
        Assert.Contains(.85, Numbers(managed));
    }

    [Fact]
    public void TrainingOptions_WhenDefault_AreTheLibrarys()
    {
        NativeMethods.TrainDefaults(out var native);
        var managed = new TrainingOptions();
        Assert.Equal(native.LearningRate, managed.LearningRate);
        Assert.Equal(native.WeightDecay, managed.WeightDecay);
        Assert.Equal(native.Patch.ToInt3(), managed.Patch);
        Assert.Equal((.9, .999, 1e-8, 0UL), (native.Beta1, native.Beta2, native.Epsilon, native.Seed));
        Assert.Equal(NativeConstants.Multiclass, native.TargetClass);
        Assert.Equal(Numbers(native.Augment), Numbers(managed.Augmentation.ToNative(VoxelSize.Unit)));
    }

    [Fact]
    public void UNetArchitecture_WhenDefault_IsTheLibrarys()
    {
        NativeMethods.ArchDefaults(out var native);
        var managed = new UNetArchitecture().ToNative(native.OutChannels);
        Assert.True(MemoryMarshal.AsBytes(new Span<TvxArch>(ref native)).SequenceEqual(MemoryMarshal.AsBytes(new Span<TvxArch>(ref managed))));
    }

    [Fact]
    public void SuperResolveOptions_WhenDefault_AreTheLibrarys()
    {
        NativeMethods.ZssrDefaults(out var native);
        var managed = new SuperResolveOptions().ToNative();
        Assert.True(MemoryMarshal.AsBytes(new Span<TvxZssrOptions>(ref native)).SequenceEqual(MemoryMarshal.AsBytes(new Span<TvxZssrOptions>(ref managed))));
    }

    private static double[] Numbers(TvxAugmentOptions o) => MemoryMarshal.Cast<TvxAugmentOptions, double>(new Span<TvxAugmentOptions>(ref o)).ToArray();
}
