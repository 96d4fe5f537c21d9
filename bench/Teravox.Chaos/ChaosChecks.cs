// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts.Work;
using Teravox.Grains;

namespace Teravox.Chaos;

/// <summary>What had to hold, looked at once all is quiet: by the versions of all states, and by the files alone.</summary>
internal static class ChaosChecks
{
    public static async Task<IReadOnlyList<ChaosCheck>> OfAsync(Cluster cluster, Dictionary<long, Reference> experiments, CancellationToken ct)
    {
        var states = await cluster.Audit.LastStatesAsync(ct);
        var (failed, left, bytes, recount, files, voxels) = (new List<string>(), new List<string>(), new List<string>(), new List<string>(), 0, 0L);
        foreach (var (id, reference) in experiments)
        {
            if (await cluster.StateAsync(id, ct) is var state and not ExperimentState.Succeeded)
            {
                var events = await cluster.Catalog.EventsAsync(id, 0, 100_000, ct);
                failed.Add($"{id} {state}: {string.Join("; ", events.Where(e => e.Kind is "parked" or "error").Take(3).Select(e => e.Text))}");
                continue;
            }

            var its = StateAudit.Left(states, id.ToString(CultureInfo.InvariantCulture));
            left.AddRange(reference.Left.Where(r => its.GetValueOrDefault(r.Key) != r.Value).Select(r => $"{id}/{r.Key}"));
            var found = ResultFiles.Of(cluster.Folder(id));
            files += found.Count;
            bytes.AddRange(ResultFiles.Differences(reference.Files, found).Select(d => $"{id}: {d}"));
            var (counted, differences) = ScoreRecount.Of(reference.Plan, new ExperimentFolder(cluster.Folder(id)), stage => StateAudit.SumsOf(states, id, stage));
            voxels += counted;
            recount.AddRange(differences.Select(d => $"{id}: {d}"));
        }

        var orphaned = ResultFiles.OrphanedFiles(cluster.Folder(experiments.Keys.Last()));
        return
        [
            Check("every experiment succeeded", $"{experiments.Count} experiments", failed),
            .. OfStates(StateAudit.Of(await cluster.Audit.StatesAsync(ct))),
            Check("sums and results equal those of the single silo", $"{experiments.Values.Sum(r => r.Left.Count)} stages", left),
            Check("scores counted again from the files are the stored sums", $"{voxels} voxels", recount),
            Check($"output bytes equal those of the single silo (but for {ResultFiles.Exempt})", $"{files} files", bytes),
            Check("the clean run leaves no temporary file", "", orphaned),
            Check("no silo ended unasked", $"{cluster.Silos.Count} silos", [.. cluster.Silos.Where(s => s.HasEnded && !s.WasEnded && s.ExitCode != 137).Select(s => $"{s.Name} with {s.ExitCode}: {string.Join(' ', s.Errors.TakeLast(3))}")]),
            Check("no silo met an error that nobody expected", "", [.. cluster.Silos.SelectMany(s => s.Errors).Distinct()]),
        ];
    }

    /// <summary>What the versions of all states say.</summary>
    internal static IReadOnlyList<ChaosCheck> OfStates(StateAudit audit) =>
    [
        Check("every item's bit is set once and never cleared, and its silo had it", $"{audit.Done} items", audit.Items),
        Check("sums and results change with the items alone, and a stage has those of its ranges", "", audit.Sums),
        Check("no attempt is given twice or forgotten", $"{audit.HandedOut} hand-outs", audit.Attempts),
        Check("no version of a state is skipped or overwritten", $"{audit.Written} versions", audit.Versions),
    ];

    public static async Task<IReadOnlyDictionary<string, long>> FiguresAsync(Cluster cluster, Faults faults, int experiments, CancellationToken ct)
    {
        var audit = StateAudit.Of(await cluster.Audit.StatesAsync(ct));
        var log = await cluster.Audit.LogAsync(ct);
        var lines = cluster.Silos.SelectMany(s => s.Lines).ToList();
        var stopped = lines.Where(l => l.Kind == "stopped").GroupBy(l => l["cause"] ?? "?").ToDictionary(g => g.Key, g => (long)g.Count(), StringComparer.Ordinal);
        var figures = new Dictionary<string, long>(faults.Made)
        {
            ["silos started"] = cluster.Silos.Count,
            ["silos that joined anew"] = lines.Count(l => l.Kind == "rejoining"),
            ["experiments"] = experiments,
            ["items done"] = audit.Done,
            ["hand-outs"] = audit.HandedOut,
            ["writes of ranges and experiments"] = audit.Written,
            ["deaths of items"] = log.GetValueOrDefault("death"),
            ["failures of items, tried again"] = log.GetValueOrDefault("error"),
        };
        foreach (var (cause, count) in stopped)
            figures["runs stopped: " + cause] = count;
        return figures;
    }

    private static ChaosCheck Check(string name, string what, IReadOnlyCollection<string> wrong) =>
        new(name, wrong.Count == 0, wrong.Count == 0 ? what : $"{what}; {wrong.Count} wrong: {string.Join(" | ", wrong.Take(5))}");
}
