// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Compute.Interop;

[InlineArray(3)]
internal struct Int32x3
{
    private int _first;

    public readonly Int3 ToInt3() => new(this[0], this[1], this[2]);
}

[InlineArray(2)]
internal struct Int32x2
{
    private int _first;
}

[InlineArray(2)]
internal struct Int64x2
{
    private long _first;

    public static implicit operator Int64x2((int Y, int X) shape)
    {
        Int64x2 result = default;
        (result[0], result[1]) = (shape.Y, shape.X);
        return result;
    }
}

[InlineArray(3)]
internal struct Int64x3
{
    private long _first;

    public static implicit operator Int64x3(Int3 v)
    {
        Int64x3 result = default;
        (result[0], result[1], result[2]) = (v.Z, v.Y, v.X);
        return result;
    }

    public readonly Int3 ToInt3() => new(checked((int)this[0]), checked((int)this[1]), checked((int)this[2]));
}

[InlineArray(3)]
internal struct Doublex3
{
    private double _first;
}

[InlineArray(2)]
internal struct Doublex2
{
    private double _first;
}

[InlineArray(NativeConstants.MaxLevels - 1)]
internal struct PoolFactors
{
    private Int32x3 _first;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TvxCallbacks
{
    public delegate* unmanaged[Cdecl]<void*, int> Abort;
    public delegate* unmanaged[Cdecl]<double, void*, void> Progress;
    public void* User;
}

[StructLayout(LayoutKind.Sequential)]
internal struct TvxArch
{
    public int InChannels;
    public int OutChannels;
    public int Levels;
    public int FMaps;
    public int Order;
    public int NumGroups;
    public int Upsample;
    public int Residual;
    public PoolFactors Pool;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TvxTile
{
    public void* Voxels;
    public int VoxelType;
    public Int64x3 Shape;
    public Int64x3 CoreStart;
    public Int64x3 CoreShape;
    public float Mean;
    public float Std;
}

[StructLayout(LayoutKind.Sequential)]
internal struct TvxAugmentOptions
{
    public Doublex3 Spacing;
    public Doublex3 FlipProbability;
    public double RotationProbability;
    public Doublex3 RotationDegrees;
    public double ScalingProbability;
    public Doublex2 ScalingRange;
    public double ElasticProbability;
    public double ElasticAmplitude;
    public double ElasticSpacing;
    public double ContrastProbability;
    public Doublex2 ContrastRange;
    public double NoiseProbability;
    public Doublex2 NoiseRange;
    public double BlurProbability;
    public Doublex2 BlurRange;
    public double SharpenProbability;
    public Doublex2 SharpenRange;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TvxBlock
{
    public void* Voxels;
    public byte* Labels;
    public int VoxelType;
    public Int64x3 Shape;
    public float Mean;
    public float Std;
}

[StructLayout(LayoutKind.Sequential)]
internal struct TvxTrainOptions
{
    public double LearningRate;
    public double Beta1;
    public double Beta2;
    public double Epsilon;
    public double WeightDecay;
    public ulong Seed;
    public int TargetClass;
    public Int64x3 Patch;
    public TvxAugmentOptions Augment;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TvxReduction
{
    public int Kind;
    public Int32x2 KernelShape;
    public double* Kernel;
}

[StructLayout(LayoutKind.Sequential)]
internal struct TvxZssrOptions
{
    public Doublex2 Scale;
    public double Noise;
    public double LearningRate;
    public double MinLearningRate;
    public int MaxIterations;
    public int Crop;
    public int BackProjections;
    public int Ensemble;
    public int Gradual;
}

[StructLayout(LayoutKind.Sequential)]
internal struct TvxZssrState
{
    public long Iterations;
    public double LearningRate;
    public double BicubicError;
    public double Error;
    public int Step;
    public int Steps;
    public int FellBack;
}
