// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Silo;

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

    private ProgressView(bool json) => _json = json;

    private sealed class StageClock
    {
        public Stopwatch Clock { get; } = Stopwatch.StartNew();
        public int DoneHere { get; set; }
        public double FirstFraction { get; set; } = -1;
    }

    public static ProgressView Make(bool json) => new(json);

    /// <summary>Progress before there is an experiment.</summary>
    public void Check(string what, int done, int all) =>
        Say(null, () => $"{what}: {done} of {all}", new { kind = "check", what, done, all }, force: done == all);

    /// <summary>The experiment begins, or goes on.</summary>
    public void Start(ExperimentPlan plan, ExperimentFolder folder, string device, bool resumed)
    {
        var halo = plan.HaloIsExact ? "exact" : "not exact";
        Say(
            null,
            () => $"{plan.Spec.Name}: {plan.Shape} voxels, {plan.Classes.Count} classes, {plan.Networks.Count} network(s), tiles {plan.Tile} with halo {plan.Halo} ({halo}), on {device}{(resumed ? "; going on from the last commit" : "")}",
            new { kind = "start", name = plan.Spec.Name, shape = plan.Shape, classes = plan.Classes.Count, networks = plan.Networks.Count, tile = plan.Tile, halo = plan.Halo, haloIsExact = plan.HaloIsExact, device, folder = folder.Root, resumed },
            force: true);
    }

    /// <summary>Something happened in the silo.</summary>
    public void On(SiloEvent happened)
    {
        switch (happened)
        {
            case ItemProgressed p:
                Say(p.Stage, () => $"{p.Stage}: {p.Note ?? p.Fraction.ToString("P0", CultureInfo.InvariantCulture)}{LeftOf(p)}", new { kind = "progress", stage = p.Stage, index = p.Index, fraction = p.Fraction, note = p.Note }, force: false);
                break;
            case ItemCommitted c:
                Say(c.Stage, () => $"{c.Stage}: {c.Done} of {c.Total}{RateOf(c)}", new { kind = "committed", stage = c.Stage, index = c.Index, done = c.Done, total = c.Total }, force: c.Done == c.Total);
                break;
            case ItemFailed f:
                var next = f.Final ? "" : "; it will be tried again";
                Say(f.Stage, () => $"{f.Stage}: item {f.Index} failed: {f.Error}{next}", new { kind = "failed", stage = f.Stage, index = f.Index, error = f.Error, final = f.Final }, force: true);
                break;
            case PlanFailed f:
                Say(f.Stage, () => $"{f.Stage}: {f.Error}", new { kind = "failed", stage = f.Stage, index = -1, error = f.Error, final = f.Final }, force: true);
                break;
            case LedgerSilent s:
                Say(null, () => $"the ledger does not answer ({s.Message}); waiting", new { kind = "waiting", message = s.Message }, force: false);
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

    private string RateOf(ItemCommitted c)
    {
        var stage = ClockOf(c.Stage);
        stage.DoneHere++;
        var seconds = stage.Clock.Elapsed.TotalSeconds;
        if (c.Total <= 1 || seconds < .5)
            return "";
        var rate = stage.DoneHere / seconds;
        return string.Create(CultureInfo.InvariantCulture, $", {rate:G3}/s{Left((c.Total - c.Done) / rate)}");
    }

    private string LeftOf(ItemProgressed p)
    {
        var stage = ClockOf(p.Stage);
        if (stage.FirstFraction < 0 || p.Fraction < stage.FirstFraction)
        {
            stage.FirstFraction = p.Fraction;
            stage.Clock.Restart();
        }

        var gained = p.Fraction - stage.FirstFraction;
        return gained <= 0 || p.Fraction >= 1 ? "" : Left(stage.Clock.Elapsed.TotalSeconds / gained * (1 - p.Fraction));
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
            var line = text();
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
