// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Networks.Tests;

/// <summary>A labelled block to cut patches from.</summary>
internal sealed record Sample(Int3 Shape, byte[] Voxels, byte[] Labels, VoxelType Type)
{
    /// <summary>Voxels and labels (modulo 256) by place.</summary>
    public static Sample Of(Int3 shape, Func<Int3, int> value, VoxelType type = VoxelType.UInt16)
    {
        int[] values = [.. Enumerable.Range(0, (int)shape.Count).Select(i => value(At(i, shape)))];
        byte[] labels = [.. values.Select(v => (byte)v)];
        var wide = MemoryMarshal.AsBytes<ushort>(values.Select(v => (ushort)v).ToArray()).ToArray();
        return new(shape, type == VoxelType.UInt16 ? wide : labels, labels, type);
    }

    /// <summary>Random ones.</summary>
    public static Sample Noise(Int3 shape, int seed, VoxelType type = VoxelType.UInt16)
    {
        var random = new Random(seed);
        return Of(shape, _ => random.Next(60000), type);
    }

    /// <summary>Place of a voxel.</summary>
    public static Int3 At(int i, Int3 shape) => new(i / (shape.Y * shape.X), i / shape.X % shape.Y, i % shape.X);

    public TrainingBlock Block(float mean = 0, float std = 1) =>
        new() { Voxels = Voxels, Labels = Labels, Type = Type, Shape = Shape, Mean = mean, Std = std };

    public (float[] Raw, byte[] Labels) Cut(AugmentationOptions o, ulong seed, ulong index, Int3 patch, float mean = 0, float std = 1, VoxelSize? spacing = null)
    {
        var (raw, labels) = (new float[patch.Count], new byte[patch.Count]);
        Augmentation.Apply(o, spacing ?? VoxelSize.Unit, seed, index, Block(mean, std), patch, raw, labels);
        return (raw, labels);
    }

    /// <summary>Every voxel of a patch is exactly that from where it should come.</summary>
    public void Check(Int3 patch, Func<int, int, int, Int3> from, float[] raw, byte[] labels, float mean, float std)
    {
        for (var i = 0; i < raw.Length; i++)
        {
            var to = At(i, patch);
            var source = from(to.Z, to.Y, to.X);
            var at = (((source.Z * Shape.Y) + source.Y) * Shape.X) + source.X;
            float voxel = Type == VoxelType.UInt16 ? MemoryMarshal.Cast<byte, ushort>(Voxels)[at] : Voxels[at];
            Assert.Equal((voxel - mean) / std, raw[i]);
            Assert.Equal(Labels[at], labels[i]);
        }
    }
}
