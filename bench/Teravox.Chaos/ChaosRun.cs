// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts;
using Teravox.Grains.Ledger;
using Teravox.Silo.Local;

namespace Teravox.Chaos;

/// <summary>
/// A whole run: two experiments by a single silo as the truth; the deterministic cases; then faults on real silos and a
/// real server while experiment after experiment is submitted; a clean end; and the checks.
/// </summary>
public static class ChaosRun
{
    /// <summary>Why no run can be made here, with what to do; null when one can.</summary>
    public static string? WhyMissing() =>
        PrivatePostgres.WhyMissing()
        ?? (ShiftedClock.Library is null ? "libfaketime, for a silo whose clock is wrong, is not installed; install it, as with: apt-get install faketime" : null);

    /// <summary>Makes the run.</summary>
    /// <exception cref="InputException">Something that it needs is missing, or the undisturbed run failed.</exception>
    /// <exception cref="TimeoutException">Something never happened.</exception>
    public static async Task<ChaosOutcome> RunAsync(ChaosOptions options, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (WhyMissing() is { } why)
            throw new InputException(why);

        options.Say($"seed {options.Seed.ToString(CultureInfo.InvariantCulture)}");
        options.Say("two experiments by a single silo, undisturbed");
        var folder = Path.Combine(options.Folder, "reference");
        int[] shape = [options.Depth, 48, 48];
        var train = await Reference.RunAsync(options.Program, folder, "train", ChaosSpecs.Train(shape), ct);
        var segment = await Reference.RunAsync(options.Program, folder, "segment", ChaosSpecs.Segment(shape, Path.Combine(train.Folder, "models", "multiclass.safetensors")), ct);

        await using var cluster = await Cluster.StartAsync(options, ct);
        try
        {
            return await DisturbAsync(options, cluster, train, segment, ct);
        }
        catch
        {
            // What is missing shows best in what they said last.
            foreach (var silo in cluster.Silos.Where(s => !s.HasEnded))
                options.Say($"{silo.Name}: {string.Join(" ", silo.Lines.TakeLast(6).Select(l => l.Json))} {string.Join(" ", silo.Errors.TakeLast(3))}");
            throw;
        }
    }

    private static async Task<ChaosOutcome> DisturbAsync(ChaosOptions options, Cluster cluster, Reference train, Reference segment, CancellationToken ct)
    {
        var checks = new List<ChaosCheck>();
        var experiments = new Dictionary<long, Reference> { [await LateFinishers.RunAsync(cluster, train, checks, options.Say, ct)] = train };

        options.Say("faults");
        var faults = new Faults(options, cluster);
        var making = faults.RunAsync(ct);
        while (!making.IsCompleted)
        {
            // Two at a time: a training, and tiles to do beside it.
            foreach (var reference in (Reference[])[train, segment])
                experiments[await cluster.SubmitAsync(reference, ct)] = reference;
            var last = experiments.Keys.TakeLast(2).ToArray();
            await Task.WhenAny(making, cluster.EndAsync(last, ct));
        }

        await making;
        options.Say($"no more faults; {experiments.Count} experiments to end");
        await cluster.EndAsync([.. experiments.Keys], ct);

        options.Say("a clean run");
        var clean = await cluster.SubmitAsync(segment, ct);
        experiments[clean] = segment;
        await cluster.EndAsync([clean], ct);
        var last2 = faults.Alive.ToList();
        last2.ForEach(silo => silo.Signal(Signals.Terminate));
        await cluster.UntilAsync(() => last2.All(s => s.HasEnded), "the silos to end after SIGTERM", ct);

        options.Say("checks");
        await ChecksAsync(cluster, experiments, checks, ct);
        checks.Add(new("the last silos end in order when asked", last2.All(s => s.ExitCode == 0), string.Join(", ", last2.Select(s => s.ExitCode))));
        var errors = cluster.Silos.SelectMany(s => s.Errors).Distinct().ToList();
        checks.Add(new("no silo met an error that nobody expected", errors.Count == 0, string.Join(" | ", errors.Take(5))));
        return new ChaosOutcome(checks, await FiguresAsync(cluster, faults, experiments.Count, ct));
    }

