// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;

namespace Teravox.Cli.Remote;

/// <summary>How far an experiment is, for a terminal and as plain lines.</summary>
internal static class StatusView
{
    private const int WidestBar = 24, NarrowestBar = 5, MostRunning = 12, MostFailures = 5;

    /// <summary>Stages with bars, what runs, what is blocked, what failed; one line each, none wider than the width.</summary>
    /// <param name="progress">How far it is.</param>
    /// <param name="width">Columns there are.</param>
    /// <param name="brief">Stages that are done and stages that wait are counted, not listed: what is drawn over must fit the screen.</param>
    public static IReadOnlyList<string> Lines(ExperimentProgress progress, int width, bool brief)
    {
        var e = progress.Experiment;
        var lines = new List<string> { $"Experiment {e.Id} ({e.Name}): {e.State}{(e.Owner is null ? "" : $", of {e.Owner}")}" };
        var done = progress.Stages.Count(s => s.State == "done");
        if (brief && done > 0)
            lines.Add($"{done} of {progress.Stages.Count} stages are done");
        lines.AddRange(Bars([.. progress.Stages.Where(s => !brief || s.State is not ("done" or "waiting") || s.Blocked is not null)], width));
        var waiting = progress.Stages.Count(s => s is { State: "waiting", Blocked: null });
        if (brief && waiting > 0)
            lines.Add($"{waiting} wait for those before them");
        lines.AddRange(Some(progress.Running, MostRunning, Line, "items"));
        lines.AddRange(Some(progress.Failures, MostFailures, Line, "failures"));
        return [.. lines.Select(l => l.Length <= width ? l : l[..(width - 1)] + "…")];
    }

    private static IEnumerable<string> Bars(IReadOnlyList<StageProgress> stages, int width)
    {
        if (stages.Count == 0)
            return [];
        var cells = stages.Select(s => (s.Name, Percent: Human.Percent(s.Fraction), Count: Count(s), Speed: Speed(s), Note: Note(s), s.Fraction)).ToList();
        var (name, count, speed) = (cells.Max(c => c.Name.Length), cells.Max(c => c.Count.Length), cells.Max(c => c.Speed.Length));
        var rest = name + count + speed + cells.Max(c => c.Note.Length) + "100 %".Length + 5;
        var bar = Math.Clamp(width - rest, NarrowestBar, WidestBar);
        return cells.Select(c => $"{c.Name.PadRight(name)} {Human.Bar(c.Fraction, bar)} {c.Percent,5} {c.Count.PadLeft(count)} {c.Speed.PadLeft(speed)} {c.Note}".TrimEnd());
    }

    private static IEnumerable<string> Some<T>(IReadOnlyList<T> all, int most, Func<T, string> line, string what)
    {
        foreach (var one in all.Take(most))
            yield return "  " + line(one);
        if (all.Count > most)
            yield return $"  and {all.Count - most} more {what}";
    }

    /// <summary>One line for where nothing can be drawn over.</summary>
    public static string Line(StageProgress s)
    {
        var speed = Speed(s);
        var note = Note(s);
        return $"{s.Name}: {Human.Percent(s.Fraction)}, {Count(s)}{(speed.Length > 0 ? ", " + speed : "")}{(note.Length > 0 ? ", " + note : "")}";
    }

    /// <summary>An item that a silo has.</summary>
    public static string Line(RunningInfo r) =>
        $"{r.Stage} {r.Index} on {r.Silo}: {Human.Percent(r.Fraction)}{(r.Note is null ? "" : ", " + r.Note)}{(r.Attempt > 1 ? $", attempt {r.Attempt}" : "")}";

    /// <summary>An item that failed.</summary>
    public static string Line(FailureInfo f) =>
        $"failed: {f.Stage}{(f.Index < 0 ? "" : $" {f.Index}")}: {f.Error}{(f.Deaths > 0 ? $" (its silo died {f.Deaths} times)" : "")}";

    private static string Count(StageProgress s) => s.Items == 0 ? "" : $"{s.Done} of {s.Items}";

    private static string Speed(StageProgress s)
    {
        if (s.State != "running")
            return s is { Started: { } from, Ended: { } to } ? $"took {Human.Seconds((to - from).TotalSeconds)}" : "";
        var rate = s.ItemsPerSecond is { } perSecond and > 0 && s.Items > 1 ? Human.Rate(perSecond) : "";
        var left = s.SecondsLeft is { } seconds ? $"{Human.Seconds(seconds)} left" : "";
        return rate.Length > 0 && left.Length > 0 ? $"{rate}, {left}" : rate + left;
    }

    private static string Note(StageProgress s) => s.Blocked is { } why ? $"blocked: {why}" : s.Failed > 0 ? $"{s.Failed} failed"
        : s is { State: "running", Leased: 0 } ? "waits for a silo" : s.State;
}
