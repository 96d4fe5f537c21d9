// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts.Api;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;

namespace Teravox.Grains.Scheduling;

/// <summary>Whether a silo has what a stage's items need: the rule by which the scheduler gives items to devices.</summary>
public static class Fitting
{
    /// <summary>True when one of the silo's devices can run the stage's items.</summary>
    public static bool Fits(string kind, WorkNeeds needs, SiloEntry silo) => silo.Devices.Any(device => Fits(kind, needs, silo, device));

    /// <summary>True when this device of the silo can run the stage's items.</summary>
    public static bool Fits(string kind, WorkNeeds needs, SiloEntry silo, DeviceInfo device) =>
        silo.Kinds.Contains(kind, StringComparer.Ordinal)
        && (needs.Tag is not { } tag || silo.Tags.Contains(tag, StringComparer.Ordinal))
        && (!needs.Gpu || HasGpu(device))
        && (device.MemoryBytes == 0 || device.MemoryBytes >= needs.MemoryBytes);

    /// <summary>Why none of the silos can run the stage, as "needs a CUDA device; no silo has one"; null when one can.</summary>
    public static string? WhyNot(string kind, WorkNeeds needs, IReadOnlyList<SiloEntry> silos)
    {
        if (silos.Any(silo => Fits(kind, needs, silo)))
        {
            return null;
        }

        return silos.Any(silo => silo.Kinds.Contains(kind, StringComparer.Ordinal))
            ? $"needs {Describe(needs)}; no silo has {(NeedsDevice(needs) && needs.Tag is not null ? "both" : "one")}"
            : $"is of kind '{kind}', which no silo can run; start silos of a newer teravox";
    }

    /// <summary>What is needed, as "a CUDA device with 20 GiB of memory and the tag 'disk=fast'".</summary>
    public static string Describe(WorkNeeds needs)
    {
        var device = needs.Gpu ? "a CUDA device" : "a device";
        if (needs.MemoryBytes > 0)
        {
            device += $" with {Bytes(needs.MemoryBytes)} of memory";
        }

        return (NeedsDevice(needs), needs.Tag) switch
        {
            (true, { } tag) => $"{device} and the tag '{tag}'",
            (false, { } tag) => $"a silo with the tag '{tag}'",
            _ => device,
        };
    }

    /// <summary>"1000 bytes", "20 GiB".</summary>
    public static string Bytes(long bytes) => bytes < 1L << 30
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.#} GiB");

    private static bool NeedsDevice(WorkNeeds needs) => needs.Gpu || needs.MemoryBytes > 0;

    private static bool HasGpu(DeviceInfo device) => device.Name.StartsWith("cuda", StringComparison.Ordinal);
}
