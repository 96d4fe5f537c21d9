// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;

namespace Teravox.Bench.Silos;

/// <summary>Tiles that take no time, through so many silos.</summary>
/// <param name="Database">Where the grains' states lie.</param>
/// <param name="Silos">Processes.</param>
/// <param name="Tiles">Tiles of the experiment.</param>
/// <param name="Seconds">From its submission to its end.</param>
/// <param name="Writes">Rows written meanwhile.</param>
/// <param name="PeakMiB">The most that a silo had resident meanwhile.</param>
/// <param name="SiloCores">Cores that the silos used.</param>
/// <param name="OtherCores">Cores that anything else used, without the server.</param>
internal sealed record SchedulingFigures(string Database, int Silos, int Tiles, double Seconds, long Writes, double PeakMiB, double SiloCores, double OtherCores)
{
    /// <summary>Tiles a second.</summary>
    public double Rate => Tiles / Seconds;

    /// <summary>Milliseconds of a core that the silos used for a tile; what other work takes of the cores hardly changes it.</summary>
    public double CpuMilliseconds => 1000 * SiloCores / Rate;

    /// <summary>Rows written for a thousand tiles.</summary>
    public double WritesPerThousand => 1000.0 * Writes / Tiles;
}

internal static class SchedulingCommand
{
    private const string Postgres = "PostgreSQL", Sqlite = "SQLite";
    private const int WarmUpTiles = 10_000, FlatAt = 4;

    public static Command Make()
    {
        var silos = new Option<int[]>("--silos") { Description = "Numbers of silos on PostgreSQL.", DefaultValueFactory = _ => [1, 4, 8], AllowMultipleArgumentsPerToken = true };
        var tiles = new Option<int[]>("--tiles") { Description = "Numbers of tiles; all but 4 silos on PostgreSQL and one on SQLite run the second alone.", DefaultValueFactory = _ => [10_000, 100_000], AllowMultipleArgumentsPerToken = true };
        var million = new Option<bool>("--million") { Description = "A million tiles, too; --million false leaves them out.", DefaultValueFactory = _ => true };
        var sqlite = new Option<bool>("--sqlite") { Description = "One embedded silo on SQLite, too; --sqlite false leaves it out.", DefaultValueFactory = _ => true };
        var json = BenchCommand.JsonFile();
        return new Command("scheduling", "Tiles a second that grains, scheduler and database carry, with devices that take no time and the sums of 8 classes.")
        {
            silos, tiles, million, sqlite, json,
        }.Does(async (result, ct) =>
        {
            var sizes = result.GetValue(tiles)!.Concat(result.GetValue(million) ? [1_000_000] : []).Distinct().Order().ToArray();
            var one = sizes.Length > 1 ? sizes[1] : sizes[0];
            Console.WriteLine($"machine: {Machine.Describe()}; tiles take no time, each sums 2 x 4096 counts; silos, server and this program share the cores");
            var rows = new List<SchedulingFigures>();
            foreach (var count in result.GetValue(silos)!)
                await OnPostgresAsync(count, count == FlatAt ? sizes : [one], rows, ct);
            if (result.GetValue(sqlite))
                await OnSqliteAsync(sizes, rows, ct);

            Print(rows);
            var targets = Targets(rows);
            Console.WriteLine();
            Target.Print(targets);
            await BenchCommand.SaveAsync(result.GetValue(json), new { machine = Machine.Describe(), rows, targets }, ct);
            BenchCommand.PrintRatio(targets);
            return 0;
        });
    }

    private static async Task OnPostgresAsync(int silos, int[] sizes, List<SchedulingFigures> rows, CancellationToken ct)
    {
        await using var cluster = await BenchCluster.StartAsync(silos, sayItems: false, ct);
        await WorkAsync(WarmUpTiles);
        foreach (var tiles in sizes)
            rows.Add(await MeasureAsync(Postgres, cluster.Database, cluster.Silos, tiles, () => WorkAsync(tiles), ct));

        async Task<double> WorkAsync(int tiles)
        {
            var work = new SimulatedWork(tiles, 0);
            var since = Stopwatch.GetTimestamp();
            var id = await work.SubmitAsync(cluster.Experiments, ct);
            var state = await cluster.Experiments.WaitForEndAsync(id, ct);
            var took = Stopwatch.GetElapsedTime(since).TotalSeconds;
            await work.CheckAsync(cluster.Grains, id, state);
            return took;
        }
    }

