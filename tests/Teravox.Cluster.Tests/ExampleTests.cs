// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using Teravox.Silo.Cluster;
using Teravox.Silo.Local;
using Teravox.Testing;

namespace Teravox.Cluster.Tests;

/// <summary>The C# examples as people run them, against a real silo.</summary>
public sealed class ExampleTests(Database database)
{
    private const string Spec = """
        {
          "name": "example", "seed": 5, "preset": "train", "data": { "phantom": { "shape": [8, 32, 32], "seed": 1 } },
          "network": { "levels": 2, "fMaps": 4 }, "training": { "iterations": ITERATIONS, "patch": [8, 16, 16] },
          "inference": { "tile": [8, 16, 16] }, "storage": { "chunk": [8, 16, 16] }
        }
        """;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Http_WhenASiloServes_SubmitsFollowsAndPrintsScores()
    {
        await using var cluster = await database.NewAsync();
        var silo = cluster.Start("--urls", "http://127.0.0.1:0");
        var url = (await silo.WaitForAsync("listening", null, Ct)).GetProperty("url").GetString()!;
        using var spec = new SpecFile(10);
        var (code, said) = await RunAsync("http", url, spec.Path);
        Assert.True(code == 0, said);
        Assert.Contains("multiclass cytosol: F1 ", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Grains_WithTheClustersCertificates_SubmitsFollowsAndCancels()
    {
        await using var cluster = await database.NewAsync();
        using var spec = new SpecFile(10);
        using var endless = new SpecFile(1_000_000);
        var certificates = Path.Combine(spec.Folder, "certificates");
        ClusterCertificates.Make(certificates);
        var port = LoopbackPorts.Free(2);
        var silo = cluster.Start("--cluster-address", $"127.0.0.1:{port}", "--cluster-certificates", certificates);
        await silo.WaitForAsync("ready", null, Ct);
        var gateway = $"127.0.0.1:{(port + 1).ToString(CultureInfo.InvariantCulture)}";

        var (code, said) = await RunAsync("grains", gateway, spec.Path, certificates);
        Assert.True(code == 0, said);
        Assert.Contains("succeeded", said, StringComparison.Ordinal);

        using var process = Start("grains", gateway, endless.Path, certificates);
        while (await process.StandardOutput.ReadLineAsync(Ct) is { } line && !line.Contains("train-multiclass", StringComparison.Ordinal))
        {
            // It has not come to the training yet.
        }

        Signals.Send(process.Id, Signals.Interrupt);
        Assert.Contains("is cancelled", await process.StandardOutput.ReadToEndAsync(Ct), StringComparison.Ordinal);
        await process.WaitForExitAsync(Ct);
        Assert.Equal(130, process.ExitCode);
    }

    private static Process Start(string example, params string[] arguments)
    {
        var program = Path.Combine(TeravoxProgram.Root, "examples", "csharp", example, "bin", Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(TeravoxProgram.Path)!))!, "net10.0", $"teravox-example-{example}.dll");
        return Process.Start(new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
    }

    private static async Task<(int Code, string Said)> RunAsync(string example, params string[] arguments)
    {
        using var process = Start(example, arguments);
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(Ct), process.StandardError.ReadToEndAsync(Ct));
        await process.WaitForExitAsync(Ct);
        return (process.ExitCode, string.Concat(said));
    }

    private sealed class SpecFile : IDisposable
    {
        public SpecFile(int iterations)
        {
            Folder = Directory.CreateTempSubdirectory("teravox-example-").FullName;
            File.WriteAllText(Path, Spec.Replace("ITERATIONS", iterations.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
        }

        public string Folder { get; }

        public string Path => System.IO.Path.Combine(Folder, "spec.json");

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }
}
