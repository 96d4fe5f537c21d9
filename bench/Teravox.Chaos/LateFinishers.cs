// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Silo.Local;

namespace Teravox.Chaos;

/// <summary>
/// The cases that chance would seldom meet, one after another on one experiment:
/// <list type="number">
/// <item>a silo is killed in training, right after a checkpoint; the next one goes on from there;</item>
/// <item>that one is stopped in the middle of a tile's first chunk; when it goes on, its own clock says that the lease is gone;</item>
/// <item>a third is stopped with a tile's commit on its lips; when it goes on, the ledger refuses it;</item>
/// <item>a fourth does all of their work meanwhile.</item>
/// </list>
/// </summary>
internal static class LateFinishers
{
    public static async Task<long> RunAsync(Cluster cluster, Reference train, List<ChaosCheck> checks, Action<string> say, CancellationToken ct)
    {
        var id = await cluster.SubmitAsync(train, ct);

        say("a silo that is killed in training, right after its third checkpoint");
        var killed = cluster.StartSilo(("TERAVOX_KILL_AT", "train.after-checkpoint:3"));
        await cluster.UntilAsync(() => killed.HasEnded, "the silo to be killed at its third checkpoint", ct);

        say("a silo that trains on from there, and is stopped in a tile's first chunk");
        var (slow, slowHeld) = await StopAtAsync(cluster, "chunk.before-rename:1", ct);

        say("a silo that is stopped when it is about to commit a tile");
        var (late, lateHeld) = await StopAtAsync(cluster, "item.before-commit:1", ct);

        say("a silo that does their work");
        var heir = cluster.StartSilo();
        await cluster.EndAsync([id], ct);
        var state = await cluster.StateAsync(id, ct);

        // The first one's leases may have lapsed before the second claimed: then both held the same items.
        List<long> held = [.. slowHeld.Union(lateHeld)];
        var committers = await cluster.Audit.CommittersAsync(held, ct);
        var (items, files) = (await cluster.Audit.ItemsAsync(id, ct), ResultFiles.Of(cluster.Folder(id)));

        say("both stopped ones go on");
        slow.Signal(Signals.Continue);
        late.Signal(Signals.Continue);
        await cluster.UntilAsync(() => Stopped(slow).Count >= slowHeld.Count, "the silo that was stopped in a chunk to give up its items", ct);
        await cluster.UntilAsync(() => Stopped(late).Count >= lateHeld.Count, "the silo that was stopped before a commit to give up its items", ct);
        var (itemsAfter, filesAfter) = (await cluster.Audit.ItemsAsync(id, ct), ResultFiles.Of(cluster.Folder(id)));

        var resumed = await ResumedAsync(cluster, id, ct);
        var expected = await File.ReadAllBytesAsync(new ExperimentFolder(train.Folder).Model("multiclass"), ct);
        var model = await File.ReadAllBytesAsync(new ExperimentFolder(cluster.Folder(id)).Model("multiclass"), ct);
        var sameModel = model.AsSpan().SequenceEqual(expected);
        checks.Add(new("a training killed after a checkpoint goes on elsewhere, and ends with the same model bytes", killed.ExitCode == 137 && resumed is > 0 and < 200 && sameModel, $"{resumed} of 200 iterations left for the second silo"));
        checks.Add(new("what stopped silos held, another committed", state == ExperimentState.Succeeded && committers.Count == held.Count && committers.All(c => c == heir.Name), $"{slowHeld.Count} + {lateHeld.Count} items, experiment {state}"));
        checks.Add(new("a late finisher gives up by its own clock", slowHeld.Count > 0 && Stopped(slow).Contains("leaseExpired"), string.Join(", ", Stopped(slow))));
        checks.Add(new("a late commit is refused by the ledger's fence", lateHeld.Count > 0 && Stopped(late).Contains("leaseLost"), string.Join(", ", Stopped(late))));
        var differences = ResultFiles.Differences(files, filesAfter);
        checks.Add(new("late finishers change nothing: no row, no byte", items.SequenceEqual(itemsAfter) && differences.Count == 0, $"{items.Count} rows, {files.Count} files; {string.Join(", ", differences.Take(3))}"));

        foreach (var silo in (SiloChild[])[slow, late, heir])
            silo.Signal(Signals.Terminate);
        foreach (var silo in (SiloChild[])[slow, late, heir])
            await cluster.UntilAsync(() => silo.HasEnded, "a silo to end after SIGTERM", ct);
        return id;
    }

    /// <summary>
    /// A silo that stopped itself with items under lease. On a machine that is very busy its leases may have lapsed before
    /// that: then it is no case, and another is tried.
    /// </summary>
    private static async Task<(SiloChild Silo, List<long> Held)> StopAtAsync(Cluster cluster, string point, CancellationToken ct)
    {
        while (true)
        {
            var silo = cluster.StartSilo(("TERAVOX_STOP_AT", point));
            await cluster.UntilAsync(() => silo.IsStopped, $"the silo to be stopped at {point}", ct);
            var held = await cluster.Audit.HeldAsync(silo.Name!, ct);
            if (held.Count > 0)
                return (silo, held);
            silo.Signal(Signals.Kill);
        }
    }

    private static List<string> Stopped(SiloChild silo) => [.. silo.Lines.Where(l => l.Kind == "stopped").Select(l => l["cause"] ?? "?")];

    // "multiclass: 170 iterations in 1.2 s on cpu, loss 0.4": those of the turn that committed.
    private static async Task<int?> ResumedAsync(Cluster cluster, long id, CancellationToken ct)
    {
        var line = (await cluster.Ledger.EventsAsync(id, 0, 100_000, ct)).FirstOrDefault(e => e.Kind == "log" && e.Text.Contains(" iterations in ", StringComparison.Ordinal));
        return line is null ? null : int.Parse(line.Text.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