    private static async Task OnSqliteAsync(int[] sizes, List<SchedulingFigures> rows, CancellationToken ct)
    {
        using var home = new BenchFolder(null);
        var database = "sqlite:" + Path.Combine(home.Path, "teravox.db");
        using var silo = await SimulatedSilo.StartAsync(database, sayItems: false, ct);
        await WorkAsync(WarmUpTiles);
        foreach (var tiles in sizes)
            rows.Add(await MeasureAsync(Sqlite, database, [silo], tiles, () => WorkAsync(tiles), ct));

        async Task<double> WorkAsync(int tiles)
        {
            await silo.SayAsync(tiles.ToString(CultureInfo.InvariantCulture), ct);
            while (true)
            {
                if ((await silo.HearAsync(ct, TimeSpan.FromHours(2))).Split(' ') is [SimulatedSilo.Ran, var seconds])
                    return double.Parse(seconds, CultureInfo.InvariantCulture);
            }
        }
    }

    private static async Task<SchedulingFigures> MeasureAsync(
        string database, string address, IReadOnlyList<ChildProcess> silos, int tiles, Func<Task<double>> work, CancellationToken ct)
    {
        var writes = await DatabaseWrites.CountAsync(address, ct);
        double Silos() => silos.Sum(s => Machine.CpuSeconds(s.Pid));
        double Servers() => database == Postgres ? Machine.CpuSecondsOf("postgres") : 0;
        var (cpu, server, busy) = (Silos(), Servers(), Machine.BusySeconds());
        var working = work();
        var peak = 0.0;
        while (!working.IsCompleted)
        {
            peak = Math.Max(peak, silos.Max(s => Machine.MemoryMiB(s.Pid).Resident));
            await Task.WhenAny(working, Task.Delay(1000, ct));
        }

        var seconds = await working;
        (cpu, server, busy) = (Silos() - cpu, Servers() - server, Machine.BusySeconds() - busy);
        writes = await DatabaseWrites.CountAsync(address, ct) - writes;
        var row = new SchedulingFigures(database, silos.Count, tiles, seconds, writes, peak, cpu / seconds, Math.Max(0, (busy - cpu - server) / seconds));
        await Console.Error.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"{database}, {row.Silos} silos, {tiles} tiles: {row.Rate:F0} tiles/s, {row.WritesPerThousand:F1} writes per thousand, {peak:F0} MiB, {row.CpuMilliseconds:F2} ms of CPU a tile, cores: silos {row.SiloCores:F2}, others {row.OtherCores:F2}"));
        return row;
    }

    private static List<Target> Targets(List<SchedulingFigures> rows)
    {
        var targets = new List<Target>();
        if (rows.Where(r => r is { Database: Postgres, Silos: FlatAt }).MaxBy(r => r.Tiles) is { } four)
            targets.Add(new Target("tiles/s at 4 silos on PostgreSQL", four.Rate, 2000));
        targets.Add(new Target("writes per 1000 tiles", rows.Max(r => r.WritesPerThousand), 20, SmallIsGood: true));
        foreach (var group in rows.GroupBy(r => (r.Database, r.Silos)).Where(g => g.Count() > 1))
            targets.Add(new Target($"tiles/s of most tiles beside the fastest, {group.Key.Database}", group.MaxBy(r => r.Tiles)!.Rate / group.Max(r => r.Rate), 0.8));
        targets.Add(new Target("MiB of a silo", rows.Max(r => r.PeakMiB), 400, SmallIsGood: true));
        return targets;
    }

    private static void Print(List<SchedulingFigures> rows)
    {
        var table = new TextTable("database", "silos", "tiles", "seconds", "tiles/s", "writes per 1000", "MiB of a silo", "silos' ms of CPU a tile", "cores: silos", "others");
        foreach (var r in rows)
        {
            table.Add(
                r.Database, Text("0", r.Silos), Text("0", r.Tiles), Text("0.0", r.Seconds), Text("0", r.Rate), Text("0.0", r.WritesPerThousand), Text("0", r.PeakMiB), Text("0.00", r.CpuMilliseconds), Text("0.00", r.SiloCores), Text("0.00", r.OtherCores));
        }

        table.Print();
    }

    private static string Text(string format, double value) => value.ToString(format, CultureInfo.InvariantCulture);
}
