// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace Teravox.Volumes.Tests;

/// <summary>
/// Runs the scripts of python/ with the interpreter that TERAVOX_PYTHON names (default /usr/bin/python3), which has
/// numpy, tifffile, PIL and zarr. Without them a test is skipped at home and fails in CI.
/// </summary>
internal static class Python
{
    private static readonly Lazy<string?> Missing = new(() =>
    {
        try
        {
            var (code, _, error) = Start(["-c", "import numpy, tifffile, zarr, PIL"]);
            return code == 0 ? null : error.Trim();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return e.Message;
        }
    });

    /// <summary>Runs a script; returns what it printed.</summary>
    public static string Run(string script, params string[] arguments)
    {
        Prerequisite.Require(Missing.Value is null, $"python with numpy, tifffile, zarr and PIL: {Missing.Value}");
        var (code, output, error) = Start([Path.Combine(AppContext.BaseDirectory, "python", script), .. arguments]);
        Assert.True(code == 0, $"{script} ended with {code}: {error}");
        return output;
    }

    private static (int Code, string Output, string Error) Start(string[] arguments)
    {
        var interpreter = Environment.GetEnvironmentVariable("TERAVOX_PYTHON") is { Length: > 0 } p ? p : "/usr/bin/python3";
        var start = new ProcessStartInfo(interpreter, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.GetAwaiter().GetResult());
    }
}

/// <summary>What a machine may lack: then a test is skipped at home and fails where CI=true.</summary>
internal static class Prerequisite
{
    public static void Require(bool present, string what)
    {
        if (present)
            return;
        if (string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase))
            Assert.Fail($"missing in CI: {what}");
        Assert.Skip($"missing: {what}");
    }
}
