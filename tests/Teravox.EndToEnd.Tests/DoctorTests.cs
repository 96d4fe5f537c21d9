// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Teravox.EndToEnd.Tests;

/// <summary>The command doctor, on this machine as it is and with a libtorch that does not load.</summary>
public sealed class DoctorTests
{
    private const string DebiansTorch = "/usr/lib/python3/dist-packages/torch/lib";

    [Fact]
    public async Task Doctor_WhereTeravoxComputes_SaysSo()
    {
        var result = (await TeravoxProcess.RunAsync("doctor")).MustSucceed();

        foreach (var what in (string[])["processor", "memory", ".NET", "libtorch", "NVIDIA", "cpu", "PostgreSQL"])
            Assert.Contains(result.Output.Split('\n'), line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, var word, ..] && word == what);
        Assert.Contains("Teravox can compute here", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_WithJson_WritesAnObjectALine()
    {
        var lines = (await TeravoxProcess.RunAsync("doctor", "--json")).MustSucceed().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

        using var libtorch = JsonDocument.Parse(Assert.Single(lines, line => line.Contains("\"libtorch\"", StringComparison.Ordinal)));
        Assert.Equal("ok", libtorch.RootElement.GetProperty("state").GetString());
        using var verdict = JsonDocument.Parse(lines[^1]);
        Assert.True(verdict.RootElement.GetProperty("canCompute").GetBoolean());
        Assert.Contains("cpu", verdict.RootElement.GetProperty("devices").EnumerateArray().Select(d => d.GetString()));
    }

    [Fact]
    public async Task Doctor_WhenLibtorchIsMissing_SaysWhereAndHowToMendIt()
    {
        using var folder = new TemporaryFolder();

        Refused(await DoctorAsync(folder.Path), $"no libtorch_cpu.so is in {folder.Path}");
    }

    [Fact]
    public async Task Doctor_WhenLibtorchIsBroken_SaysSo()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["libc10.so", "libtorch_cpu.so", "libtorch.so"])
            await File.WriteAllTextAsync(folder[name], "no library", TestContext.Current.CancellationToken);

        Refused(await DoctorAsync(folder.Path), "libtorch cannot be loaded");
    }

    [Fact]
    public async Task Doctor_WhenALibraryEndsTheProcess_SaysHowItEnded()
    {
        // The beginning of a library is its table of contents; what it points to is not there, so using it is a bus error.
        using var folder = new TemporaryFolder();
        var own = Path.Combine(TeravoxProcess.RepositoryRoot, "build", "libtorch");
        foreach (var name in (string[])["libc10.so", "libtorch_cpu.so"])
        {
            await using var whole = File.OpenRead(Path.Combine(own, name));
            var head = new byte[8192];
            await whole.ReadExactlyAsync(head, TestContext.Current.CancellationToken);
            await File.WriteAllBytesAsync(folder[name], head, TestContext.Current.CancellationToken);
        }

        Refused(await DoctorAsync(folder.Path), "a process that loads it ends with signal ");
    }

    [Fact]
    public async Task Doctor_WhenLibtorchIsOfAnOlderPyTorch_SaysThatItIsTooOld()
    {
        Prerequisite.Require(Directory.Exists(DebiansTorch), "Debian's python3-torch");

        Refused(await DoctorAsync(DebiansTorch), "libtorch 1.13 in");
    }

    private static Task<TeravoxProcess.Result> DoctorAsync(string libtorch) => TeravoxProcess.RunAsync(["doctor"], ("TERAVOX_LIBTORCH", libtorch));

    private static void Refused(TeravoxProcess.Result result, string why)
    {
        Assert.True(result.ExitCode == 1, $"exit code {result.ExitCode}\n{result.Error}\n{result.Output}");
        var line = Assert.Single(result.Output.Split('\n'), l => l.StartsWith("broken   libtorch ", StringComparison.Ordinal));
        Assert.Contains(why, line, StringComparison.Ordinal);
        Assert.Contains("-> unset TERAVOX_LIBTORCH", result.Output, StringComparison.Ordinal);
        Assert.Contains("Teravox cannot compute here.", result.Output, StringComparison.Ordinal);
        Assert.Equal("", result.Error);
        Assert.DoesNotContain("   at ", result.Output, StringComparison.Ordinal);
    }
}
