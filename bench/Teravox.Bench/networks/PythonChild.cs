// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Teravox.Contracts;

namespace Teravox.Bench.Networks;

/// <summary>A Python program that does a round of work for each line it is sent, and answers with the seconds it took. It ends with this process.</summary>
internal sealed class PythonChild : IDisposable
{
    private readonly Process _process;

    private PythonChild(Process process) => _process = process;

    public static Option<int> Threads() => new("--threads") { DefaultValueFactory = _ => Math.Min(2, Environment.ProcessorCount), Description = "Threads of each." };

    public static Option<int> Rounds() => new("--rounds") { DefaultValueFactory = _ => 5, Description = "How often each is measured." };

    /// <param name="script">A file of this program's folder python.</param>
    /// <param name="arguments">Of any type; numbers are written as Python reads them.</param>
    public static PythonChild Start(string script, params object[] arguments)
    {
        var interpreter = Environment.GetEnvironmentVariable("TERAVOX_PYTHON") is { Length: > 0 } named ? named : "/usr/bin/python3";
        if (!File.Exists(interpreter))
            throw new InputException($"{interpreter} is missing: install python3-torch, or name a Python that has it in TERAVOX_PYTHON");
        var start = new ProcessStartInfo(interpreter, [Path.Combine(AppContext.BaseDirectory, "python", script), .. arguments.Select(a => Convert.ToString(a, CultureInfo.InvariantCulture)!)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        return new PythonChild(Process.Start(start)!);
    }

    /// <summary>The next line it prints.</summary>
    public async Task<string> HearAsync(CancellationToken ct) =>
        await _process.StandardOutput.ReadLineAsync(ct) ?? throw new InputException("the Python program ended; its error stands above");

    /// <summary>One round; the seconds it took.</summary>
    public async Task<double> RoundAsync(CancellationToken ct) => double.Parse(await AskAsync(ct), CultureInfo.InvariantCulture);

    /// <summary>One round; what it answers.</summary>
    public async Task<string> AskAsync(CancellationToken ct)
    {
        await _process.StandardInput.WriteLineAsync("round".AsMemory(), ct);
        await _process.StandardInput.FlushAsync(ct);
        return await HearAsync(ct);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(10)))
            _process.Kill();
        _process.Dispose();
    }
}
