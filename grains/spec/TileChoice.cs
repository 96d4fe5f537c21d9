// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Networks;

namespace Teravox.Grains.Spec;

/// <summary>The core of a tile where a spec names none. A larger core computes less of its halo in vain, and needs more memory.</summary>
public static class TileChoice
{
    // About 2 million voxels: large enough that the halo does not dominate, small enough for a laptop's memory.
    private const int OnCpu = 128;
    private static readonly int[] OnGpu = [512, 448, 384, 320, 256, 192];

    /// <summary>The least memory of a GPU among silos, bytes; 0 when none has a GPU whose memory is known.</summary>
    public static long LeastGpuMemory(IEnumerable<SiloState> silos) => silos.Where(s => s.IsAlive).SelectMany(s => s.Entry.Devices)
        .Where(d => d.Name.StartsWith("cuda", StringComparison.Ordinal) && d.MemoryBytes > 0).Select(d => d.MemoryBytes).DefaultIfEmpty(0).Min();

    /// <summary>A core (z, y, x): whole chunks, whole cells of the network's grid, no larger than the volume needs.</summary>
    /// <param name="shape">Of the volume.</param>
    /// <param name="chunk">Of its files.</param>
    /// <param name="grid">Of the network.</param>
    /// <param name="halo">Of a tile.</param>
    /// <param name="a">The network.</param>
    /// <param name="outputs">Its output channels, 1 or more.</param>
    /// <param name="gpuMemory">Memory of the smallest GPU that computes, bytes; 0: a CPU computes.</param>
    internal static Int3 Core(Int3 shape, Int3 chunk, Int3 grid, Int3 halo, UNetArchitecture a, int outputs, long gpuMemory)
    {
        var step = Int3.Zip(chunk, grid, Lcm);
        return OnGpu.Select(Cut).FirstOrDefault(core => Fits(core), Cut(OnCpu));

        Int3 Cut(int edge) => Int3.Zip(Int3.Zip(shape, step, (s, k) => Math.Min((s + k - 1) / k, Math.Max(1, edge / k))), step, (n, k) => n * k);

        bool Fits(Int3 core)
        {
            var block = (core + halo + halo).RoundUpTo(grid);
            return GpuTile.Fits(a, block, core, outputs) && GpuTile.MemoryBytes(a, block, core, outputs) < gpuMemory * 6 / 10;
        }
    }

    private static int Lcm(int a, int b)
    {
        var (x, y) = (a, b);
        while (y != 0)
            (x, y) = (y, x % y);
        return a / x * b;
    }
}
