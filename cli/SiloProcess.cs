// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Net;
using Teravox.Contracts;
using Teravox.Grains.Catalog;
using Teravox.Networks;
using Teravox.Silo.Cluster;
using Teravox.Silo.Devices;
using Teravox.Silo.Http;
using Teravox.Silo.Local;

namespace Teravox.Cli;

/// <summary>Settings of a silo's process.</summary>
internal sealed record SiloSettings
{
    /// <summary>Address of the database.</summary>
    public required string Database { get; init; }

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

    /// <summary>Where other silos reach this one; null for free ports of this machine.</summary>
    public IPEndPoint? ClusterAddress { get; init; }

    /// <summary>Folder with the cluster's certificates, or null.</summary>
    public string? Certificates { get; init; }

    /// <summary>The silo itself.</summary>
    public required DeviceOptions Options { get; init; }
}

/// <summary>The command <c>silo</c>: a silo as a process, from its start to its drained end.</summary>
internal static class SiloProcess
{
    /// <summary>Works until the signals stop it. Returns the exit code.</summary>
    /// <exception cref="InputException">The database or the store can not be used, or an address not be listened on.</exception>
    public static async Task<int> RunAsync(SiloSettings settings, StopSignals signals)
    {
        var lines = new SiloLines(settings.Json);
        var options = settings.Options;
        var devices = string.Join(", ", options.Devices.Select(d => $"{d.Name} ({d.Threads} thread(s))"));
        var database = DatabaseOption.Shown(settings.Database);
        var libtorch = Libtorch.Description;
        lines.Say("start", $"silo {options.Name}: {devices}; libtorch {libtorch}; database {database}; store {settings.Store}", new { name = options.Name, devices = options.Devices, libtorch, database, store = settings.Store });

        try
        {
            // A file is one silo's alone: others would count on its grains and never reach them.
            using var held = Catalogs.SqliteFile(settings.Database) is { } file ? EmbeddedLock.Acquire(Path.GetDirectoryName(Path.GetFullPath(file))!) : null;
            await using var catalog = await DatabaseOption.OpenAsync(settings.Database, lines.Silence, signals.Stop);
            await WorkAsync(catalog, settings, lines, signals);
        }
        catch (OperationCanceledException) when (signals.Stop.IsCancellationRequested)
        {
            // Before it had begun.
            return Guarded.Stopped;
        }

        lines.Say("ended", "ended", new { });
        return Guarded.Success;
    }

    private static async Task WorkAsync(ICatalog catalog, SiloSettings settings, SiloLines lines, StopSignals signals)
    {
        var experiments = Directory.CreateDirectory(Path.Combine(settings.Store, "experiments")).FullName;
        await HttpFace.CheckAsync(catalog, settings.Http, signals.Stop);
        using var certificate = settings.Certificates is { } folder ? ClusterCertificate.Load(folder) : null;
        var alone = Catalogs.SqliteFile(settings.Database) is not null;
        var setup = new SiloSetup(catalog, id => Path.Combine(experiments, id.ToString(CultureInfo.InvariantCulture)), settings.Options)
        {
            Database = alone ? null : settings.Database,
            Certificate = certificate,
            Address = alone ? null : settings.ClusterAddress ?? new IPEndPoint(IPAddress.Loopback, LoopbackPorts.Free(2)),
        };
        setup.Events.Happened += lines.On;
        await Silo.SiloProgram.RunAsync(setup, settings.Http, Say, signals.Stop, signals.StopNow);

        void Say(string kind, string text)
        {
            if (kind == "listening")
                lines.Say(kind, $"listening on {text}", new { url = text });
            else if (kind == "waiting")
                lines.Silence(text);
            else
                lines.Say(kind, kind == "orleans" ? $"orleans: {text}" : text);
        }
    }
}
