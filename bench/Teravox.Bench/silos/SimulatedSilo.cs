// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Silo;

namespace Teravox.Bench.Silos;

/// <summary>
/// A silo in a process of its own: the real host on the real ledger, with a device that only waits. It writes a line for
/// each item that begins its turn or is committed: what, index, attempt, and the machine's monotonic clock.
/// </summary>
internal static class SimulatedSilo
{
    /// <summary>Kind of the items that it runs.</summary>
    public const string Kind = "simulated";

    public static Command Make()
    {
        var address = new Option<string>("--ledger") { Required = true };
        var ttl = new Option<double>("--ttl") { Required = true };
        var take = new Option<double>("--take") { Required = true };
        var on = BenchHosts.Option();
        return new Command("simulated-silo", "A silo whose device waits; started by the benches.") { address, ttl, take, on }.Does(async (result, ct) =>
        {
            _ = EndWithParent.Lines();
            await using var ledger = await Ledgers.OpenAsync(result.GetRequiredValue(address), ct);
            var options = new SiloOptions(SiloOptions.NewName(), [new SiloDevice("cpu", SiloDevice.OverlapSlots, 1)])
            {
                Ttl = TimeSpan.FromSeconds(result.GetValue(ttl)),
            };
            var host = BenchHosts.Make(
                result.GetRequiredValue(on), result.GetRequiredValue(address), ledger, [new WaitingGrain(TimeSpan.FromMilliseconds(result.GetValue(take)))], new CountPlanner(), options);
            host.Happened += what =>
            {
                if (what is ItemStarted started)
                    Say("started", started.Index);
                if (what is ItemCommitted committed)
                    Say("committed", committed.Index);
            };
            await host.RunAsync(() => Console.WriteLine("ready"), ct, CancellationToken.None);
            return 0;
        });
    }

    /// <summary>What a silo said, or null for its other lines.</summary>
    public static (string What, int Index, long At)? Parse(string line) => line.Split(' ') is [var what, var index, var at]
        ? (what, int.Parse(index, CultureInfo.InvariantCulture), long.Parse(at, CultureInfo.InvariantCulture))
        : null;

    private static void Say(string what, int index) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what} {index} {Stopwatch.GetTimestamp()}"));

    private sealed class WaitingGrain(TimeSpan time) : IWorkGrain
    {
        public string Kind => SimulatedSilo.Kind;

        public bool Overlaps => true;

        public async Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct)
        {
            using (await turn.EnterDeviceAsync(ct))
                await Task.Delay(time, ct);
            return new WorkResult();
        }
    }

    // A stage's argument is the number of its items.
    private sealed class CountPlanner : IStagePlanner
    {
        public Task<int> CountItemsAsync(StageRow stage, CancellationToken ct) =>
            Task.FromResult(int.Parse(stage.Arguments!, CultureInfo.InvariantCulture));
    }
}
