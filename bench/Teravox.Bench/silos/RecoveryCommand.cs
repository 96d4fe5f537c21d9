// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Teravox.Grains.Ledger;
using Teravox.Silo.Local;

namespace Teravox.Bench.Silos;

/// <summary>Time from kill -9 of a silo to the begin of its lost item elsewhere, by the length of the leases.</summary>
/// <param name="TtlSeconds">The silos' --ttl.</param>
/// <param name="Runs">Times of the runs, s.</param>
internal sealed record RecoveryFigures(double TtlSeconds, IReadOnlyList<double> Runs)
{
    /// <summary>Half of the runs took no longer, s.</summary>
    public double Median => Quantiles.Of(Runs, 0.5);

    /// <summary>The longest, s.</summary>
    public double Max => Runs.Max();
}

internal static class RecoveryCommand
{
    public static Command Make()
    {
        var ttls = new Option<double[]>("--ttl") { Description = "Lengths of leases, s.", DefaultValueFactory = _ => [3, 30], AllowMultipleArgumentsPerToken = true };
        var runs = new Option<int>("--runs") { Description = "Kills for each.", DefaultValueFactory = _ => 8 };
        var json = BenchCommand.JsonFile();
        return new Command("recovery", "Time from kill -9 of a silo to the begin of its lost item on another.") { ttls, runs, json }.Does(async (result, ct) =>
        {
            using var home = new BenchFolder(null);
            await using var server = await PrivatePostgres.StartAsync(Path.Combine(home.Path, "postgres"), [], ct);
            await using var ledger = await Ledgers.OpenAsync(server.Address, ct);
            Console.WriteLine($"machine: {Machine.Describe()}; two silos, an item that takes long, its silo killed at any moment between two heartbeats");
            var rows = new List<RecoveryFigures>();
            foreach (var ttl in result.GetValue(ttls)!)
            {
                var times = new List<double>();
                for (var run = 0; run < result.GetValue(runs); run++)
                {
                    times.Add(await RunAsync(BenchHosts.Ledger, server.Address, ledger, ttl, ct));
                    await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"ttl {ttl} s: {times[^1]:F2} s"));
                }

                rows.Add(new RecoveryFigures(ttl, times));
            }

            var table = new TextTable("--ttl", "runs", "median s", "max s");
            foreach (var row in rows)
                table.Add(Text(row.TtlSeconds), Text(row.Runs.Count), Text(row.Median), Text(row.Max));
            table.Print();
            await BenchCommand.SaveAsync(result.GetValue(json), new { machine = Machine.Describe(), rows }, ct);
            return 0;
        });
    }

    /// <summary>One kill: seconds until the lost item begins elsewhere.</summary>
    public static async Task<double> RunAsync(string host, string address, ILedger ledger, double ttl, CancellationToken ct)
    {
        // Silos of its own for each run: the moment between two heartbeats differs, and nothing is left of the last one.
        using var a = Start(host, address, ttl);
        using var b = Start(host, address, ttl);
        await a.HearAsync(ct);
        await b.HearAsync(ct);
        var id = await SimulatedWork.SubmitAsync(ledger, 1, ct);
        try
        {
            using var heard = CancellationTokenSource.CreateLinkedTokenSource(ct);
            var (fromA, fromB) = (StartedAsync(a, ttl, heard.Token), StartedAsync(b, ttl, heard.Token));
            var holder = await Task.WhenAny(fromA, fromB);
            await holder;
            await Task.Delay(TimeSpan.FromSeconds(Random.Shared.NextDouble() * ttl), ct);
            var killed = Stopwatch.GetTimestamp();
            (holder == fromA ? a : b).Kill();
            return Stopwatch.GetElapsedTime(killed, await (holder == fromA ? fromB : fromA)).TotalSeconds;
        }
        finally
        {
            await ledger.CancelAsync(id, CancellationToken.None);
        }
    }

    private static ChildProcess Start(string host, string address, double ttl) => ChildProcess.Start(
        "simulated-silo", "--ledger", address, "--ttl", ttl.ToString(CultureInfo.InvariantCulture), "--take", "3600000", "--host", host);

    private static async Task<long> StartedAsync(ChildProcess silo, double ttl, CancellationToken ct)
    {
        while (true)
        {
            if (SimulatedSilo.Parse(await silo.HearAsync(ct, TimeSpan.FromSeconds(60 + (3 * ttl)))) is ("started", _, var at))
                return at;
        }
    }

    private static string Text(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
