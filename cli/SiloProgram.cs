// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
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

    /// <summary>JSON lines instead of text.</summary>
    public required bool Json { get; init; }

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
        var silo = new SiloHost(ledger, WorkGrains.All(store, sessions), new ExperimentGrain(store), options);
        silo.Happened += lines.On;

        await using var face = settings.Urls.Count > 0 ? await StartFaceAsync(ledger, store, settings, lines, signals.Stop) : null;
        foreach (var url in face?.Urls ?? [])
            lines.Say("listening", $"listening on {url}", new { url });

        using var left = new CancellationTokenSource();
        var present = new Presence(ledger, silo, face?.Urls.FirstOrDefault()).RunAsync(signals.Stop, left.Token);
        await using var draining = signals.Stop.Register(() => lines.Say("draining", "draining: no more claims, what runs may end", new { }));
        lines.Say("ready", "ready for work");
        try
        {
            await silo.RunAsync(signals.Stop, signals.StopNow);
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
        var http = new HttpOptions
        {
            Urls = settings.Urls,
            Store = settings.Store,
            Roots = settings.Roots,
            CorsOrigins = settings.CorsOrigins,
            PageUploadBytes = settings.PageUploadBytes,
        };
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
