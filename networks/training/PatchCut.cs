// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>Cuts a patch out of its block along a map: the image by linear interpolation, labels by nearest neighbour.</summary>
internal static class PatchCut
{
    /// <summary>The standardised image: (voxel - mean) / std.</summary>
    public static void Image(AugmentationMap map, in TrainingBlock block, Span<float> raw)
    {
        // As float32 once: a voxel is read up to eight times.
        var count = (int)block.Shape.Count;
        var rented = ArrayPool<float>.Shared.Rent(count);
        try
        {
            var voxels = rented.AsSpan(0, count);
            Widen(block, voxels);
            if (map.Interpolates)
                Interpolate(map, voxels, raw);
            else
                Copy(map, voxels, raw);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(rented);
        }

        var (mean, std) = (block.Mean, block.Std);
        foreach (ref var value in raw)
            value = (value - mean) / std;
    }

    /// <summary>The class ids.</summary>
    public static void Labels(AugmentationMap map, in TrainingBlock block, Span<byte> labels)
    {
        if (!map.Interpolates)
        {
            Copy(map, block.Labels, labels);
            return;
        }

        var rows = new Rows(map);
        for (var (z, at) = (0, 0); z < map.Patch.Z; z++)
        {
            for (var y = 0; y < map.Patch.Y; y++)
            {
                rows.Read(z, y);
                for (var x = 0; x < map.Patch.X; x++)
                {
                    var (pz, py, px) = rows.At(x);
                    labels[at++] = block.Labels[(((int)(pz + 0.5f) * map.Source.Y) + (int)(py + 0.5f)) * map.Source.X + (int)(px + 0.5f)];
                }
            }
        }
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

    private static void Interpolate(AugmentationMap map, ReadOnlySpan<float> block, Span<float> raw)
    {
        var source = map.Source;
        var rows = new Rows(map);

        // An axis of one voxel has no second one to weigh in.
        var last = source.Map(n => Math.Max(n - 2, 0));
        var (nextZ, nextY, nextX) = (source.Z > 1 ? source.Y * source.X : 0, source.Y > 1 ? source.X : 0, source.X > 1 ? 1 : 0);
        for (var (z, at) = (0, 0); z < map.Patch.Z; z++)
        {
            for (var y = 0; y < map.Patch.Y; y++)
            {
                rows.Read(z, y);
                for (var x = 0; x < map.Patch.X; x++)
                {
                    var (pz, py, px) = rows.At(x);
                    var (cz, cy, cx) = (Math.Min((int)pz, last.Z), Math.Min((int)py, last.Y), Math.Min((int)px, last.X));
                    var (fz, fy, fx) = (pz - cz, py - cy, px - cx);
                    var cell = block[((((cz * source.Y) + cy) * source.X) + cx)..];
                    var near = Between(Line(cell, nextX, fx), Line(cell[nextY..], nextX, fx), fy);
                    var far = Between(Line(cell[nextZ..], nextX, fx), Line(cell[(nextZ + nextY)..], nextX, fx), fy);
                    raw[at++] = Between(near, far, fz);
                }
            }
        }

        static float Line(ReadOnlySpan<float> from, int next, float f) => Between(from[0], from[next], f);

        static float Between(float a, float b, float f) => a + (f * (b - a));
    }

    /// <summary>Positions of the patch's rows, kept inside the block: the source shape bounds them but for a rounding error of 1e-5.</summary>
    private sealed class Rows(AugmentationMap map)
    {
        private readonly float[] _z = new float[map.Patch.X], _y = new float[map.Patch.X], _x = new float[map.Patch.X];
        private readonly float _lastZ = map.Source.Z - 1, _lastY = map.Source.Y - 1, _lastX = map.Source.X - 1;

        public void Read(int z, int y) => map.Row(z, y, _z, _y, _x);

        public (float Z, float Y, float X) At(int x) => (Math.Clamp(_z[x], 0, _lastZ), Math.Clamp(_y[x], 0, _lastY), Math.Clamp(_x[x], 0, _lastX));
    }
}
