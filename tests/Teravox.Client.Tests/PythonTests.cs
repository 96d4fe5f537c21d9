// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Text.Json;
using Teravox.EndToEnd.Tests;
using Teravox.Testing;

namespace Teravox.Client.Tests;

/// <summary>The example in Python, with nothing but its standard library.</summary>
public sealed class PythonTests(LiveSilo live)
{
    private const string Python = "/usr/bin/python3";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Example_OnAPhantom_SubmitsFollowsAndFetches()
    {
        using var folder = new TemporaryFolder();
        var (output, error) = await RunAsync("--iterations", "5", "--out", folder["result"]);
        Assert.Contains("multiclass\tmitochondria\t", output, StringComparison.Ordinal);
        Assert.Contains("train-multiclass", error, StringComparison.Ordinal);
        await MustHaveResultsAsync(folder["result"], "python-phantom");
    }

    [Fact]
    public async Task Example_OnAStack_UploadsItOnce()
    {
        using var folder = new TemporaryFolder();
        (await TeravoxProcess.RunAsync("phantom", "--shape", "8,32,32", "--out", folder["stack"])).MustSucceed();
        await File.WriteAllTextAsync(folder["spec.json"], LiveSilo.Spec("python-stack"), Ct);
        string[] arguments = ["--spec", folder["spec.json"], "--stack", folder["stack"], "--iterations", "5", "--out", folder["result"]];
        var (_, error) = await RunAsync(arguments);
        Assert.Contains("in 17 files as volume python-", error, StringComparison.Ordinal);
        await MustHaveResultsAsync(folder["result"], "python-stack");
        Assert.DoesNotContain("uploaded", (await RunAsync(arguments)).Error, StringComparison.Ordinal);
    }

    private async Task<(string Output, string Error)> RunAsync(params string[] arguments)
    {
        Prerequisite.Require(File.Exists(Python), Python);

        // -I: neither the user's packages nor the environment's; -S: no packages at all beyond the standard library.
        var start = new ProcessStartInfo(Python, ["-I", "-S", "-B", Path.Combine(TeravoxProcess.RepositoryRoot, "examples", "python", "submit.py"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["TERAVOX_SERVER"] = live.Url;
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(Ct), process.StandardError.ReadToEndAsync(Ct));
        try
        {
            await process.WaitForExitAsync(Ct).WaitAsync(TimeSpan.FromMinutes(3), Ct);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }

        Assert.True(process.ExitCode == 0, $"exit code {process.ExitCode}\n{await error}\n{await output}");
        return (await output, await error);
    }

    private static async Task MustHaveResultsAsync(string folder, string name)
    {
        Assert.Contains("<svg", await File.ReadAllTextAsync(Path.Combine(folder, "report.html"), Ct), StringComparison.Ordinal);
        var scores = JsonElement.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "scores.json"), Ct));
        Assert.Equal(name, scores.GetProperty("name").GetString());
    }
}
