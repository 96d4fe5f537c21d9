// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Teravox.Grains.Ledger;
using Teravox.Silo.Local;

namespace Teravox.Bench.Silos;

/// <summary>Silos side by side, each with a device that takes the same time for every item.</summary>
/// <param name="Silos">Processes.</param>
/// <param name="Items">Items in all.</param>
/// <param name="Seconds">From the first item's begin to the last one's commit.</param>
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
        var idle = new Option<int>("--idle") { Description = "Seconds after which an idle silo's memory is read.", DefaultValueFactory = _ => 30 };
        var json = BenchCommand.JsonFile();
        return new Command("scaling", "Efficiency of several silos against one, and memory of an idle silo.") { silos, take, items, idle, json }.Does(async (result, ct) =>
        {
            using var home = new BenchFolder(null);
            await using var server = await PrivatePostgres.StartAsync(Path.Combine(home.Path, "postgres"), [], ct);
            await using var ledger = await Ledgers.OpenAsync(server.Address, ct);
            var (count, ms) = (result.GetValue(silos), result.GetValue(take));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"machine: {Machine.Describe()}; an item takes {ms} ms on a device that waits"));
            var one = await RunAsync(BenchHosts.Ledger, server.Address, ledger, 1, result.GetValue(items), ms, ct);
            var many = await RunAsync(BenchHosts.Ledger, server.Address, ledger, count, result.GetValue(items), ms, ct);
            var efficiency = many.Rate / (count * one.Rate);

            var table = new TextTable("silos", "items", "seconds", "items/s", "of one silo's rate each", "of the device's rate each");
            foreach (var row in (ScalingFigures[])[one, many])
                table.Add(Text("0", row.Silos), Text("0", row.Items), Text("0.00", row.Seconds), Text("0.00", row.Rate), Text("0.0 %", row.Rate / row.Silos / one.Rate), Text("0.0 %", row.Rate / row.Silos * ms / 1000));
            table.Print();

            var (resident, own) = await IdleMemory.MeasureAsync(BenchHosts.Ledger, server.Address, Path.Combine(home.Path, "store"), TimeSpan.FromSeconds(result.GetValue(idle)), ct);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"an idle silo: {resident:F0} MiB resident, {own:F0} MiB of them its own"));
            await BenchCommand.SaveAsync(
                result.GetValue(json),
                new { machine = Machine.Describe(), itemMs = ms, rows = new[] { one, many }, efficiency, idleResidentMiB = resident, idleOwnMiB = own },
                ct);
            return 0;
        });
    }

    /// <summary>Runs so many items of each silo on so many silos.</summary>
    public static async Task<ScalingFigures> RunAsync(string host, string address, ILedger ledger, int silos, int itemsEach, double ms, CancellationToken ct)
    {
        var processes = Enumerable.Range(0, silos)
            .Select(_ => ChildProcess.Start("simulated-silo", "--ledger", address, "--ttl", "30", "--take", ms.ToString(CultureInfo.InvariantCulture), "--host", host))
            .ToList();
        try
        {
            foreach (var process in processes)
                await process.HearAsync(ct);
            var items = silos * itemsEach;
            await SimulatedWork.SubmitAsync(ledger, items, ct);
            var (left, first, last) = (items, long.MaxValue, 0L);
            var all = new Lock();
            using var done = CancellationTokenSource.CreateLinkedTokenSource(ct);
            await Task.WhenAll(processes.Select(ListenAsync));
            return new ScalingFigures(silos, items, Stopwatch.GetElapsedTime(first, last).TotalSeconds);

            async Task ListenAsync(ChildProcess process)
            {
                try
                {
                    while (true)
                    {
                        if (SimulatedSilo.Parse(await process.HearAsync(done.Token)) is not var (what, _, at))
                            continue;
                        lock (all)
                        {
                            first = Math.Min(first, at);
                            if (what != "committed")
                                continue;
                            last = Math.Max(last, at);
                            if (--left > 0)
                                continue;
                        }

                        await done.CancelAsync();
                    }
                }
                catch (OperationCanceledException) when (!ct.IsCancellationRequested)
                {
                    // All items are committed.
                }
            }
        }
        finally
        {
            processes.ForEach(p => p.Dispose());
        }
    }

    private static string Text(string format, double value) => value.ToString(format, CultureInfo.InvariantCulture);
}
