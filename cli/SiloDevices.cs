// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Compute;
using Teravox.Silo;

namespace Teravox.Cli;

/// <summary>The devices of a silo.</summary>
internal static class SiloDevices
{
    /// <summary>
    /// The devices asked for; without any, every CUDA device that is here, else the CPU. Threads and memory of the machine
    /// are shared out evenly over its CPU devices; a CUDA device computes with one thread of the machine.
    /// </summary>
    /// <exception cref="Contracts.InputException">A device is not here.</exception>
    public static IReadOnlyList<SiloDevice> Make(IReadOnlyList<string> asked, int threads)
    {
        var names = asked.Count > 0 ? [.. asked.Select(Devices.Choose)] : All();
        var share = Math.Max(1, names.Count(name => name == "cpu"));

        // Heeds the limit of a container.
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / share;
        return
        [
            .. names.Select(name => name == "cpu"
                ? new SiloDevice(name, SiloDevice.OverlapSlots, Math.Max(1, threads / share), memory)
                : new SiloDevice(name, SiloDevice.OverlapSlots, Threads: 1, CudaMemory.BytesOf(int.Parse(name.AsSpan("cuda:".Length), CultureInfo.InvariantCulture)))),
        ];
    }

    private static List<string> All() => Devices.CudaCount == 0
        ? ["cpu"]
        : [.. Enumerable.Range(0, Devices.CudaCount).Select(i => Devices.Choose($"cuda:{i}"))];
}
