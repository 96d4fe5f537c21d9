// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using Teravox.Cli.Remote;
using Teravox.Contracts;
using Teravox.Contracts.Api;

namespace Teravox.Cli.Commands;

/// <summary>teravox report: an experiment's results to this machine.</summary>
internal static class ReportCommand
{
    public static Command Make()
    {
        var id = new Argument<long>("id") { Description = "The experiment." };
        var outDir = new Option<string?>("--out", "-o") { Description = "Folder to write to; teravox-out/<name>-<id> when left out." };
        var all = new Option<bool>("--all") { Description = "Label and probability volumes too, which may be large." };
        return Remote.Remote.Command(
            "report",
            """
            Fetches report, scores, models and provenance of an experiment. Broken off, the same command fetches only the rest.

            Example:
              ./teravox report 12 --out my-stack-report
            """,
            [id, outDir, all],
            async (r, session, ct) => await FetchAsync(session, r.GetRequiredValue(id), r.GetValue(outDir), r.GetValue(all), ct));
    }

    /// <summary>Fetches an experiment's results into a folder, and says where they are. Returns the exit code.</summary>
    /// <exception cref="InputException">There is no such experiment, or it has no results.</exception>
    public static async Task<int> FetchAsync(Session session, long id, string? outDir, bool all, CancellationToken ct)
    {
        var experiments = session.Client.Experiments;
        var experiment = await experiments.FindAsync(id, ct) ?? throw new InputException($"There is no experiment {id}; teravox status lists them.");
        var files = new List<ResultFile>();
        var volumes = new List<string>();
        await foreach (var file in experiments.ResultsAsync(id, ct: ct))
        {
            if (!file.Path.EndsWith('/'))
                files.Add(file);
            else
                volumes.Add(file.Path.TrimEnd('/'));
        }

        if (files.Count == 0)
            throw new InputException($"Experiment {id} ({experiment.Name}) is {experiment.State} and has no results yet.");
        if (all)
        {
            foreach (var volume in volumes)
                files.AddRange(await experiments.ResultsAsync(id, volume, ct).ToListAsync(ct));
        }

        var folder = Path.GetFullPath(outDir ?? Path.Combine("teravox-out", $"{experiment.Name}-{id}"));
        using (var view = new TransferView(session.Json))
            await FetchAsync(session, id, files, folder, view, ct);
        var report = Path.Combine(folder, "report.html");
        session.Write(
            new { kind = "fetched", experiment = id, experiment.State, folder, files = files.Count, bytes = files.Sum(f => f.Bytes) },
            () => File.Exists(report) ? $"Report: {report}" : $"Results: {folder}");
        if (!all && volumes.Count > 0)
            session.Say($"Left on the cluster: {string.Join(", ", volumes)} (fetched with --all).");
        if (experiment.State is not "succeeded")
            session.Say($"Note: the experiment is {experiment.State}; this is what there is so far.");
        return Guarded.Success;
    }

    private static async Task FetchAsync(Session session, long id, List<ResultFile> files, string folder, TransferView view, CancellationToken ct)
    {
        var gate = new Lock();
        var since = Stopwatch.StartNew();
        var (bytes, filesDone, done, here) = (files.Sum(f => f.Bytes), 0, 0L, 0L);
        await Parallel.ForEachAsync(files, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = ct }, async (file, token) =>
        {
            var target = Target(folder, file.Path);
            if (File.Exists(target) && new FileInfo(target).Length == file.Bytes)
            {
                Tell(file.Bytes, fetched: false, whole: true);
                return;
            }

            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            await session.Client.Experiments.DownloadAsync(id, file, target, new Told(n => Tell(n, fetched: true, whole: false)), token);
            Tell(0, fetched: false, whole: true);
        });

        void Tell(long count, bool fetched, bool whole)
        {
            lock (gate)
            {
                done += count;
                here += fetched ? count : 0;
                filesDone += whole ? 1 : 0;
                var rate = here / Math.Max(since.Elapsed.TotalSeconds, 1e-3);
                view.Show("fetching", filesDone, files.Count, done, bytes, rate, rate > 0 ? (bytes - done) / rate : null);
            }
        }
    }

    // A server is not trusted with where files are written.
    private static string Target(string folder, string path)
    {
        var target = Path.GetFullPath(Path.Combine(folder, path));
        return target.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? target
            : throw new InputException($"The cluster names a result \"{path}\", which leads out of {folder}; nothing was written there.");
    }

    private sealed class Told(Action<long> tell) : IProgress<long>
    {
        public void Report(long value) => tell(value);
    }
}
