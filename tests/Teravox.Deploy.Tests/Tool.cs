// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Teravox.Testing;

namespace Teravox.Deploy.Tests;

/// <summary>Programs of this machine, and files of the repository.</summary>
internal static class Tool
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>What a program came to.</summary>
    public sealed record Outcome(int Code, string Output, string Error)
    {
        public string All => Output + Error;

        public Outcome MustSucceed()
        {
            Assert.True(Code == 0, $"exit code {Code}\n{All}");
            return this;
        }
    }

    public static string Root { get; } = FindRoot();

    public static string At(string path) => Path.Combine(Root, path);

    public static string Text(string path) => File.ReadAllText(At(path));

    /// <summary>Skips the test where a program is missing; in CI that is a failure.</summary>
    public static void Need(string program, string package)
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        if (path.Any(folder => File.Exists(Path.Combine(folder, program))))
            return;
        Prerequisite.Require($"{program} is not installed; install it, as with: apt-get install {package}");
    }

    /// <summary>The built program's folder, as TERAVOX_HOME of deploy/scripts/teravox.</summary>
    public static string Home
    {
        get
        {
            var configuration = AppContext.BaseDirectory.Contains("/Debug/", StringComparison.Ordinal) ? "Debug" : "Release";
            var home = At($"cli/bin/{configuration}/net10.0");
            Assert.True(File.Exists(Path.Combine(home, "teravox.dll")), $"{home} has no teravox.dll; run ./teravox build");
            return home;
        }
    }

    public static Process Start(string program, IEnumerable<string> arguments, params (string Name, string? Value)[] environment)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = Root,
        };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    public static async Task<Outcome> RunAsync(string program, IEnumerable<string> arguments, params (string Name, string? Value)[] environment)
    {
        using var process = Start(program, arguments, environment);
        process.StandardInput.Close();
        return await EndAsync(process);
    }

    public static Task<Outcome> RunAsync(string program, params string[] arguments) => RunAsync(program, arguments, []);

    /// <summary>Waits for a program's end; past two minutes it is killed, and the test fails with what it said.</summary>
    public static async Task<Outcome> EndAsync(Process process)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{process.StartInfo.FileName} {string.Join(' ', process.StartInfo.ArgumentList)} did not end; it said:\n{await output}{await error}");
        }

        return new Outcome(process.ExitCode, await output, await error);
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
