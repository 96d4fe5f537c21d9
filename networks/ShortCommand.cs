// SPDX-License-Identifier: Apache-2.0
using System.ComponentModel;
using System.Diagnostics;

namespace Teravox.Networks;

/// <summary>Other programs that answer at once, as nvidia-smi and python3 do.</summary>
public static class ShortCommand
{
    /// <summary>Longest wait for an answer, ms: a driver that hangs must not keep a silo from starting.</summary>
    private const int Patience = 10_000;

    /// <summary>What the program prints, without space around it; null when it is not there, fails or does not end in ten seconds.</summary>
    /// <param name="program">Name or path.</param>
    /// <param name="arguments">Its arguments.</param>
    public static string? Answer(string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            var answer = process.StandardOutput.ReadToEndAsync();
            if (!answer.Wait(Patience) || !process.WaitForExit(Patience))
            {
                process.Kill(entireProcessTree: true);
                return null;
            }

            return process.ExitCode == 0 ? answer.Result.Trim() : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
