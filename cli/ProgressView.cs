// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Grains;

namespace Teravox.Cli;

/// <summary>
/// Says how far the work is: one line that is rewritten on a terminal, plain lines every few seconds elsewhere, JSON
/// objects a line for machines. People read it on standard error; results alone go to standard output.
/// </summary>
internal sealed class ProgressView : IDisposable
{
    private static readonly TimeSpan PlainEvery = TimeSpan.FromSeconds(5), TerminalEvery = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private readonly bool _json;
    private readonly bool _terminal = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb");
    private readonly Dictionary<string, StageClock> _stages = [];
    private readonly Stopwatch _sinceLine = Stopwatch.StartNew();
    private bool _open;
    private string _prefix = "";

    private ProgressView(bool json) => _json = json;

    private sealed class StageClock
    {
        public Stopwatch Clock { get; } = Stopwatch.StartNew();
        public int DoneHere { get; set; }
        public int Done { get; set; }
        public int Total { get; set; }
        public double FirstFraction { get; set; } = -1;
    }

    public static ProgressView Make(bool json) => new(json);

    /// <summary>Progress before there is an experiment.</summary>
    public void Check(string what, int done, int all) =>
        Say(null, () => $"{what}: {done} of {all}", new { kind = "check", what, done, all }, force: done == all);

    /// <summary>A campaign comes to one of its runs; what is said from now on is of that run.</summary>
    public void Run(int number, int runs, string name)
    {
        lock (_gate)
        {
            _prefix = string.Create(CultureInfo.InvariantCulture, $"[{number} of {runs}] ");
            _stages.Clear();
        }

        if (_json)
            Say(null, () => "", new { kind = "run", number, runs, name }, force: true);
    }

