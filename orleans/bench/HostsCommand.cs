// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using System.Reflection;
using Teravox.Bench;
using Teravox.Bench.Silos;
using Teravox.Grains.Ledger;
using Teravox.Silo.Local;

namespace Teravox.Orleans.Bench;

/// <summary>What was measured of a host.</summary>
/// <param name="Host">Its name.</param>
/// <param name="BareRate">Tiles a second of one silo whose device takes no time: what the host itself costs.</param>
/// <param name="Rate">Tiles a second of one silo whose device takes the given time for each.</param>
/// <param name="ManyRate">The same of several silos.</param>
/// <param name="Recovery">Seconds from kill -9 of a silo to the begin of its lost item on another, run by run.</param>
/// <param name="ResidentMiB">Memory of an idle silo.</param>
/// <param name="OwnMiB">What of it is its own.</param>
internal sealed record HostFigures(
    string Host, double BareRate, double Rate, double ManyRate, IReadOnlyList<double> Recovery, double ResidentMiB, double OwnMiB);

/// <summary>Both hosts on the same server, one after the other.</summary>
internal static class HostsCommand
{
    public static Command Make()
    {
        var silos = new Option<int>("--silos") { Description = "Silos that are compared with one.", DefaultValueFactory = _ => 4 };
        var take = new Option<double>("--take") { Description = "Time of a tile, ms.", DefaultValueFactory = _ => 100 };
        var items = new Option<int>("--items") { Description = "Tiles of each silo.", DefaultValueFactory = _ => 200 };
        var runs = new Option<int>("--runs") { Description = "Kills.", DefaultValueFactory = _ => 5 };
        var ttl = new Option<double>("--ttl") { Description = "Length of leases, s.", DefaultValueFactory = _ => 30 };
        var idle = new Option<int>("--idle") { Description = "Seconds after which an idle silo's memory is read.", DefaultValueFactory = _ => 30 };
        var json = BenchCommand.JsonFile();
        return new Command("hosts", "The ledger host and the host on Orleans side by side: tiles a second, time to recover, memory.") { silos, take, items, runs, ttl, idle, json }.Does(async (result, ct) =>
        {
            using var home = new BenchFolder(null);
            await using var server = await PrivatePostgres.StartAsync(Path.Combine(home.Path, "postgres"), [], ct);
            var (count, ms, each) = (result.GetValue(silos), result.GetValue(take), result.GetValue(items));
            Console.WriteLine($"machine: {Machine.Describe()}; Orleans {typeof(Grain).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split(['+', ' '])[0].TrimEnd('.')}");
            var all = new List<HostFigures>();
            foreach (var host in (string[])[BenchHosts.Ledger, BenchHosts.OrleansName])
            {
                // A schema of its own, so that neither host sees the other's work.
                var address = $"{server.Address}&schema={host}";
                await using var ledger = await Ledgers.OpenAsync(address, ct);
                var bare = await ScalingCommand.RunAsync(host, address, ledger, 1, 5 * each, 0, ct);
                var one = await ScalingCommand.RunAsync(host, address, ledger, 1, each, ms, ct);
                var many = await ScalingCommand.RunAsync(host, address, ledger, count, each, ms, ct);
                var recovery = new List<double>();
                for (var run = 0; run < result.GetValue(runs); run++)
                    recovery.Add(await RecoveryCommand.RunAsync(host, address, ledger, result.GetValue(ttl), ct));
                var (resident, own) = await IdleMemory.MeasureAsync(host, address, Path.Combine(home.Path, "store"), TimeSpan.FromSeconds(result.GetValue(idle)), ct);
                all.Add(new HostFigures(host, bare.Rate, one.Rate, many.Rate, recovery, resident, own));
                await Console.Error.WriteLineAsync($"{host}: {Text("0", bare.Rate)} tiles/s, recovered after {string.Join(", ", recovery.Select(r => Text("0.00", r)))} s");
            }

            var table = new TextTable("host", "tiles/s, device takes no time", $"tiles/s of 1 silo, {Text("0", ms)} ms each", $"tiles/s of {count} silos", "recovery median s", "max s", "idle MiB", "own MiB");
            foreach (var f in all)
                table.Add(f.Host, Text("0", f.BareRate), Text("0.00", f.Rate), Text("0.00", f.ManyRate), Text("0.00", Quantiles.Of(f.Recovery, 0.5)), Text("0.00", f.Recovery.Max()), Text("0", f.ResidentMiB), Text("0", f.OwnMiB));
            table.Print();
            var (killed, frozen) = await AnswersAsync($"{server.Address}&schema=answers", result.GetValue(runs), ct);
            Console.WriteLine($"an experiment's grain on Orleans answers again: {Text("0.00", Quantiles.Of(killed, 0.5))} s after kill -9 of its silo (at most {Text("0.00", killed.Max())}), {Text("0.00", Quantiles.Of(frozen, 0.5))} s after SIGSTOP (at most {Text("0.00", frozen.Max())})");
            await BenchCommand.SaveAsync(result.GetValue(json), new { machine = Machine.Describe(), itemMs = ms, silos = count, ttl = result.GetValue(ttl), all, killed, frozen }, ct);
            return 0;
        });
    }

    private static async Task<(List<double> Killed, List<double> Frozen)> AnswersAsync(string address, int runs, CancellationToken ct)
    {
        await using var ledger = await Ledgers.OpenAsync(address, ct);
        var (killed, frozen) = (new List<double>(), new List<double>());
        for (var run = 0; run < runs; run++)
        {
            killed.Add(await AnswerTimes.RunAsync(Signals.Kill, address, ledger, ct));
            frozen.Add(await AnswerTimes.RunAsync(Signals.Stop, address, ledger, ct));
        }

        return (killed, frozen);
    }

    private static string Text(string format, double value) => value.ToString(format, CultureInfo.InvariantCulture);
}
