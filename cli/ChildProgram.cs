// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Reflection;

namespace Teravox.Cli;

/// <summary>
/// This program again, as a process that ends with this one: its standard input closes then. It has a session of its own,
/// so that Ctrl-C reaches it through its parent only.
/// </summary>
internal sealed class ChildProgram : IDisposable
{
    private readonly Process _process;

    private ChildProgram(Process process) => _process = process;

    /// <summary>The words that start this program again.</summary>
    public static IReadOnlyList<string> Command
    {
        get
        {
            var self = Environment.ProcessPath!;
            return Path.GetFileNameWithoutExtension(self) == "dotnet" ? [self, Assembly.GetEntryAssembly()!.Location] : [self];
        }
    }

    public int Pid => _process.Id;

    /// <summary>Starts it; <paramref name="heard"/> gets every line of both its outputs.</summary>
    public static ChildProgram Start(IEnumerable<string> arguments, IEnumerable<(string Name, string Value)> environment, Action<string> heard)
    {
        var info = new ProcessStartInfo("setsid") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in Command.Concat(arguments))
            info.ArgumentList.Add(argument);
        foreach (var (name, value) in environment)
            info.Environment[name] = value;
        var process = Process.Start(info)!;
        process.OutputDataReceived += (_, e) => Tell(e.Data, heard);
        process.ErrorDataReceived += (_, e) => Tell(e.Data, heard);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new ChildProgram(process);
    }

    /// <summary>Waits for its end and gives its exit code.</summary>
    public async Task<int> EndAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private static void Tell(string? line, Action<string> heard)
    {
        if (line is not null)
            heard(line);
    }
}