    /// <summary>The run has ended; the time left is what those that are left take when they are like those that were worked on.</summary>
    public void RunEnded(string name, string state, TimeSpan took, int left, double secondsLeft)
    {
        var rest = left == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"; {left} to go") + Left(secondsLeft).Replace(", ", ", about ", StringComparison.Ordinal);
        Say(
            null,
            () => string.Create(CultureInfo.InvariantCulture, $"{name}: {state} after {took.TotalSeconds:F0} s{rest}"),
            new { kind = "runEnded", name, state, seconds = Math.Round(took.TotalSeconds, 1), left, secondsLeft = Math.Round(secondsLeft) },
            force: true);
    }

    /// <summary>The experiment begins, or goes on.</summary>
    public void Start(ExperimentPlan plan, ExperimentFolder folder, string device, bool resumed)
    {
        Say(
            null,
            () => $"{plan.Spec.Name}: {What(plan)}, on {device}{(resumed ? "; going on from the last commit" : "")}",
            new { kind = "start", name = plan.Spec.Name, shape = plan.Shape, classes = plan.Classes.Count, networks = plan.Networks.Count, tile = plan.Tile, halo = plan.Halo, haloIsExact = plan.HaloIsExact, device, folder = folder.Root, resumed, notes = plan.Notes },
            force: true);
        if (!_json)
        {
            foreach (var note in plan.Notes ?? [])
                Say(null, () => note, "", force: true);
        }
    }

    private static string What(ExperimentPlan plan) => plan.Spec is { Preset: Preset.SuperResolve, SuperResolve: { } options }
        ? $"{plan.Shape} voxels to {plan.Volume(VolumeNames.Boosted).Shape}, enlarged by {options.Scale}"
        : $"{plan.Shape} voxels, {plan.Classes.Count} classes, {plan.Networks.Count} network(s), tiles {plan.Tile} with halo {plan.Halo} ({(plan.HaloIsExact ? "exact" : "not exact")})";

    /// <summary>Something happened in the silo.</summary>
    public void On(WorkEvent happened)
    {
        switch (happened)
        {
            case StagePlanned e:
                lock (_gate)
                {
                    ClockOf(e.Stage).Total = e.Total;
                }

                break;
            case ItemProgressed p:
                Say(p.Stage, () => $"{p.Stage}: {p.Note ?? p.Fraction.ToString("P0", CultureInfo.InvariantCulture)}{LeftOf(p)}", new { kind = "progress", stage = p.Stage, index = p.Index, fraction = p.Fraction, note = p.Note }, force: false);
                break;
            case ItemDone c:
                Say(c.Stage, () => $"{c.Stage}: {c.Done} of {c.Total}{RateOf(c)}", new { kind = "committed", stage = c.Stage, index = c.Index, done = c.Done, total = c.Total }, force: c.Done == c.Total);
                break;
            case ItemFailed f:
                var next = f.Final ? "" : "; it will be tried again";
                Say(f.Stage, () => $"{f.Stage}: item {f.Index} failed: {f.Error}{next}", new { kind = "failed", stage = f.Stage, index = f.Index, error = f.Error, final = f.Final }, force: true);
                break;
            case PlanFailed f:
                Say(f.Stage, () => $"{f.Stage}: {f.Error}", new { kind = "failed", stage = f.Stage, index = -1, error = f.Error, final = f.Final }, force: true);
                break;
            case NoAnswer s:
                Say(null, () => $"no answer ({s.Message}); waiting", new { kind = "waiting", message = s.Message }, force: false);
                break;
        }
    }

    /// <summary>Ends the line that was being rewritten.</summary>
    public void Finish()
    {
        lock (_gate)
        {
            if (_open)
                Console.Error.WriteLine();
            _open = false;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Finish();

    private string RateOf(ItemDone c)
    {
        var stage = ClockOf(c.Stage);
        stage.DoneHere++;
        (stage.Done, stage.Total) = (c.Done, c.Total);
        var seconds = stage.Clock.Elapsed.TotalSeconds;
        if (c.Total <= 1 || seconds < .5)
            return "";
        var rate = stage.DoneHere / seconds;
        return string.Create(CultureInfo.InvariantCulture, $", {rate:G3}/s{Left((c.Total - c.Done) / rate)}");
    }

    private string LeftOf(ItemProgressed p)
    {
        var stage = ClockOf(p.Stage);
        var fraction = (stage.Done + p.Fraction) / Math.Max(1, stage.Total);
        if (stage.FirstFraction < 0 || fraction < stage.FirstFraction)
        {
            stage.FirstFraction = fraction;
            stage.Clock.Restart();
        }

        var gained = fraction - stage.FirstFraction;
        return gained <= 0 || fraction >= 1 ? "" : Left(stage.Clock.Elapsed.TotalSeconds / gained * (1 - fraction));
    }

    private StageClock ClockOf(string stage) => _stages.TryGetValue(stage, out var clock) ? clock : _stages[stage] = new StageClock();

    private static string Left(double seconds) => seconds switch
    {
        < 1 => "",
        < 120 => string.Create(CultureInfo.InvariantCulture, $", {seconds:F0} s left"),
        < 7200 => string.Create(CultureInfo.InvariantCulture, $", {seconds / 60:F0} min left"),
        _ => string.Create(CultureInfo.InvariantCulture, $", {seconds / 3600:F1} h left"),
    };

    private void Say(string? stage, Func<string> text, object json, bool force)
    {
        lock (_gate)
        {
            // The text is made in any case: rates are counted while it is made.
            var line = _prefix + text();
            if (_json)
            {
                if (force || stage is null || _sinceLine.Elapsed >= TerminalEvery)
                {
                    Console.Out.WriteLine(JsonSerializer.Serialize(json, TeravoxJson.Compact));
                    _sinceLine.Restart();
                }

                return;
            }

            if (!force && _sinceLine.Elapsed < (_terminal ? TerminalEvery : PlainEvery))
                return;
            _sinceLine.Restart();
            if (!_terminal)
            {
                Console.Error.WriteLine(line);
                return;
            }

            var width = Math.Max(20, Console.BufferWidth - 1);
            Console.Error.Write("\r" + (line.Length > width ? line[..width] : line).PadRight(width));
            _open = !force;
            if (force)
                Console.Error.WriteLine();
        }
    }
}
