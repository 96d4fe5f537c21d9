// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>Cuts a patch out of its block along a map: the image by linear interpolation, labels by nearest neighbour.</summary>
internal static class PatchCut
{
    /// <summary>Image (voxel - mean) / std and class ids; either may be empty.</summary>
    public static void Cut(AugmentationMap map, in TrainingBlock block, Span<float> raw, Span<byte> labels)
    {
        // As float32 once: a voxel is read up to eight times.
        var rented = ArrayPool<float>.Shared.Rent((int)block.Shape.Count);
        try
        {
            var voxels = rented.AsSpan(0, raw.IsEmpty ? 0 : (int)block.Shape.Count);
            Widen(block, voxels);
            if (map.Interpolates)
            {
                Sample(map, voxels, block.Labels, raw, labels);
            }
            else
            {
                Copy(map, voxels, raw);
                Copy(map, block.Labels, labels);
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(rented);
        }

        var (mean, std) = (block.Mean, block.Std);
        foreach (ref var value in raw)
            value = (value - mean) / std;
    }

    private static void Widen(in TrainingBlock block, Span<float> voxels)
    {
        if (block.Type == VoxelType.UInt16)
        {
            var wide = MemoryMarshal.Cast<byte, ushort>(block.Voxels);
            for (var i = 0; i < voxels.Length; i++)
                voxels[i] = wide[i];
        }
        else
        {
            var narrow = block.Voxels;
            for (var i = 0; i < voxels.Length; i++)
                voxels[i] = narrow[i];
        }
    }

    // The middle of the block, flipped.
    private static void Copy<T>(AugmentationMap map, ReadOnlySpan<T> block, Span<T> patch)
    {
        if (patch.IsEmpty)
            return;
        var (shape, source) = (map.Patch, map.Source);
        var margin = (source - shape).Map(n => n / 2);
        for (var z = 0; z < shape.Z; z++)
        {
            for (var y = 0; y < shape.Y; y++)
            {
                var from = (((margin.Z + (map.Flip[0] ? shape.Z - 1 - z : z)) * source.Y) + margin.Y + (map.Flip[1] ? shape.Y - 1 - y : y)) * source.X;
                var row = patch.Slice(((z * shape.Y) + y) * shape.X, shape.X);
                block.Slice(from + margin.X, shape.X).CopyTo(row);
                if (map.Flip[2])
                    row.Reverse();
            }
        }
    }

    private static void Sample(AugmentationMap map, ReadOnlySpan<float> voxels, ReadOnlySpan<byte> ids, Span<float> raw, Span<byte> labels)
    {
        var (shape, source) = (map.Patch, map.Source);
        var positions = new float[3 * shape.X];
        var (alongZ, alongY, alongX) = (positions.AsMemory(0, shape.X), positions.AsMemory(shape.X, shape.X), positions.AsMemory(2 * shape.X));
        for (var z = 0; z < shape.Z; z++)
        {
            for (var y = 0; y < shape.Y; y++)
            {
                map.Row(z, y, alongZ.Span, alongY.Span, alongX.Span);

                // The source shape bounds the positions; this only keeps a rounding error of 1e-5 inside the block.
                Clamp(alongZ.Span, source.Z - 1);
                Clamp(alongY.Span, source.Y - 1);
                Clamp(alongX.Span, source.X - 1);
                var at = ((z * shape.Y) + y) * shape.X;
                if (!raw.IsEmpty)
                    Interpolate(source, voxels, alongZ.Span, alongY.Span, alongX.Span, raw.Slice(at, shape.X));
                if (!labels.IsEmpty)
                    Nearest(source, ids, alongZ.Span, alongY.Span, alongX.Span, labels.Slice(at, shape.X));
            }
        }
    }

    private static void Clamp(Span<float> positions, float last)
    {
        foreach (ref var position in positions)
            position = float.ClampNative(position, 0, last);
    }

    private static void Nearest(Int3 source, ReadOnlySpan<byte> ids, ReadOnlySpan<float> alongZ, ReadOnlySpan<float> alongY, ReadOnlySpan<float> alongX, Span<byte> labels)
    {
        for (var x = 0; x < labels.Length; x++)
            labels[x] = ids[(((Whole(alongZ[x] + .5f) * source.Y) + Whole(alongY[x] + .5f)) * source.X) + Whole(alongX[x] + .5f)];
    }

    private static void Interpolate(Int3 source, ReadOnlySpan<float> voxels, ReadOnlySpan<float> alongZ, ReadOnlySpan<float> alongY, ReadOnlySpan<float> alongX, Span<float> raw)
    {
        // An axis of one voxel has no second one to weigh in.
        var (lastZ, lastY, lastX) = (Math.Max(source.Z - 2, 0), Math.Max(source.Y - 2, 0), Math.Max(source.X - 2, 0));
        var (nextZ, nextY, nextX) = (source.Z > 1 ? source.Y * source.X : 0, source.Y > 1 ? source.X : 0, source.X > 1 ? 1 : 0);
        for (var x = 0; x < raw.Length; x++)
        {
            var (pz, py, px) = (alongZ[x], alongY[x], alongX[x]);
            var (cz, cy, cx) = (Math.Min(Whole(pz), lastZ), Math.Min(Whole(py), lastY), Math.Min(Whole(px), lastX));
            var (fz, fy, fx) = (pz - cz, py - cy, px - cx);
            var at = (((cz * source.Y) + cy) * source.X) + cx;
            var below = at + nextY;
            var near = Between(Between(voxels[at], voxels[at + nextX], fx), Between(voxels[below], voxels[below + nextX], fx), fy);
            (at, below) = (at + nextZ, below + nextZ);
            var far = Between(Between(voxels[at], voxels[at + nextX], fx), Between(voxels[below], voxels[below + nextX], fx), fy);
            raw[x] = Between(near, far, fz);
        }
    }

    private static float Between(float a, float b, float f) => a + (f * (b - a));

    private static int Whole(float position) => float.ConvertToIntegerNative<int>(position);
}
