// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Threading.Channels;
using Teravox.Contracts.Api;
using Teravox.Silo.Local;
using Teravox.Testing;

namespace Teravox.Cluster.Tests;

/// <summary>./teravox cluster, as people type it.</summary>
public sealed class ClusterCommandTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly List<string> _heard = [];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Cluster_WhenASiloDies_StartsItAgainAndStopsAllInTheEnd()
    {
        Prerequisite.Require(PrivatePostgres.WhyMissing());
        var folder = Directory.CreateTempSubdirectory("teravox-cluster-").FullName;
        if (OperatingSystem.IsLinux())
            File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherExecute);
        var port = LoopbackPorts.Free(2);
        using var process = Start("cluster", "--silos", "2", "--dir", folder, "--port", port.ToString(CultureInfo.InvariantCulture), "--device", "cpu", "--stop-with-stdin");
        await HearAsync("The cluster is up");
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port + 1}") };
        var silos = await SilosAsync(http, all => all.Count == 2);
        Assert.Equal(["silo-1", "silo-2"], silos.Select(silo => silo.Name[..6]).Order());

        // They share the machine's cores.
        Assert.All(silos, silo => Assert.Equal(Math.Max(1, Environment.ProcessorCount / 2), Assert.Single(silo.Devices).Threads));

        Signals.Send(PidOf("silo-1", port), Signals.Kill);
        await HearAsync("silo-1 ended with code 137; starting it again");
        var dead = silos.Single(silo => silo.Name.StartsWith("silo-1-", StringComparison.Ordinal)).Name;
        await SilosAsync(http, all => all.Any(silo => silo.Name.StartsWith("silo-1-", StringComparison.Ordinal) && silo.Name != dead));

        // Not Ctrl-C: a program started in the background by a shell has it ignored, and its children inherit that.
        Signals.Send(process.Id, Signals.Terminate);
        await HearAsync("the cluster is stopped");
        await process.WaitForExitAsync(Ct).WaitAsync(Patience, Ct);
        Assert.Equal(0, process.ExitCode);
        Assert.False(File.Exists(Path.Combine(folder, "postgres", "data", "postmaster.pid")), "PostgreSQL still runs");
        Directory.Delete(folder, recursive: true);
    }

    private Process Start(params string[] arguments)
    {
        var info = new ProcessStartInfo("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var argument in arguments.Prepend(TeravoxProgram.Path))
            info.ArgumentList.Add(argument);
        var process = Process.Start(info)!;
        process.OutputDataReceived += (_, e) => _lines.Writer.TryWrite(e.Data ?? "(its output ended)");
        process.BeginOutputReadLine();
        return process;
    }

    private async Task HearAsync(string part)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        patience.CancelAfter(Patience);
        try
        {
            do
            {
                _heard.Add(await _lines.Reader.ReadAsync(patience.Token));
            }
            while (!_heard[^1].Contains(part, StringComparison.Ordinal));
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"it did not say \"{part}\" but:\n{string.Join('\n', _heard)}");
        }
    }

    private static async Task<IReadOnlyList<SiloInfo>> SilosAsync(HttpClient http, Func<IReadOnlyList<SiloInfo>, bool> holds)
    {
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(100, Ct))
        {
            var silos = (await http.GetFromJsonAsync<IReadOnlyList<SiloInfo>>("/api/v1/silos", Teravox.Contracts.TeravoxJson.Compact, Ct))!;
            if (holds(silos))
                return silos;
            Assert.True(clock.Elapsed < Patience, "the cluster has " + string.Join(", ", silos.Select(silo => silo.Name)));
        }
    }

    /// <summary>The silo that this cluster started: it has the name and this cluster's port among its arguments.</summary>
    private static int PidOf(string name, int port) => Directory.GetDirectories("/proc")
        .Select(folder => (Pid: Path.GetFileName(folder), Command: CommandOf(folder)))
        .Where(p => p.Command.Contains($"\0{name}\0", StringComparison.Ordinal) && p.Command.Contains($":{port}\0", StringComparison.Ordinal))
        .Select(p => int.Parse(p.Pid, CultureInfo.InvariantCulture))
        .Single();

    private static string CommandOf(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, "cmdline"));
        }
        catch (IOException)
        {
            return "";
        }
    }
}
