// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Teravox.Contracts.Api;
using Teravox.EndToEnd.Tests;

[assembly: AssemblyFixture(typeof(Teravox.Client.Tests.LiveSilo))]

namespace Teravox.Client.Tests;

/// <summary>A silo as people start one: a process with a database in a file, a store in a folder, and its HTTP face on a free port.</summary>
public sealed class LiveSilo : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly string _folder = Directory.CreateTempSubdirectory("teravox-live-").FullName;
    private readonly TaskCompletionSource<string> _listens = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly StringBuilder _said = new();
    private Process? _process;

    public string Url { get; private set; } = "";

    /// <summary>The folder that clients may name paths in.</summary>
    public string Root => Path.Combine(_folder, "root");

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(Root);
        var configuration = AppContext.BaseDirectory.Contains("/Debug/", StringComparison.Ordinal) ? "Debug" : "Release";
        var program = Path.Combine(TeravoxProcess.RepositoryRoot, "cli", "bin", configuration, "net10.0", "teravox.dll");
        string[] arguments =
        [
            program, "silo", "--database", "sqlite:" + Path.Combine(_folder, "teravox.db"), "--store", Path.Combine(_folder, "store"), "--root", Root,
            "--urls", "http://127.0.0.1:0", "--device", "cpu", "--threads", "1", "--grace", "0", "--json", "--stop-with-stdin",
        ];
        _process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        _process.OutputDataReceived += (_, e) => Hear(e.Data);
        _process.ErrorDataReceived += (_, e) => Hear(e.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        try
        {
            Url = await _listens.Task.WaitAsync(Patience, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"the silo did not listen within {Patience}; it said:\n{_said}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            process.StandardInput.Close();
            using var patience = new CancellationTokenSource(Patience);
            await process.WaitForExitAsync(patience.Token);
            process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    internal TeravoxClient Client() => new(Url);

    /// <summary>A spec that runs in seconds.</summary>
    internal static string Spec(string name, int iterations = 20, string data = """{ "phantom": { "shape": [8, 32, 32], "seed": 1 } }""") =>
        $$"""
        {
          "name": "{{name}}", "seed": 5, "data": {{data}},
          "network": { "levels": 2, "fMaps": 4 },
          "training": { "iterations": {{iterations}}, "patch": [8, 16, 16], "checkpointEvery": 100 },
          "inference": { "tile": [8, 16, 16] }, "storage": { "chunk": [8, 16, 16] }
        }
        """;

    internal static SubmitExperiment Submission(string name, int iterations = 20) => new() { Spec = JsonElement.Parse(Spec(name, iterations)) };

    private void Hear(string? line)
    {
        if (line is null)
            return;
        lock (_said)
            _said.AppendLine(line);
        if (line.StartsWith('{') && JsonElement.Parse(line) is var said && said.TryGetProperty("kind", out var kind) && kind.GetString() == "listening")
            _listens.TrySetResult(said.GetProperty("url").GetString()!);
    }
}
