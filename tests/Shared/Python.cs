// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace Teravox.Testing;

/// <summary>
/// Runs the scripts of a test project's python/ with the interpreter that TERAVOX_PYTHON names (default /usr/bin/python3).
/// Where it or a module is missing, a test is skipped at home and fails in CI.
/// </summary>
internal static class Python
{
    /// <summary>Runs a script; returns what it printed.</summary>
    public static string Run(string script, params string[] arguments)
    {
        var interpreter = Environment.GetEnvironmentVariable("TERAVOX_PYTHON") is { Length: > 0 } p ? p : "/usr/bin/python3";
        Prerequisite.Require(File.Exists(interpreter), interpreter);
        var start = new ProcessStartInfo(interpreter, [Path.Combine(AppContext.BaseDirectory, "python", script), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        var text = error.GetAwaiter().GetResult();
        Prerequisite.Require(!text.Contains("ModuleNotFoundError", StringComparison.Ordinal), $"a module for {script}: {text.Trim().Split('\n')[^1]}");
        Assert.True(process.ExitCode == 0, $"{script} ended with {process.ExitCode}: {text}");
        return output;
    }
}