    private static async Task ChecksAsync(Cluster cluster, Dictionary<long, Reference> experiments, List<ChaosCheck> checks, CancellationToken ct)
    {
        var (failed, sums, bytes, files) = (new List<string>(), new List<string>(), new List<string>(), 0);
        foreach (var (id, reference) in experiments)
        {
            var state = await cluster.StateAsync(id, ct);
            if (state != ExperimentState.Succeeded)
            {
                var errors = await cluster.Ledger.FailuresAsync(id, 3, ct);
                failed.Add($"{id} {state}: {string.Join("; ", errors.Select(e => $"{e.StageName}/{e.Index}: {e.Error}"))}");
                continue;
            }

            var left = await Reference.LeftAsync(cluster.Ledger, id, ct);
            sums.AddRange(reference.Left.Where(r => left[r.Key] != r.Value).Select(r => $"{id}/{r.Key}"));
            var found = ResultFiles.Of(cluster.Folder(id));
            files += found.Count;
            bytes.AddRange(ResultFiles.Differences(ResultFiles.Of(reference.Folder), found).Select(d => $"{id}: {d}"));
        }

        var leftovers = ResultFiles.Leftovers(cluster.Store);
        checks.Add(new("every experiment succeeded", failed.Count == 0, Brief($"{experiments.Count} experiments", failed)));
        checks.AddRange(OfItems(await cluster.Audit.FiguresAsync(ct)));
        checks.Add(new("sums and results equal those of the single silo", sums.Count == 0, Brief($"{experiments.Values.Sum(r => r.Left.Count)} stages", sums)));
        checks.Add(new($"output bytes equal those of the single silo (but for {ResultFiles.Exempt})", bytes.Count == 0, Brief($"{files} files", bytes)));
        checks.Add(new("no temporary file remains", leftovers.Count == 0, Brief("store", leftovers)));
    }

    /// <summary>What the triggers beside the ledger say of the items.</summary>
    internal static IReadOnlyList<ChaosCheck> OfItems(IReadOnlyDictionary<string, long> f) =>
    [
        new(
            "every work item is committed exactly once",
            f["items"] == f["commits"] && f["twice"] == 0 && f["foreign"] == 0 && f["never"] == 0,
            $"{f["items"]} items, {f["commits"]} commits, {f["twice"]} twice, {f["never"]} never, {f["foreign"]} under another lease"),
        new("no committed item changes afterwards", f["tampered"] == 0, $"{f["tampered"]} changes"),
    ];

    private static async Task<IReadOnlyDictionary<string, long>> FiguresAsync(Cluster cluster, Faults faults, int experiments, CancellationToken ct)
    {
        var f = await cluster.Audit.FiguresAsync(ct);
        var stopped = cluster.Silos.SelectMany(s => s.Lines).Where(l => l.Kind == "stopped").GroupBy(l => l["cause"] ?? "?").ToDictionary(g => g.Key, g => (long)g.Count(), StringComparer.Ordinal);
        return new Dictionary<string, long>
        {
            ["silos started"] = cluster.Silos.Count,
            ["kill -9"] = faults.Kills,
            ["SIGSTOP beyond the lease"] = faults.Stops,
            ["orderly restarts of the server"] = faults.Restarts,
            ["crashes of the server"] = faults.Crashes,
            ["silos started with a wrong clock"] = faults.ShiftedStarts,
            ["experiments"] = experiments,
            ["items committed"] = f["commits"],
            ["claims"] = f["attempts"],
            ["deaths (leases that lapsed)"] = f["deaths"],
            ["failures of items, tried again"] = f["failures"],
            ["turns given up by the silo's own clock"] = stopped.GetValueOrDefault("leaseExpired"),
            ["turns refused by the ledger"] = stopped.GetValueOrDefault("leaseLost"),
        };
    }

    private static string Brief(string what, IReadOnlyCollection<string> wrong) =>
        wrong.Count == 0 ? what : $"{what}; {wrong.Count} wrong: {string.Join(" | ", wrong.Take(5))}";
}
