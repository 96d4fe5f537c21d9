// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

/// <summary>A folder of its own for a test, removed afterwards.</summary>
internal sealed class TempFolder : IDisposable
{
    public TempFolder()
    {
        // In memory where the system has it: every chunk is flushed to the disk, which is slow on a real one.
        Root = Directory.Exists("/dev/shm")
            ? Directory.CreateDirectory($"/dev/shm/teravox-{Guid.NewGuid():N}").FullName
            : Directory.CreateTempSubdirectory("teravox-").FullName;
    }

    public string Root { get; }

    public string Path(params string[] parts) => System.IO.Path.Combine([Root, .. parts]);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

/// <summary>Work on several threads at once.</summary>
internal static class Together
{
    /// <summary>Runs the work for 0..count - 1, each on a thread of its own, all from the same moment; gives the results in order.</summary>
    public static Task<T[]> RunAsync<T>(int count, Func<int, T> work)
    {
        var start = new Barrier(count);
        return Task.WhenAll(Enumerable.Range(0, count).Select(i => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait();
                return work(i);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));
    }
}

/// <summary>Voxels to test with.</summary>
internal static class Data
{
    /// <summary>A smooth pattern with some noise: compressible, and no two slices alike.</summary>
    public static byte[] Smooth(Int3 shape, VoxelType type, int seed)
    {
        var random = new Random(seed);
        var bytes = new byte[shape.Count * type.Bytes()];
        for (long i = 0; i < shape.Count; i++)
        {
            var (z, y, x) = (i / ((long)shape.Y * shape.X), i / shape.X % shape.Y, i % shape.X);
            var v = (z * 31) + (y * 7) + (x * 3) + random.Next(4) + seed;
            if (type == VoxelType.UInt8)
                bytes[i] = (byte)v;
            else
                MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan())[(int)i] = (ushort)(v * 37);
        }

        return bytes;
    }

    /// <summary>A box that lies inside, or reaches out by up to <paramref name="outside"/> voxels.</summary>
    public static Box3 RandomBox(Random random, Int3 shape, int outside)
    {
        (int Start, int Length) Axis(int n)
        {
            var start = random.Next(-outside, n + outside);
            return (start, random.Next(1, n + outside - start + 1));
        }

        var (z, y, x) = (Axis(shape.Z), Axis(shape.Y), Axis(shape.X));
        return new Box3(new Int3(z.Start, y.Start, x.Start), new Int3(z.Length, y.Length, x.Length));
    }

    /// <summary>The slow way: voxel by voxel, reflected by walking to and fro.</summary>
    public static byte[] Cut(byte[] voxels, Int3 shape, Box3 box, int size)
    {
        static int Reflect(int i, int n)
        {
            while (n > 1 && (i < 0 || i >= n))
                i = i < 0 ? -i : (2 * (n - 1)) - i;
            return n == 1 ? 0 : i;
        }

        var cut = new byte[box.Count * size];
        var at = 0;
        for (var z = box.Start.Z; z < box.End.Z; z++)
        {
            for (var y = box.Start.Y; y < box.End.Y; y++)
            {
                for (var x = box.Start.X; x < box.End.X; x++, at += size)
                {
                    var from = ((((Reflect(z, shape.Z) * shape.Y) + Reflect(y, shape.Y)) * shape.X) + Reflect(x, shape.X)) * size;
                    Array.Copy(voxels, from, cut, at, size);
                }
            }
        }

        return cut;
    }
}
