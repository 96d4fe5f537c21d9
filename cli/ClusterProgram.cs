// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts;
using Teravox.Grains.Catalog;
using Teravox.Silo.Cluster;
using Teravox.Silo.Local;

namespace Teravox.Cli;

/// <summary>Settings of a cluster on one machine.</summary>
/// <param name="Silos">Number of silos.</param>
/// <param name="Folder">Absolute path of database and store.</param>
/// <param name="Port">Port of the first silo.</param>
/// <param name="Devices">Devices of every silo.</param>
/// <param name="Roots">Absolute paths under which clients may name files.</param>
/// <param name="CorsOrigins">Other origins whose pages may read views.</param>
/// <param name="PageUpload">Most MiB of an upload that the web page offers.</param>
internal sealed record ClusterSettings(
    int Silos, string Folder, int Port, IReadOnlyList<string> Devices, IReadOnlyList<string> Roots, IReadOnlyList<string> CorsOrigins, int PageUpload);

/// <summary>A PostgreSQL and some silos on one machine, from their start to their drained end.</summary>
internal static class ClusterProgram
{
    /// <summary>Runs until the signals stop it. Returns the exit code.</summary>
    /// <exception cref="InputException">PostgreSQL is not installed or does not start, or the folder is another's.</exception>
    public static async Task<int> RunAsync(ClusterSettings settings, StopSignals signals)
    {
        var lines = new SiloLines(json: false);
        Directory.CreateDirectory(settings.Folder);
        using var held = EmbeddedLock.Acquire(settings.Folder);
        lines.Say("start", $"starting PostgreSQL in {Path.Combine(settings.Folder, "postgres")}");
        PrivatePostgres database;
        try
        {
            database = await PrivatePostgres.StartAsync(Path.Combine(settings.Folder, "postgres"), [], signals.Stop);
        }
        catch (OperationCanceledException) when (signals.Stop.IsCancellationRequested)
        {
            return Guarded.Stopped;
        }

        // Silos of one machine speak TLS too: nobody but who may read this folder can call their grains.
        var certificates = Path.Combine(settings.Folder, "certificates");
        if (!File.Exists(Path.Combine(certificates, ClusterCertificate.KeyFile)))
            ClusterCertificates.Make(certificates);

        await using (database)
        {
            var silos = Enumerable.Range(0, settings.Silos).Select(i => new ClusterSilo(settings, i, database.Address, lines)).ToList();
            var all = Task.WhenAll(silos.Select(silo => silo.KeepAsync(signals.Stop, signals.StopNow)));
            if (await Task.WhenAny(all, Task.WhenAll(silos.Select(silo => silo.Listening))) != all)
                Greet(lines, silos, database);
            await all;
        }

        lines.Say("ended", $"the cluster is stopped; ./teravox cluster --dir {settings.Folder} goes on");
        return Guarded.Success;
    }

    private static void Greet(SiloLines lines, List<ClusterSilo> silos, PrivatePostgres database)
    {
        var server = silos[0].Url == "http://127.0.0.1:7300" ? "" : $" --server {silos[0].Url}";
        lines.Say("listening", $"""

            The cluster is up: {string.Join(", ", silos.Select(silo => silo.Url))}
            Its database:      {database.Address}
            Try, in another terminal:
              ./teravox silos{server}
              ./teravox submit specs/phantom-quick.json --watch{server}
            Ctrl-C stops it; again, at once.

            """);
    }
}

/// <summary>One silo of the cluster: a process that is started again when it dies.</summary>
internal sealed class ClusterSilo(ClusterSettings settings, int index, string database, SiloLines lines)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private readonly TaskCompletionSource _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Url { get; } = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{settings.Port + index}");

    /// <summary>Completes when it listens for the first time.</summary>
    public Task Listening => _listening.Task;

    private string Name { get; } = string.Create(CultureInfo.InvariantCulture, $"silo-{index + 1}");

    /// <summary>Runs the silo, again and again, until <paramref name="stop"/>; then until it has drained.</summary>
    public async Task KeepAsync(CancellationToken stop, CancellationToken stopNow)
    {
        while (!stop.IsCancellationRequested)
        {
            using var process = ChildProgram.Start(Arguments(), [(DatabaseOption.Variable, database)], Heard);
            await using var asked = stop.Register(() => Signals.Send(process.Pid, Signals.Terminate));
            await using var urged = stopNow.Register(() => Signals.Send(process.Pid, Signals.Terminate));
            var code = await process.EndAsync();
            if (!stop.IsCancellationRequested)
            {
                lines.Say("died", $"{Name} ended with code {code}; starting it again");
                await Task.Delay(Pause, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private IEnumerable<string> Arguments()
    {
        // The cores are shared out: silos that each take them all would starve each other.
        var threads = Math.Max(1, Environment.ProcessorCount / settings.Silos);
        string[] arguments =
        [
            Commands.SiloCommand.Name, "--name", Name, "--store", Path.Combine(settings.Folder, "store"), "--urls", Url,
            "--threads", threads.ToString(CultureInfo.InvariantCulture), "--page-upload-mb", settings.PageUpload.ToString(CultureInfo.InvariantCulture),
            "--cluster-certificates", Path.Combine(settings.Folder, "certificates"), Commands.SiloCommand.StopWithStandardInput,
        ];
        return
        [
            .. arguments,
            .. settings.Devices.SelectMany(d => new[] { "--device", d }),
            .. settings.Roots.SelectMany(root => new[] { "--root", root }),
            .. settings.CorsOrigins.SelectMany(origin => new[] { "--cors", origin }),
        ];
    }

    private void Heard(string line)
    {
        if (line.StartsWith("listening", StringComparison.Ordinal))
            _listening.TrySetResult();
        lines.Say("silo", $"{Name}: {line}");
    }
}
