// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>Copies parts of boxes row by row.</summary>
internal static class Rows
{
    /// <summary>
    /// Copies the voxels of <paramref name="part"/>, which lies in both boxes, from one box's buffer to the other's.
    /// </summary>
    public static void Copy(ReadOnlySpan<byte> from, Box3 fromBox, Span<byte> to, Box3 toBox, Box3 part, int voxelBytes)
    {
        var row = part.Shape.X * voxelBytes;
        for (var z = part.Start.Z; z < part.End.Z; z++)
        {
            for (var y = part.Start.Y; y < part.End.Y; y++)
            {
                var source = Offset(fromBox, z, y, part.Start.X) * voxelBytes;
                var target = Offset(toBox, z, y, part.Start.X) * voxelBytes;
                from.Slice((int)source, row).CopyTo(to[(int)target..]);
            }
        }
    }

    /// <summary>Index of the voxel at (z, y, x) in the box's buffer.</summary>
    private static long Offset(Box3 box, int z, int y, int x) =>
        ((((long)(z - box.Start.Z) * box.Shape.Y) + (y - box.Start.Y)) * box.Shape.X) + (x - box.Start.X);
}
