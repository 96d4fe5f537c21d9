// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

/// <summary>What a child does: it fills a volume with one value, and may kill itself at the n-th hit (from 0) of a fault point.</summary>
internal sealed record ChildWork(string Volume, byte Value, bool Once, string KillAt = "", int Hit = 0);

/// <summary>This test program as a second process that writes a volume before any test runs.</summary>
internal static partial class ChildWriter
{
    private const string Variable = "TERAVOX_TEST_CHILD_WRITER";

    /// <summary>Starts the child. It writes a line when it is ready, waits for one, and ends by writing the voxels it got, in hex.</summary>
    public static Process Start(ChildWork work)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet")
            start.ArgumentList.Add(typeof(ChildWriter).Assembly.Location);
        start.Environment[Variable] = string.Join('|', work.Volume, work.Value, work.Once, work.KillAt, work.Hit);
        return Process.Start(start)!;
    }

    /// <summary>Lets a child that is ready go on, and waits for its end.</summary>
    /// <returns>Its exit code, 137 when it killed itself, the voxels it got and its error text.</returns>
    public static async Task<(int Code, string Voxels, string Error)> FinishAsync(Process child, CancellationToken ct)
    {
        await child.StandardInput.WriteLineAsync("go");
        child.StandardInput.Close();
        var error = child.StandardError.ReadToEndAsync(ct);
        var voxels = await child.StandardOutput.ReadToEndAsync(ct);
        await child.WaitForExitAsync(ct);
        return (child.ExitCode, voxels.Trim(), await error);
    }

    [ModuleInitializer]
#pragma warning disable CA2255 // The test program's own entry point is xunit's; only this runs before it.
    internal static void Run()
#pragma warning restore CA2255
    {
        if (Environment.GetEnvironmentVariable(Variable)?.Split('|') is not [var path, var value, var once, var killAt, var hit])
            return;
        var left = int.Parse(hit);
        FaultPoints.OnPoint = name =>
        {
            if (name == killAt && left-- == 0)
                _ = Kill(Environment.ProcessId, 9);
        };
        var volume = OmeVolume.Open(path);
        var voxels = Enumerable.Repeat(byte.Parse(value), (int)volume.Shape.Count).ToArray();
        Console.WriteLine("ready");
        Console.ReadLine();
        if (bool.Parse(once))
            volume.StoreOnce(Box3.Whole(volume.Shape), voxels);
        else
            volume.Write(Box3.Whole(volume.Shape), voxels);
        Console.WriteLine(Convert.ToHexString(voxels));
        Environment.Exit(0);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
