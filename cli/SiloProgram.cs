// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Silo;
using Teravox.Silo.Http;

namespace Teravox.Cli;

/// <summary>Settings of a silo's process.</summary>
internal sealed record SiloSettings
{
    /// <summary>Address of the ledger.</summary>
    public required string Ledger { get; init; }

    /// <summary>Absolute path of the volume store.</summary>
    public required string Store { get; init; }

    /// <summary>Where the HTTP face listens; none without.</summary>
    public required IReadOnlyList<string> Urls { get; init; }

    /// <summary>Absolute paths under which clients may name files.</summary>
    public required IReadOnlyList<string> Roots { get; init; }

    /// <summary>Other origins whose pages may read views.</summary>
    public IReadOnlyList<string> CorsOrigins { get; init; } = [];

    /// <summary>Most bytes of an upload that the web page offers.</summary>
    public required long PageUploadBytes { get; init; }

    /// <summary>Settings of the HTTP face.</summary>
    public HttpOptions Http => new() { Urls = Urls, Store = Store, Roots = Roots, CorsOrigins = CorsOrigins, PageUploadBytes = PageUploadBytes };

    /// <summary>JSON lines instead of text.</summary>
    public required bool Json { get; init; }

    /// <summary>What activates the grains; null is the ledger host.</summary>
    public IOrleansHost? Host { get; init; }

    /// <summary>Where the other silos of a cluster on Orleans reach this one; null for free ports of this machine.</summary>
    public IPEndPoint? ClusterAddress { get; init; }

    /// <summary>The silo itself.</summary>
    public required SiloOptions Options { get; init; }
}

/// <summary>A silo as a process: ledger, grains, workers, roster and HTTP face, from its start to its drained end.</summary>
internal static class SiloProgram
{
    /// <summary>Works until the signals stop it. Returns the exit code.</summary>
    /// <exception cref="InputException">The ledger or the store can not be used, or an address not be listened on.</exception>
    public static async Task<int> RunAsync(SiloSettings settings, StopSignals signals)
    {
        var lines = new SiloLines(settings.Json);
        var options = settings.Options;
        var devices = string.Join(", ", options.Devices.Select(d => $"{d.Name} ({d.Threads} thread(s))"));
        lines.Say("start", $"silo {options.Name}: {devices}; ledger {LedgerDoor.Shown(settings.Ledger)}; store {settings.Store}", new { name = options.Name, devices = options.Devices, ledger = LedgerDoor.Shown(settings.Ledger), store = settings.Store });

        try
        {
            await using var ledger = await LedgerDoor.OpenAsync(settings.Ledger, lines.Silence, signals.Stop);
            await WorkAsync(ledger, settings, lines, signals);
        }
        catch (OperationCanceledException) when (signals.Stop.IsCancellationRequested)
        {
            // Before it had begun.
            return Guarded.Stopped;
        }

        lines.Say("ended", "ended", new { });
        return Guarded.Success;
    }

    private static async Task WorkAsync(ILedger ledger, SiloSettings settings, SiloLines lines, StopSignals signals)
    {
        var options = settings.Options;
        var experiments = Path.Combine(settings.Store, "experiments");
        Directory.CreateDirectory(experiments);
        var store = new ExperimentStore(ledger, id => Path.Combine(experiments, id.ToString(CultureInfo.InvariantCulture)));
        using var sessions = new SessionCache(options.Devices.Count);
        var grains = WorkGrains.All(store, sessions);
        var silo = settings.Host?.MakeSilo(settings, ledger, store, grains, text => lines.Say("orleans", $"orleans: {text}", new { text }))
            ?? new SiloHost(ledger, grains, new ExperimentGrain(store), options);
        silo.Happened += lines.On;

        await using var face = settings.Urls.Count > 0 ? await StartFaceAsync(ledger, store, settings, lines, signals.Stop) : null;
        foreach (var url in face?.Urls ?? [])
            lines.Say("listening", $"listening on {url}", new { url });

        using var left = new CancellationTokenSource();
        var present = new Presence(ledger, silo, face?.Urls.FirstOrDefault()).RunAsync(signals.Stop, left.Token);
        await using var draining = signals.Stop.Register(() => lines.Say("draining", "draining: no more claims, what runs may end", new { }));
        try
        {
            await silo.RunAsync(() => lines.Say("ready", "ready for work"), signals.Stop, signals.StopNow);
        }
        finally
        {
            await left.CancelAsync();
            await present;
            if (face is not null)
                await face.StopAsync(CancellationToken.None);
        }
    }

    private static async Task<WebApplication> StartFaceAsync(ILedger ledger, ExperimentStore store, SiloSettings settings, SiloLines lines, CancellationToken stop)
    {
        var http = settings.Http;
        while (true)
        {
            try
            {
                var face = await HttpFace.BuildAsync(ledger, store, http, CancellationToken.None);
                await face.StartAsync(stop);
                return face;
            }
            catch (LedgerUnavailableException e)
            {
                lines.Silence(e.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), stop);
            }
        }
    }
}
