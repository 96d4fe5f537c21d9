// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>Reads boxes that reach beyond the border of a volume, or of a part of one.</summary>
internal static class Mirroring
{
    /// <summary>Reads each voxel that is needed once, then lays the rows out, mirrored where they leave the volume.</summary>
    public static void Read(OmeVolume volume, Box3 box, Box3 within, Span<byte> into, int channel)
    {
        if (box.IsEmpty)
            throw new ArgumentOutOfRangeException(nameof(box), $"box {box} is empty");
        volume.CheckChannel(channel);
        var bytes = volume.CheckLength(box, into.Length);
        int[][] maps = [Map(box, within, 0), Map(box, within, 1), Map(box, within, 2)];
        var source = Box3.Between(
            new Int3(maps[0].Min(), maps[1].Min(), maps[2].Min()),
            new Int3(maps[0].Max(), maps[1].Max(), maps[2].Max()) + Int3.One);
        var size = volume.Type.Bytes();
        var buffer = ArrayPool<byte>.Shared.Rent(checked((int)(source.Count * size)));
        try
        {
            var voxels = buffer.AsSpan(0, (int)(source.Count * size));
            volume.Read(source, voxels, channel);
            Gather(voxels, source, into[..bytes], box, maps, size);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static int[] Map(Box3 box, Box3 within, int axis)
    {
        var map = new int[box.Shape[axis]];
        for (var i = 0; i < map.Length; i++)
            map[i] = within.Start[axis] + MirrorIndex.Of(box.Start[axis] - within.Start[axis] + i, within.Shape[axis]);
        return map;
    }

    private static void Gather(ReadOnlySpan<byte> from, Box3 source, Span<byte> to, Box3 box, int[][] maps, int size)
    {
        // The middle of a row lies in the volume and is copied at once; only the ends go voxel by voxel.
        var inside = FirstRun(maps[2]);
        for (var z = 0; z < box.Shape.Z; z++)
        {
            for (var y = 0; y < box.Shape.Y; y++)
            {
                var row = ((maps[0][z] - source.Start.Z) * source.Shape.Y + (maps[1][y] - source.Start.Y)) * source.Shape.X * size;
                var sourceRow = from.Slice(row, source.Shape.X * size);
                var targetRow = to.Slice(((z * box.Shape.Y) + y) * box.Shape.X * size, box.Shape.X * size);
                var first = maps[2][inside.Start] - source.Start.X;
                sourceRow.Slice(first * size, inside.Length * size).CopyTo(targetRow[(inside.Start * size)..]);
                if (size == 1)
                    Ends(sourceRow, targetRow, maps[2], source.Start.X, inside);
                else
                    Ends(MemoryMarshal.Cast<byte, ushort>(sourceRow), MemoryMarshal.Cast<byte, ushort>(targetRow), maps[2], source.Start.X, inside);
            }
        }
    }

    private static void Ends<T>(ReadOnlySpan<T> from, Span<T> to, int[] map, int start, (int Start, int Length) inside)
    {
        for (var x = 0; x < inside.Start; x++)
            to[x] = from[map[x] - start];
        for (var x = inside.Start + inside.Length; x < map.Length; x++)
            to[x] = from[map[x] - start];
    }

    /// <summary>The longest run of indices that rise by one.</summary>
    private static (int Start, int Length) FirstRun(int[] map)
    {
        var best = (Start: 0, Length: 1);
        for (int start = 0, i = 1; i <= map.Length; i++)
        {
            if (i < map.Length && map[i] == map[i - 1] + 1)
                continue;
            if (i - start > best.Length)
                best = (start, i - start);
            start = i;
        }

        return best;
    }
}
