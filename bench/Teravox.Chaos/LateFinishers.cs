// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Silo.Local;

namespace Teravox.Chaos;

/// <summary>
/// The cases that chance would seldom meet, one after another on one experiment:
/// <list type="number">
/// <item>a silo is killed in training, right after a checkpoint; the next one goes on from there;</item>
/// <item>that one is stopped in the middle of a tile's first chunk;</item>
/// <item>a third is stopped with a tile's report on its lips;</item>
/// <item>a fourth does all of their work meanwhile; then both go on, learn that they are taken for dead, and join anew.</item>
/// </list>
/// </summary>
internal static class LateFinishers
{
    public static async Task<long> RunAsync(Cluster cluster, Reference train, List<ChaosCheck> checks, Action<string> say, CancellationToken ct)
    {
        var id = await cluster.SubmitAsync(train, ct);

        say("a silo that is killed in training, right after its third checkpoint");
        var killed = cluster.StartSilo(0, ("TERAVOX_KILL_AT", "train.after-checkpoint:3"));
        await cluster.UntilAsync(() => killed.HasEnded, "the silo to be killed at its third checkpoint", ct);

        say("a silo that trains on from there, and is stopped in a tile's first chunk");
        var (slow, slowHeld) = await StopAtAsync(cluster, 1, "chunk.before-link:1", ct);

        say("a silo that is stopped when it is about to report a tile");
        var (late, lateHeld) = await StopAtAsync(cluster, 2, "item.before-commit:1", ct);

        say("a silo that does their work");
        var heir = cluster.StartSilo(3);
        await cluster.EndAsync([id], ct);
        var state = await cluster.StateAsync(id, ct);
        List<(string Range, int Index)> held = [.. slowHeld.Union(lateHeld)];
        var doneBy = StateAudit.Of(await cluster.Audit.StatesAsync(ct)).DoneBy;
        var (left, files) = (StateAudit.Left(await cluster.Audit.LastStatesAsync(ct), Text(id)), ResultFiles.Of(cluster.Folder(id)));

        say("both stopped ones go on");
        slow.Signal(Signals.Continue);
        late.Signal(Signals.Continue);
        await cluster.UntilAsync(() => slow.HasRejoined && late.HasRejoined, "both silos that were stopped to join the cluster anew", ct);
        var (leftAfter, filesAfter) = (StateAudit.Left(await cluster.Audit.LastStatesAsync(ct), Text(id)), ResultFiles.Of(cluster.Folder(id)));

        var resumed = await ResumedAsync(cluster, id, ct);
        var expected = await File.ReadAllBytesAsync(new ExperimentFolder(train.Folder).Model("multiclass"), ct);
        var model = await File.ReadAllBytesAsync(new ExperimentFolder(cluster.Folder(id)).Model("multiclass"), ct);
        var sameModel = model.AsSpan().SequenceEqual(expected);
        checks.Add(new("a training killed after a checkpoint goes on elsewhere, and ends with the same model bytes", killed.ExitCode == 137 && resumed is > 0 and < 200 && sameModel, $"{resumed} of 200 iterations left for the second silo"));
        checks.Add(new("what stopped silos had, another did", state == ExperimentState.Succeeded && held.All(h => doneBy.GetValueOrDefault(h) == heir.Name), $"{slowHeld.Count} + {lateHeld.Count} items, experiment {state}"));
        var differences = ResultFiles.Differences(files, filesAfter);
        checks.Add(new("late finishers change nothing: no sum, no byte", left.SequenceEqual(leftAfter) && differences.Count == 0, $"{left.Count} stages, {files.Count} files; {string.Join(", ", differences.Take(3))}"));

        foreach (var silo in (SiloChild[])[slow, late, heir])
            silo.Signal(Signals.Terminate);
        foreach (var silo in (SiloChild[])[slow, late, heir])
            await cluster.UntilAsync(() => silo.HasEnded, "a silo to end after SIGTERM", ct);
        return id;
    }

    /// <summary>A silo that stopped itself while it had items.</summary>
    private static async Task<(SiloChild Silo, List<(string Range, int Index)> Held)> StopAtAsync(Cluster cluster, int place, string point, CancellationToken ct)
    {
        while (true)
        {
            var silo = cluster.StartSilo(place, ("TERAVOX_STOP_AT", point));
            await cluster.UntilAsync(() => silo.IsStopped, $"the silo to be stopped at {point}", ct);

            // On a machine that is very busy it may have been taken for dead before: then it is no case, and another is tried.
            var held = StateAudit.HeldBy(await cluster.Audit.LastStatesAsync(ct), silo.Name!);
            if (held.Count > 0)
                return (silo, held);
            silo.Signal(Signals.Kill);
        }
    }

    private static string Text(long id) => id.ToString(CultureInfo.InvariantCulture);

    // "multiclass: 170 iterations in 1.2 s on cpu, loss 0.4": those of the run that ended.
    private static async Task<int?> ResumedAsync(Cluster cluster, long id, CancellationToken ct)
    {
        var line = (await cluster.Catalog.EventsAsync(id, 0, 100_000, ct)).FirstOrDefault(e => e.Kind == "log" && e.Text.Contains(" iterations in ", StringComparison.Ordinal));
        return line is null ? null : int.Parse(line.Text.Split(' ')[1], CultureInfo.InvariantCulture);
    }
}
