// SPDX-License-Identifier: Apache-2.0
using System.Numerics;
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>
/// Blocks of 1 or 2 voxels per axis to one voxel each. A block that the end of the volume cuts is what there is of it: nothing
/// is mirrored or made up.
/// </summary>
public static class Downsampling
{
    /// <summary>Grey levels: the mean of the block, rounded to the nearest level, halves up.</summary>
    /// <param name="from">Voxels of <paramref name="shape"/>, native byte order, x fastest.</param>
    /// <param name="type">What a voxel is.</param>
    /// <param name="shape">Shape (z, y, x).</param>
    /// <param name="factor">1 or 2 per axis.</param>
    /// <param name="into">Voxels of shape ceil(shape / factor).</param>
    public static void Mean(ReadOnlySpan<byte> from, VoxelType type, Int3 shape, Int3 factor, Span<byte> into)
    {
        Check(from.Length, type, shape, factor, into.Length);
        if (type == VoxelType.UInt16)
            Mean(MemoryMarshal.Cast<byte, ushort>(from), shape, factor, MemoryMarshal.Cast<byte, ushort>(into));
        else
            Mean<byte>(from, shape, factor, into);
    }

    /// <summary>
    /// Class ids: the most frequent one of the block, the smaller one where two are as frequent. Voxels that are not labelled
    /// (<see cref="ClassMap.Ignored"/>) have no say beside labelled ones: what is labelled thinly is still seen from afar. A
    /// block without a label has none.
    /// </summary>
    /// <param name="from">Voxels of <paramref name="shape"/>, x fastest.</param>
    /// <param name="shape">Shape (z, y, x).</param>
    /// <param name="factor">1 or 2 per axis.</param>
    /// <param name="into">Voxels of shape ceil(shape / factor).</param>
    public static void Mode(ReadOnlySpan<byte> from, Int3 shape, Int3 factor, Span<byte> into)
    {
        Check(from.Length, VoxelType.UInt8, shape, factor, into.Length);
        var reduced = Pyramid.Reduced(shape, factor);
        Span<int> rows = stackalloc int[4];
        Span<byte> block = stackalloc byte[8];
        for (int z = 0, at = 0; z < reduced.Z; z++)
        {
            for (var y = 0; y < reduced.Y; y++)
            {
                var some = RowsOf(shape, factor, z, y, rows);
                for (var start = 0; start < shape.X; start += factor.X, at++)
                {
                    // Most blocks lie within one structure: their first and last voxels of each row agree.
                    var end = Math.Min(start + factor.X, shape.X) - 1;
                    var (first, agree) = (from[some[0] + start], true);
                    foreach (var row in some)
                        agree &= from[row + start] == first & from[row + end] == first;
                    into[at] = agree ? first : Mode(from, some, start, end, block);
                }
            }
        }
    }

    // Of a block whose voxels differ: at least one of them is labelled.
    private static byte Mode(ReadOnlySpan<byte> from, ReadOnlySpan<int> rows, int start, int end, Span<byte> block)
    {
        var size = 0;
        foreach (var row in rows)
        {
            for (var x = row + start; x <= row + end; x++)
                block[size++] = from[x];
        }

        block = block[..size];
        var (best, most) = (ClassMap.Ignored, 0);
        foreach (var id in block)
        {
            var count = id == ClassMap.Ignored ? 0 : block.Count(id);
            if (count > most || (count == most && id < best))
                (best, most) = (id, count);
        }

        return best;
    }

    private static void Mean<T>(ReadOnlySpan<T> from, Int3 shape, Int3 factor, Span<T> into)
        where T : unmanaged, IBinaryInteger<T>
    {
        var reduced = Pyramid.Reduced(shape, factor);
        Span<int> rows = stackalloc int[4];
        for (int z = 0, at = 0; z < reduced.Z; z++)
        {
            for (var y = 0; y < reduced.Y; y++)
            {
                var some = RowsOf(shape, factor, z, y, rows);
                for (var start = 0; start < shape.X; start += factor.X, at++)
                {
                    var width = Math.Min(factor.X, shape.X - start);
                    var sum = 0;
                    foreach (var row in some)
                    {
                        for (var x = row + start; x < row + start + width; x++)
                            sum += int.CreateTruncating(from[x]);
                    }

                    // A block has 1, 2, 4 or 8 voxels: a shift divides by that.
                    var count = some.Length * width;
                    into[at] = T.CreateTruncating((sum + (count >> 1)) >> BitOperations.Log2((uint)count));
                }
            }
        }
    }

    /// <summary>Where the rows begin that make row (z, y) of the result: 1, 2 or 4 of them.</summary>
    private static ReadOnlySpan<int> RowsOf(Int3 shape, Int3 factor, int z, int y, Span<int> rows)
    {
        var count = 0;
        for (var sz = z * factor.Z; sz < Math.Min((z + 1) * factor.Z, shape.Z); sz++)
        {
            for (var sy = y * factor.Y; sy < Math.Min((y + 1) * factor.Y, shape.Y); sy++)
                rows[count++] = ((sz * shape.Y) + sy) * shape.X;
        }

        return rows[..count];
    }

    private static void Check(int from, VoxelType type, Int3 shape, Int3 factor, int into)
    {
        if (Int3.Min(Int3.Max(factor, Int3.One), new Int3(2, 2, 2)) != factor)
            throw new ArgumentException($"factor {factor} must be 1 or 2 per axis", nameof(factor));
        var needed = shape.Count * type.Bytes();
        var made = Pyramid.Reduced(shape, factor).Count * type.Bytes();
        if (!shape.IsPositive || from < needed || into < made)
            throw new ArgumentException($"{shape} reduced by {factor} takes {needed} and makes {made} bytes; there are {from} and {into}", nameof(shape));
    }
}
