// SPDX-License-Identifier: Apache-2.0
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Teravox.Networks;

/// <summary>
/// Memory of CUDA devices, as the driver's own tool nvidia-smi tells it: the libraries that Teravox is built with have no
/// stable call for it.
/// </summary>
public static class CudaMemory
{
    /// <summary>Longest wait for the tool, ms: a driver that hangs must not keep a silo from starting.</summary>
    private const int Patience = 10_000;

    /// <summary>The same of a device by its name, "cuda:1"; 0 of any other.</summary>
    public static long OfDevice(string device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.StartsWith("cuda:", StringComparison.Ordinal) ? BytesOf(int.Parse(device.AsSpan("cuda:".Length), CultureInfo.InvariantCulture)) : 0;
    }

    /// <summary>Memory of a device, bytes; 0 when the tool is not there or does not say.</summary>
    /// <param name="index">The device's number among those that this process may use, from 0.</param>
    /// <param name="tool">Name or path of nvidia-smi.</param>
    public static long BytesOf(int index, string tool = "nvidia-smi")
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        var start = new ProcessStartInfo(tool) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { "--query-gpu=memory.total", "--format=csv,noheader,nounits", "-i", NameOf(index) })
            start.ArgumentList.Add(argument);
        try
        {
            using var process = Process.Start(start)!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            var answer = process.StandardOutput.ReadToEndAsync();
            if (!answer.Wait(Patience) || !process.WaitForExit(Patience))
            {
                process.Kill();
                return 0;
            }

            // The tool speaks of MiB.
            return process.ExitCode == 0 && long.TryParse(answer.Result.Trim(), CultureInfo.InvariantCulture, out var mebibytes) ? mebibytes << 20 : 0;
        }
        catch (Win32Exception)
        {
            return 0;
        }
    }

    // The driver numbers all devices of the machine; CUDA_VISIBLE_DEVICES renumbers those that a process may use.
    private static string NameOf(int index)
    {
        var visible = (Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES") ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return index < visible.Length ? visible[index] : index.ToString(CultureInfo.InvariantCulture);
    }
}
