// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Teravox.Contracts;
using Teravox.Silo.Local;

namespace Teravox.Bench.Silos;

/// <summary>Times from what happens to what it leads to.</summary>
/// <param name="What">What happens.</param>
/// <param name="Runs">Times of the runs, s.</param>
internal sealed record RecoveryFigures(string What, IReadOnlyList<double> Runs)
{
    /// <summary>Half of the runs took no longer, s.</summary>
    public double Median => Quantiles.Of(Runs, 0.5);

    /// <summary>The longest, s.</summary>
    public double Max => Runs.Max();
}

internal static class RecoveryCommand
{
    private const int Silos = 3;
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(2);

    public static Command Make()
    {
        var runs = new Option<int>("--runs") { Description = "Silos that are killed, silos that are frozen, and calls of each kind.", DefaultValueFactory = _ => 8 };
        var json = BenchCommand.JsonFile();
        return new Command("recovery", "Time from kill -9 of a silo, or from the moment it freezes, to the start of its lost item on another; and from a pause, resume, cancel or retry to its effect.") { runs, json }.Does(async (result, ct) =>
        {
            Console.WriteLine($"machine: {Machine.Describe()}; {Silos} silos with default settings, an item that takes long, its silo lost at any moment");
            await using var cluster = await BenchCluster.StartAsync(Silos, sayItems: true, ct);
            var rows = new List<RecoveryFigures>();
            foreach (var (what, signal) in ((string, int)[])[("silo killed", Signals.Kill), ("silo frozen", Signals.Stop)])
            {
                var times = new List<double>();
                for (var run = 0; run < result.GetValue(runs); run++)
                {
                    times.Add(await RunAsync(cluster, signal, ct));
                    await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{what}: {times[^1]:F2} s"));
                }

                rows.Add(new RecoveryFigures(what, times));
            }

            rows.AddRange(await SteeringTimes.MeasureAsync(cluster, result.GetValue(runs), ct));
            var table = new TextTable("what", "runs", "median s", "longest s", "each");
            foreach (var row in rows)
                table.Add(row.What, Text(row.Runs.Count), Text(row.Median), Text(row.Max), string.Join(" ", row.Runs.Select(Text)));
            table.Print();
            Target[] targets =
            [
                new("median s after kill -9", rows[0].Median, 4, SmallIsGood: true),
                new("median s after a freeze", rows[1].Median, 6, SmallIsGood: true),
                .. rows.Skip(2).Select(row => new Target($"longest s from {row.What}", row.Max, 2, SmallIsGood: true)),
            ];
            Console.WriteLine();
            Target.Print(targets);
            await BenchCommand.SaveAsync(result.GetValue(json), new { machine = Machine.Describe(), rows, targets }, ct);
            BenchCommand.PrintRatio(targets);
            return 0;
        });
    }

    /// <summary>One loss: seconds until the lost item begins elsewhere. A new silo is in the lost one's place after it.</summary>
    private static async Task<double> RunAsync(BenchCluster cluster, int signal, CancellationToken ct)
    {
        var id = await new SimulatedWork(1, TimeSpan.FromHours(1).TotalMilliseconds).SubmitAsync(cluster.Experiments, ct);
        using var heard = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var starts = cluster.Silos.ToDictionary(s => s, s => StartedAsync(s, heard.Token));
        var (holder, _) = await FirstAsync(starts);
        starts.Remove(holder);

        // At any moment between two probes and two reports.
        await Task.Delay(TimeSpan.FromSeconds(1 + (2 * Random.Shared.NextDouble())), ct);
        var lost = Stopwatch.GetTimestamp();
        if (!Signals.Send(holder.Pid, signal))
            throw new InputException($"silo {holder.Pid} ended by itself");
        var (_, at) = await FirstAsync(starts);
        var took = Stopwatch.GetElapsedTime(lost, at).TotalSeconds;

        // Its end is not the next run's.
        cluster.Remove(holder);
        await heard.CancelAsync();
        await cluster.Experiments.CancelAsync(id, ct);
        await cluster.AddSiloAsync(sayItems: true, ct);
        return took;
    }

    private static async Task<(ChildProcess Silo, long At)> FirstAsync(Dictionary<ChildProcess, Task<long>> starts)
    {
        var first = await Task.WhenAny(starts.Values);
        return (starts.First(s => s.Value == first).Key, await first);
    }

    private static async Task<long> StartedAsync(ChildProcess silo, CancellationToken ct)
    {
        while (true)
        {
            if (SimulatedSilo.ParseItem(await silo.HearAsync(ct, LongestWait)) is (SimulatedSilo.Started, _, var at))
                return at;
        }
    }

    private static string Text(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
