// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Teravox.Grains.Ledger;
using Teravox.Silo.Local;

namespace Teravox.Bench.Ledger;

/// <summary>One measurement: so many silos, one way to commit, one backlog.</summary>
/// <param name="Silos">Processes.</param>
/// <param name="Batched">Whether the items of a claim are committed at once.</param>
/// <param name="Backlog">Items that waited before the workers warmed up.</param>
/// <param name="ItemsPerSecond">Items committed, all silos.</param>
/// <param name="ClaimP50Ms">Median time of a claim.</param>
/// <param name="ClaimP99Ms">99 of 100 claims took no longer.</param>
/// <param name="CommitP99Ms">99 of 100 commits took no longer.</param>
/// <param name="PostgresCores">Cores that the server used.</param>
/// <param name="SiloCores">Cores that the silos used.</param>
/// <param name="OtherCores">Cores that anything else on the machine used.</param>
internal sealed record LedgerFigures(
    int Silos,
    bool Batched,
    long Backlog,
    double ItemsPerSecond,
    double ClaimP50Ms,
    double ClaimP99Ms,
    double CommitP99Ms,
    double PostgresCores,
    double SiloCores,
    double OtherCores)
{
    /// <summary>Items a second of pgbench with as many connections on an equal table.</summary>
    public double? PeerItemsPerSecond { get; init; }
}

/// <summary>How many items a second pass through the ledger, by silos, way to commit and backlog.</summary>
internal static class LedgerCommand
{
    private const string Kind = "bench";
    private const double WarmUpSeconds = 4;

    // Where silos share the cores, each takes so much longer to have its code compiled, and compiled again better.
    private const double WarmUpSecondsOfEach = 2.5;

    private sealed record Settings(int[] Silos, int Backlog, int Small, int Seconds, int Lanes, int BatchedLanes, bool Peer)
    {
        public int LanesOf(bool batched) => batched ? BatchedLanes : Lanes;
    }

    public static Command Make()
    {
        var silos = new Option<int[]>("--silos") { Description = "Numbers of silos.", DefaultValueFactory = _ => [1, 4, 8], AllowMultipleArgumentsPerToken = true };
        var backlog = new Option<int>("--backlog") { Description = "Items that wait.", DefaultValueFactory = _ => 1_000_000 };
        var small = new Option<int>("--small") { Description = "Items that wait beside it, in another database.", DefaultValueFactory = _ => 10_000 };
        var seconds = new Option<int>("--seconds") { Description = "Time of one measurement.", DefaultValueFactory = _ => 8 };
        var lanes = new Option<int>("--lanes") { Description = "Connections of each silo that claim and commit, where each item has its commit.", DefaultValueFactory = _ => 6 };
        var batchedLanes = new Option<int>("--batched-lanes") { Description = "The same where commits go together.", DefaultValueFactory = _ => 1 };
        var setting = new Option<string[]>("--set") { Description = "A setting of the server, as in shared_buffers=1GB.", DefaultValueFactory = _ => [] };
        var folder = new Option<string?>("--folder") { Description = "Where the server's folder is made; a temporary folder by default." };
        var noPeer = new Option<bool>("--no-peer") { Description = "Leave pgbench out." };
        var json = BenchCommand.JsonFile();
        return new Command("ledger", "Items committed per second, with simulated devices that take no time, over a private PostgreSQL.")
        {
            silos, backlog, small, seconds, lanes, batchedLanes, setting, folder, noPeer, json,
        }.Does(async (result, ct) =>
        {
            var settings = new Settings(
                result.GetValue(silos)!, result.GetValue(backlog), result.GetValue(small), result.GetValue(seconds), result.GetValue(lanes), result.GetValue(batchedLanes), !result.GetValue(noPeer));
            using var home = new BenchFolder(result.GetValue(folder));
            await using var server = await PrivatePostgres.StartAsync(Path.Combine(home.Path, "postgres"), result.GetValue(setting)!, ct);
            await RunAsync(server, settings, result.GetValue(json), ct);
            return 0;
        });
    }

