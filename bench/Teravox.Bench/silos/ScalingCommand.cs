// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;

namespace Teravox.Bench.Silos;

/// <summary>Silos side by side, each with a device that takes the same time for every item.</summary>
/// <param name="Silos">Processes.</param>
/// <param name="Items">Items in all.</param>
/// <param name="Seconds">From the first item's begin to the last one's end.</param>
/// <param name="LastBegins">From the first item's begin to that of the silo that begins last, s.</param>
/// <param name="FirstEnds">From the end of the silo that ends first to the last item's end, s.</param>
internal sealed record ScalingFigures(int Silos, int Items, double Seconds, double LastBegins, double FirstEnds)
{
    /// <summary>Items a second.</summary>
    public double Rate => Items / Seconds;
}

internal static class ScalingCommand
{
    public static Command Make()
    {
        var silos = new Option<int>("--silos") { Description = "Processes that are compared with one.", DefaultValueFactory = _ => 8 };
        var take = new Option<double>("--take") { Description = "Time of an item, ms.", DefaultValueFactory = _ => 200 };
        var items = new Option<int>("--items") { Description = "Items of each silo.", DefaultValueFactory = _ => 100 };
        var json = BenchCommand.JsonFile();
        return new Command("scaling", "Efficiency of several silos beside one, with devices that wait.") { silos, take, items, json }.Does(async (result, ct) =>
        {
            var (count, ms) = (result.GetValue(silos), result.GetValue(take));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"machine: {Machine.Describe()}; an item takes {ms} ms on a device that waits"));
            var one = await RunAsync(1, result.GetValue(items), ms, ct);
            var many = await RunAsync(count, result.GetValue(items), ms, ct);

            var table = new TextTable("silos", "items", "seconds", "items/s", "of one silo's rate each", "of the device's rate each", "last silo begins after, s", "first silo ends before, s");
            foreach (var row in (ScalingFigures[])[one, many])
                table.Add(Text("0", row.Silos), Text("0", row.Items), Text("0.00", row.Seconds), Text("0.00", row.Rate), Text("0.0 %", row.Rate / row.Silos / one.Rate), Text("0.0 %", row.Rate / row.Silos * ms / 1000), Text("0.00", row.LastBegins), Text("0.00", row.FirstEnds));
            table.Print();
            Target[] targets = [new($"% of linear at {Text("0", count)} silos", 100 * many.Rate / (count * one.Rate), 95)];
            Console.WriteLine();
            Target.Print(targets);
            await BenchCommand.SaveAsync(result.GetValue(json), new { machine = Machine.Describe(), itemMs = ms, rows = new[] { one, many }, targets }, ct);
            BenchCommand.PrintRatio(targets);
            return 0;
        });
    }

    private const int WarmUpItems = 20;

    /// <summary>Runs so many items of each silo on so many silos.</summary>
    private static async Task<ScalingFigures> RunAsync(int silos, int itemsEach, double ms, CancellationToken ct)
    {
        await using var cluster = await BenchCluster.StartAsync(silos, sayItems: true, ct);

        // 1. What a process does for the first time, it does slowly, and eight of them start on the same cores: each does a few items before.
        var warmUp = await new SimulatedWork(silos * WarmUpItems, ms).SubmitAsync(cluster.Experiments, ct);
        await cluster.Experiments.WaitForEndAsync(warmUp, ct);
        var begin = Stopwatch.GetTimestamp();

        // 2. The items that are measured.
        var work = new SimulatedWork(silos * itemsEach, ms);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var listening = cluster.Silos.Select(ListenAsync).ToList();
        var id = await work.SubmitAsync(cluster.Experiments, ct);
        var state = await cluster.Experiments.WaitForEndAsync(id, ct);
        await work.CheckAsync(cluster.Grains, id, state);

        // What the last silo said may be on its way.
        done.CancelAfter(TimeSpan.FromSeconds(1));
        var heard = await Task.WhenAll(listening);
        var (first, last) = (heard.Min(h => h.First), heard.Max(h => h.Last));
        return new ScalingFigures(silos, work.Items, Stopwatch.GetElapsedTime(first, last).TotalSeconds, Stopwatch.GetElapsedTime(first, heard.Max(h => h.First)).TotalSeconds,
            Stopwatch.GetElapsedTime(heard.Min(h => h.Last), last).TotalSeconds);

        // When its first item begins and its last one ends.
        async Task<(long First, long Last)> ListenAsync(ChildProcess silo)
        {
            var (first, last) = (long.MaxValue, 0L);
            try
            {
                while (true)
                {
                    if (SimulatedSilo.ParseItem(await silo.HearAsync(done.Token, TimeSpan.FromHours(1))) is not var (what, _, at) || at < begin)
                        continue;
                    first = Math.Min(first, at);
                    last = what == SimulatedSilo.Done ? Math.Max(last, at) : last;
                }
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                // All items are done.
                return (first, last);
            }
        }
    }

    private static string Text(string format, double value) => value.ToString(format, CultureInfo.InvariantCulture);
}
