// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace Teravox.Networks;

/// <summary>
/// Memory and names of CUDA devices, as the driver's own tool nvidia-smi tells them: the libraries that Teravox is built with have no
/// stable call for it.
/// </summary>
public static class CudaMemory
{
    private const string Tool = "nvidia-smi";

    /// <summary>The same of a device by its name, "cuda:1"; 0 of any other.</summary>
    public static long OfDevice(string device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.StartsWith("cuda:", StringComparison.Ordinal) ? BytesOf(int.Parse(device.AsSpan("cuda:".Length), CultureInfo.InvariantCulture)) : 0;
    }

    /// <summary>Memory of a device, bytes; 0 when the tool is not there or does not say.</summary>
    /// <param name="index">The device's number among those that this process may use, from 0.</param>
    /// <param name="tool">Name or path of nvidia-smi.</param>
    public static long BytesOf(int index, string tool = Tool) =>

        // The tool speaks of MiB.
        long.TryParse(Ask("memory.total", index, tool), CultureInfo.InvariantCulture, out var mebibytes) ? mebibytes << 20 : 0;

    /// <summary>The name of a device's model; null when the tool is not there or does not say.</summary>
    /// <param name="index">The device's number among those that this process may use, from 0.</param>
    /// <param name="tool">Name or path of nvidia-smi.</param>
    public static string? ModelOf(int index, string tool = Tool) => Ask("name", index, tool) is { Length: > 0 } name ? name : null;

    private static string? Ask(string field, int index, string tool)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        return ShortCommand.Answer(tool, "--query-gpu=" + field, "--format=csv,noheader,nounits", "-i", NameOf(index));
    }

    // The driver numbers all devices of the machine; CUDA_VISIBLE_DEVICES renumbers those that a process may use.
    private static string NameOf(int index)
    {
        var visible = (Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES") ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return index < visible.Length ? visible[index] : index.ToString(CultureInfo.InvariantCulture);
    }
}
