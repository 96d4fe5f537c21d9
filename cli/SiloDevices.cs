// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Networks;
using Teravox.Silo.Devices;

namespace Teravox.Cli;

/// <summary>The devices of a silo.</summary>
internal static class SiloDevices
{
    /// <summary>
    /// The devices asked for; without any, every CUDA device that is here, else the CPU. Threads and memory of the machine
    /// are shared out over its CPU devices, what does not divide going to the first; a CUDA device computes with one thread
    /// of the machine.
    /// </summary>
    /// <exception cref="InputException">A device is not here, or there is no thread for each CPU device.</exception>
    public static IReadOnlyList<Device> Make(IReadOnlyList<string> asked, int threads)
    {
        var names = asked.Count > 0 ? [.. asked.Select(Devices.Choose)] : All();
        var sharers = Math.Max(1, names.Count(name => name == "cpu"));
        if (threads < sharers)
            throw new InputException($"--threads {threads}: {sharers} CPU devices need a thread each; give more threads or fewer devices.");

        // Heeds the limit of a container.
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / sharers;
        var cpus = 0;
        return
        [
            .. names.Select(name => name == "cpu"
                ? new Device(name, Device.OverlapSlots, (threads / sharers) + (cpus++ < threads % sharers ? 1 : 0), memory)
                : new Device(name, Device.OverlapSlots, Threads: 1, CudaMemory.OfDevice(name))),
        ];
    }

    private static List<string> All() => Devices.CudaCount == 0
        ? ["cpu"]
        : [.. Enumerable.Range(0, Devices.CudaCount).Select(i => Devices.Choose($"cuda:{i}"))];
}
