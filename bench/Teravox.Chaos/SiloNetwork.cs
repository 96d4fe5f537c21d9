// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace Teravox.Chaos;

/// <summary>
/// A network of its own for each silo of a run, which can be cut silently: packets go nowhere, in both directions. Each network is a
/// namespace of the kernel that a sleeping process holds; all hang on a bridge in one more. They go with this process, however it
/// ends: the sleepers read a pipe whose other end is here.
/// </summary>
internal sealed class SiloNetwork : IAsyncDisposable
{
    private readonly Process _hub;
    private readonly Process[] _places;

    private SiloNetwork(Process hub, Process[] places) => (_hub, _places) = (hub, places);

    /// <summary>Why there can be none here; null when there can.</summary>
    public static async Task<string?> WhyMissingAsync(CancellationToken ct)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
            return "networks of silos can be cut on Linux only, by root";
        try
        {
            await using var tried = await StartAsync(1, ct);
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return $"networks of silos cannot be cut here ({e.Message}); iproute2 and util-linux do it, as with: apt-get install iproute2";
        }
    }

    /// <summary>Networks for so many silos.</summary>
    /// <exception cref="InvalidOperationException">A command failed.</exception>
    public static async Task<SiloNetwork> StartAsync(int silos, CancellationToken ct)
    {
        var sleepers = new List<Process>();
        try
        {
            for (var i = 0; i <= silos; i++)
                sleepers.Add(await SleepAsync(ct));
            var network = new SiloNetwork(sleepers[0], [.. sleepers.Skip(1)]);
            await network.InAsync(network._hub, ct, "ip", "link", "add", "hub", "type", "bridge");
            await network.InAsync(network._hub, ct, "ip", "link", "set", "hub", "up");
            for (var place = 0; place < silos; place++)
            {
                var (silo, port) = (network._places[place], Port(place));
                await network.InAsync(network._hub, ct, "ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", silo.Id.ToString(CultureInfo.InvariantCulture));
                await network.InAsync(network._hub, ct, "ip", "link", "set", port, "up", "master", "hub");
                await network.InAsync(silo, ct, "ip", "addr", "add", AddressOf(place) + "/24", "dev", "eth0");
                await network.InAsync(silo, ct, "ip", "link", "set", "eth0", "up");
                await network.InAsync(silo, ct, "ip", "link", "set", "lo", "up");
            }

            return network;
        }
        catch
        {
            sleepers.ForEach(End);
            throw;
        }
    }

    /// <summary>The address of the silo at a place.</summary>
    public static IPAddress AddressOf(int place) => IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"10.213.7.{place + 1}"));

    /// <summary>What a command of a place's network begins with.</summary>
    public IReadOnlyList<string> Prefix(int place) => ["nsenter", Option(_places[place])];

    /// <summary>Cuts a silo off from the others.</summary>
    public Task CutAsync(int place, CancellationToken ct) => InAsync(_hub, ct, "ip", "link", "set", Port(place), "nomaster");

    /// <summary>Joins it again.</summary>
    public Task RestoreAsync(int place, CancellationToken ct) => InAsync(_hub, ct, "ip", "link", "set", Port(place), "master", "hub");

    public ValueTask DisposeAsync()
    {
        foreach (var sleeper in _places.Prepend(_hub))
            End(sleeper);
        return ValueTask.CompletedTask;
    }

    private static string Port(int place) => string.Create(CultureInfo.InvariantCulture, $"port{place}");

    private static string Option(Process sleeper) => string.Create(CultureInfo.InvariantCulture, $"--net=/proc/{sleeper.Id}/ns/net");

    private static void End(Process sleeper)
    {
        sleeper.StandardInput.Close();
        sleeper.WaitForExit();
        sleeper.Dispose();
    }

    private static async Task<Process> SleepAsync(CancellationToken ct)
    {
        var info = new ProcessStartInfo("unshare") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["--net", "sh", "-c", "echo in; exec cat >/dev/null"])
            info.ArgumentList.Add(argument);
        var process = Process.Start(info)!;
        if (await process.StandardOutput.ReadLineAsync(ct) == "in")
            return process;
        var error = await process.StandardError.ReadToEndAsync(ct);
        process.Dispose();
        throw new InvalidOperationException(error.Trim());
    }

    private async Task InAsync(Process sleeper, CancellationToken ct, params string[] command)
    {
        var info = new ProcessStartInfo("nsenter") { RedirectStandardError = true };
        foreach (var argument in command.Prepend(Option(sleeper)))
            info.ArgumentList.Add(argument);
        using var process = Process.Start(info)!;
        var error = await process.StandardError.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{string.Join(' ', command)}: {error.Trim()}");
    }
}
