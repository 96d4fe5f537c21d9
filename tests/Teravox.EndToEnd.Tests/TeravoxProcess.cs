// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Teravox.EndToEnd.Tests;

/// <summary>The real program as a real process.</summary>
internal sealed partial class TeravoxProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private readonly Process _process;
    private readonly StringBuilder _error = new();
    private readonly StringBuilder _output = new();
    private readonly string _commandLine;

    private TeravoxProcess(Process process, string commandLine)
    {
        _process = process;
        _commandLine = commandLine;
        process.OutputDataReceived += (_, e) => Add(_output, e.Data, OutputLine);
        process.ErrorDataReceived += (_, e) => Add(_error, e.Data, ErrorLine);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>What the process came to.</summary>
    public sealed record Result(int ExitCode, string Output, string Error)
    {
        public bool WasKilled => ExitCode == 128 + 9;

        public Result MustSucceed()
        {
            Assert.True(ExitCode == 0, $"exit code {ExitCode}\n{Error}\n{Output}");
            return this;
        }

        /// <summary>One clear line on standard error, nothing that looks like a stack trace.</summary>
        public Result MustRefuse(params string[] named)
        {
            Assert.True(ExitCode != 0, $"it succeeded\n{Error}\n{Output}");
            var lines = Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l.StartsWith("teravox: ", StringComparison.Ordinal)).ToList();
            Assert.True(lines.Count >= 1, "no line starts with \"teravox: \":\n" + Error);
            Assert.DoesNotContain("   at ", Error, StringComparison.Ordinal);
            Assert.DoesNotContain("Unhandled", Error, StringComparison.Ordinal);
            foreach (var word in named)
                Assert.Contains(word, lines[0], StringComparison.OrdinalIgnoreCase);
            return this;
        }
    }

    public int Pid => _process.Id;

    public event Action<string>? OutputLine;

    public event Action<string>? ErrorLine;

    public static string RepositoryRoot { get; } = FindRoot();

    public static TeravoxProcess Start(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        var configuration = AppContext.BaseDirectory.Contains("/Debug/", StringComparison.Ordinal) ? "Debug" : "Release";
        var program = Path.Combine(RepositoryRoot, "cli", "bin", configuration, "net10.0", "teravox.dll");
        Assert.True(File.Exists(program), $"{program} is missing; run ./teravox build");

        // env: where tests are started in the background by a shell, Ctrl-C is ignored, and children inherit that.
        var start = new ProcessStartInfo("env") { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath() };
        foreach (var word in new[] { "--default-signal=INT", "dotnet", program })
            start.ArgumentList.Add(word);
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return new TeravoxProcess(Process.Start(start)!, string.Join(' ', arguments));
    }

    public static async Task<Result> RunAsync(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        using var process = Start(arguments, environment);
        return await process.EndAsync();
    }

    public static Task<Result> RunAsync(params string[] arguments) => RunAsync(arguments, []);

    /// <summary>
    /// Kills the program from outside, as kill -9 does, where it reaches a fault point ("name:n", see KillSwitch): it stops there
    /// and waits, so the kill comes neither too early nor too late, however slow the machine.
    /// </summary>
    public static async Task KillAtAsync(IEnumerable<string> arguments, string point)
    {
        using var process = Start(arguments, ("TERAVOX_STOP_AT", point));
        process.ErrorLine += line =>
        {
            if (line.StartsWith("stopped at ", StringComparison.Ordinal))
                process.Kill();
        };
        var result = await process.EndAsync();
        Assert.True(result.WasKilled, $"it did not come to {point}: exit code {result.ExitCode}\n{result.Error}\n{result.Output}");
    }

    public async Task<Result> EndAsync()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"teravox {_commandLine} did not end; it said:\n{_error}\n{_output}");
        }

        lock (_output)
        {
            lock (_error)
                return new Result(_process.ExitCode, _output.ToString(), _error.ToString());
        }
    }

    /// <summary>kill -9.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Ctrl-C.</summary>
    public void Interrupt() => Assert.Equal(0, Signal(_process.Id, 2));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int pid, int signal);

    private static void Add(StringBuilder to, string? line, Action<string>? tell)
    {
        if (line is null)
            return;
        lock (to)
            to.Append(line).Append('\n');
        tell?.Invoke(line);
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Cluster.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException("the repository's root was not found above " + AppContext.BaseDirectory);
    }
}

/// <summary>A folder of its own for a test, removed at its end.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("teravox-test-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>Compares what two experiments left.</summary>
internal static class Results
{
    /// <summary>Every file that people see, by its path, with its bytes; the working folder is left out.</summary>
    public static SortedDictionary<string, byte[]> Of(string folder) => new(
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(f => (Name: Path.GetRelativePath(folder, f), Path: f))
            .Where(f => !f.Name.StartsWith(".teravox", StringComparison.Ordinal))
            .ToDictionary(f => f.Name, f => File.ReadAllBytes(f.Path)),
        StringComparer.Ordinal);

    public static void MustEqual(string expected, string actual)
    {
        var (a, b) = (Of(expected), Of(actual));
        Assert.Equal(a.Keys, b.Keys);
        foreach (var (name, bytes) in a)
            Assert.True(bytes.AsSpan().SequenceEqual(b[name]), $"{name} differs");
    }
}
