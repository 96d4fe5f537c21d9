// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;

namespace Teravox.Bench.Silos;

/// <summary>Silos side by side, each with a device that takes the same time for every item.</summary>
/// <param name="Silos">Processes.</param>
/// <param name="Items">Items in all.</param>
/// <param name="Seconds">From the first item's begin to the last one's end.</param>
internal sealed record ScalingFigures(int Silos, int Items, double Seconds)
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

            var table = new TextTable("silos", "items", "seconds", "items/s", "of one silo's rate each", "of the device's rate each");
            foreach (var row in (ScalingFigures[])[one, many])
                table.Add(Text("0", row.Silos), Text("0", row.Items), Text("0.00", row.Seconds), Text("0.00", row.Rate), Text("0.0 %", row.Rate / row.Silos / one.Rate), Text("0.0 %", row.Rate / row.Silos * ms / 1000));
            table.Print();
            Target[] targets = [new($"% of linear at {Text("0", count)} silos", 100 * many.Rate / (count * one.Rate), 95)];
            Console.WriteLine();
            Target.Print(targets);
            await BenchCommand.SaveAsync(result.GetValue(json), new { machine = Machine.Describe(), itemMs = ms, rows = new[] { one, many }, targets }, ct);
            BenchCommand.PrintRatio(targets);
            return 0;
        });
    }

    /// <summary>Runs so many items of each silo on so many silos.</summary>
    private static async Task<ScalingFigures> RunAsync(int silos, int itemsEach, double ms, CancellationToken ct)
    {
        await using var cluster = await BenchCluster.StartAsync(silos, sayItems: true, ct);
        var work = new SimulatedWork(silos * itemsEach, ms);
        var (first, last) = (long.MaxValue, 0L);
        var all = new Lock();
        using var done = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var listening = cluster.Silos.Select(ListenAsync).ToList();
        var id = await work.SubmitAsync(cluster.Experiments, ct);
        var state = await cluster.Experiments.WaitForEndAsync(id, ct);
        await work.CheckAsync(cluster.Grains, id, state);

        // What the last silo said may be on its way.
        done.CancelAfter(TimeSpan.FromSeconds(1));
        await Task.WhenAll(listening);
        return new ScalingFigures(silos, work.Items, Stopwatch.GetElapsedTime(first, last).TotalSeconds);

        async Task ListenAsync(ChildProcess silo)
        {
            try
            {
                while (true)
                {
                    if (SimulatedSilo.ParseItem(await silo.HearAsync(done.Token, TimeSpan.FromHours(1))) is not var (what, _, at))
                        continue;
                    lock (all)
                    {
                        first = Math.Min(first, at);
                        last = what == SimulatedSilo.Done ? Math.Max(last, at) : last;
                    }
                }
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                // All items are done.
            }
        }
    }

    private static string Text(string format, double value) => value.ToString(format, CultureInfo.InvariantCulture);
}