    private static async Task RunAsync(PrivatePostgres server, Settings settings, string? json, CancellationToken ct)
    {
        var database = new BenchDatabase(server);
        var serverSettings = await database.SettingsAsync(ct);
        Console.WriteLine($"machine: {Machine.Describe()}");
        Console.WriteLine($"PostgreSQL: {string.Join(", ", serverSettings.Select(s => $"{s.Key}={s.Value}"))}");

        await database.MakeSmallAsync(ct);
        await using var big = await Ledgers.OpenAsync(server.Address, ct);
        await using var small = await Ledgers.OpenAsync(database.SmallAddress, ct);
        var clock = Stopwatch.StartNew();
        var experiments = new List<long> { await FillAsync(big, settings.Backlog, ct) };
        var filling = clock.Elapsed.TotalSeconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"a backlog of {settings.Backlog} items, written in {filling:F1} s"));
        if (settings.Peer)
            await database.MakePeerAsync(settings.Backlog, ct);
        Console.WriteLine($"each silo: one commit per item by {settings.Lanes} connections with claims of {Slots(false)}; batched by {settings.BatchedLanes} connections with claims and commits of {Slots(true)}");

        var rows = new List<LedgerFigures>();
        foreach (var batched in (bool[])[false, true])
        {
            foreach (var silos in settings.Silos)
            {
                // What the workers begin with, so that they are warm when the first round is measured.
                await FillAsync(small, settings.Small, ct);
                rows.Add(await MeasureAsync(server, database.SmallAddress, silos, settings.LanesOf(batched), batched, settings.Small, SmallRounds, ct));
                async IAsyncEnumerable<double> SmallRounds()
                {
                    for (var spent = Stopwatch.StartNew(); spent.Elapsed.TotalSeconds < settings.Seconds / 2.0;)
                    {
                        await FillAsync(small, settings.Small, ct);
                        yield return 60;
                    }
                }

                // Every measurement begins with the whole backlog, whatever those before it took.
                if (await WaitingAsync(big, experiments, ct) is var left && left < settings.Backlog)
                    experiments.Add(await FillAsync(big, (int)(settings.Backlog - left), ct));
                var row = await MeasureAsync(server, server.Address, silos, settings.LanesOf(batched), batched, settings.Backlog, () => Once(settings.Seconds), ct);
                if (settings.Peer)
                {
                    var script = batched ? "peer_batched.sql" : "peer_one.sql";
                    row = row with { PeerItemsPerSecond = await database.PeerAsync(script, Slots(batched), silos * settings.LanesOf(batched), Math.Max(1, settings.Seconds / 2), ct) };
                }

                rows.Add(row);
                await Console.Error.WriteLineAsync($"{silos} silos, {(batched ? "batched" : "one commit per item")}: {Text("F0", row.ItemsPerSecond)} items/s, claim p99 {Text("F1", row.ClaimP99Ms)} ms");
            }
        }

        Print(rows);
        await BenchCommand.SaveAsync(json, new { machine = Machine.Describe(), postgres = serverSettings, fillingSeconds = filling, settings.Lanes, settings.BatchedLanes, rows }, ct);
    }

    private static async IAsyncEnumerable<double> Once(double seconds)
    {
        await Task.CompletedTask;
        yield return seconds;
    }

    private static int Slots(bool batched) => batched ? 96 : 16;

    private static async Task<long> FillAsync(ILedger ledger, int items, CancellationToken ct)
    {
        var id = await ledger.SubmitAsync(new NewExperiment("bench", "{}", [new NewStage("bench", Kind, [])]), ct);
        var stage = (await ledger.StagesAsync(id, ct)).Single();
        await ledger.ExpandAsync(stage.Id, items, ct);
        return id;
    }

    private static async Task<long> WaitingAsync(ILedger ledger, List<long> experiments, CancellationToken ct)
    {
        var waiting = 0L;
        foreach (var id in experiments)
        {
            var stage = (await ledger.StagesAsync(id, ct)).Single();
            waiting += stage.Items - stage.Done - stage.Leased;
        }

        return waiting;
    }

    private static async Task<LedgerFigures> MeasureAsync(
        PrivatePostgres server, string address, int silos, int lanes, bool batched, long backlog, Func<IAsyncEnumerable<double>> rounds, CancellationToken ct)
    {
        var arguments = new List<string>
        {
            "ledger-worker", "--ledger", address, "--lanes", lanes.ToString(CultureInfo.InvariantCulture), "--slots", Slots(batched).ToString(CultureInfo.InvariantCulture),
        };
        if (batched)
            arguments.Add("--batched");
        var workers = Enumerable.Range(0, silos).Select(_ => ChildProcess.Start(arguments)).ToList();
        try
        {
            foreach (var worker in workers)
                await worker.HearAsync(ct);

            // A silo runs for days: that its code is compiled first, and then better, is not what is measured.
            await GoAsync(workers, Math.Max(WarmUpSeconds, silos * WarmUpSecondsOfEach), ct);

            var (figures, seconds, wall) = (new List<WorkerFigures>(), 0.0, 0.0);
            var (postgres, silo, busy) = (0.0, 0.0, 0.0);
            await foreach (var time in rounds())
            {
                double Silos() => workers.Sum(w => Machine.CpuSeconds(w.Pid));
                var (postgresBefore, siloBefore, busyBefore, clock) = (Machine.CpuSeconds(server.Pid), Silos(), Machine.BusySeconds(), Stopwatch.StartNew());
                var round = await GoAsync(workers, time, ct);
                wall += clock.Elapsed.TotalSeconds;
                postgres += Machine.CpuSeconds(server.Pid) - postgresBefore;
                silo += Silos() - siloBefore;
                busy += Machine.BusySeconds() - busyBefore;
                seconds += round.Max(f => f.Seconds);
                figures.AddRange(round);
            }

            var claims = figures.SelectMany(f => f.ClaimMs).ToList();
            return new LedgerFigures(
                silos, batched, backlog, figures.Sum(f => f.Items) / seconds, Quantiles.Of(claims, 0.5), Quantiles.Of(claims, 0.99),
                Quantiles.Of(figures.SelectMany(f => f.CommitMs), 0.99), postgres / wall, silo / wall, Math.Max(0, (busy - postgres - silo) / wall));
        }
        finally
        {
            workers.ForEach(w => w.Dispose());
        }
    }

    private static async Task<WorkerFigures[]> GoAsync(List<ChildProcess> workers, double seconds, CancellationToken ct)
    {
        var go = string.Create(CultureInfo.InvariantCulture, $"go {seconds}");
        await Task.WhenAll(workers.Select(w => w.SayAsync(go, ct)));
        return await Task.WhenAll(workers.Select(async w => JsonSerializer.Deserialize<WorkerFigures>(await w.HearAsync(ct))!));
    }

    private static void Print(List<LedgerFigures> rows)
    {
        var table = new TextTable(
            "commit", "silos", "backlog", "items/s", "claim p50 ms", "claim p99 ms", "commit p99 ms", "cores: PostgreSQL", "silos", "others", "pgbench items/s", "ratio");
        foreach (var r in rows)
        {
            table.Add(
                r.Batched ? "batched" : "one per item",
                r.Silos.ToString(CultureInfo.InvariantCulture),
                r.Backlog.ToString(CultureInfo.InvariantCulture),
                Text("F0", r.ItemsPerSecond),
                Text("F1", r.ClaimP50Ms),
                Text("F1", r.ClaimP99Ms),
                Text("F1", r.CommitP99Ms),
                Text("F2", r.PostgresCores),
                Text("F2", r.SiloCores),
                Text("F2", r.OtherCores),
                Text("F0", r.PeerItemsPerSecond),
                Text("F2", r.ItemsPerSecond / r.PeerItemsPerSecond));
        }

        table.Print();
    }

    private static string Text(string format, double? value) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";
}
