// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Testing;

/// <summary>A level from the one above it, the slow way: voxel by voxel, as the rules are told.</summary>
internal static class NaiveLevels
{
    /// <summary>Mean or mode of blocks; voxels in native byte order, x fastest.</summary>
    public static byte[] Reduce(byte[] voxels, VoxelType type, Int3 shape, Int3 factor, bool isLabels)
    {
        var reduced = new Int3(Up(shape.Z, factor.Z), Up(shape.Y, factor.Y), Up(shape.X, factor.X));
        var result = new byte[reduced.Count * type.Bytes()];
        for (var i = 0; i < reduced.Count; i++)
        {
            var (z, y, x) = (i / (reduced.Y * reduced.X) * factor.Z, i / reduced.X % reduced.Y * factor.Y, i % reduced.X * factor.X);
            var block =
                from dz in Enumerable.Range(z, factor.Z).Where(v => v < shape.Z)
                from dy in Enumerable.Range(y, factor.Y).Where(v => v < shape.Y)
                from dx in Enumerable.Range(x, factor.X).Where(v => v < shape.X)
                select Voxel((((dz * shape.Y) + dy) * shape.X) + dx);
            var value = isLabels ? Mode([.. block]) : (int)Math.Round(block.Average(), MidpointRounding.AwayFromZero);
            if (type == VoxelType.UInt16)
                MemoryMarshal.Cast<byte, ushort>(result.AsSpan())[i] = (ushort)value;
            else
                result[i] = (byte)value;
        }

        return result;

        int Voxel(int at) => type == VoxelType.UInt16 ? BitConverter.ToUInt16(voxels, 2 * at) : voxels[at];
    }

    private static int Mode(int[] block)
    {
        int[] labelled = [.. block.Where(id => id != 255)];
        return labelled.Length == 0 ? 255 : labelled.GroupBy(id => id).OrderByDescending(g => g.Count()).ThenBy(g => g.Key).First().Key;
    }

    private static int Up(int n, int f) => (int)Math.Ceiling(n / (double)f);
}
