// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using Teravox.Chaos;

namespace Teravox.Bench;

/// <summary>Real silos on a real server under faults; exit code 0 only when everything that is promised held.</summary>
internal static class ChaosCommand
{
    public static Command Make()
    {
        var minutes = new Option<double>("--minutes") { Description = "How long faults are made.", DefaultValueFactory = _ => 8 };
        var seed = new Option<int?>("--seed") { Description = "Of everything that is drawn; drawn itself when left out." };
        var silos = new Option<int>("--silos") { Description = "Silo processes, 2 or more.", DefaultValueFactory = _ => 4 };
        var kill = new Option<double>("--kill-every") { Description = "Seconds between two kills.", DefaultValueFactory = _ => 1 };
        var json = BenchCommand.JsonFile();
        return new Command("chaos", "Kills, stops, restarts, cut networks and a wrong clock; then every stored version is walked through and every byte compared.") { minutes, seed, silos, kill, json }.Does(async (result, ct) =>
        {
            using var home = new BenchFolder(null);
            var options = new ChaosOptions(TeravoxProgram.Path(), home.Path, result.GetValue(seed) ?? Random.Shared.Next(), TimeSpan.FromMinutes(result.GetValue(minutes)))
            {
                Silos = Math.Max(2, result.GetValue(silos)),
                KillEvery = TimeSpan.FromSeconds(result.GetValue(kill)),
                Say = line => Console.Error.WriteLine($"{DateTime.Now:HH:mm:ss} {line}"),
            };
            var outcome = await ChaosRun.RunAsync(options, ct);
            Console.WriteLine($"machine: {Machine.Describe()}; seed {options.Seed.ToString(CultureInfo.InvariantCulture)}");
            var table = new TextTable("what", "count");
            foreach (var (name, count) in outcome.Figures)
                table.Add(name, count.ToString(CultureInfo.InvariantCulture));
            table.Print();
            foreach (var check in outcome.Checks)
                Console.WriteLine($"{(check.Held ? "held  " : "BROKEN")}  {check.Name}{(check.Detail.Length == 0 ? "" : ": " + check.Detail)}");
            await BenchCommand.SaveAsync(result.GetValue(json), new { machine = Machine.Describe(), options.Seed, minutes = result.GetValue(minutes), outcome }, ct);
            return outcome.Held ? 0 : 1;
        });
    }
}
