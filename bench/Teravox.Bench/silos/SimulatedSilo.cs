// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Grains.Catalog;
using Teravox.Silo;
using Teravox.Silo.Cluster;
using Teravox.Silo.Devices;
using Teravox.Silo.Http;
using Teravox.Silo.Local;

namespace Teravox.Bench.Silos;

/// <summary>
/// A silo in a process of its own: a real one, with a device that only waits. On PostgreSQL it is one of a cluster, and says of
/// each item when it begins and when it is done, by the machine's monotonic clock, where it is asked to. On SQLite it is alone, and
/// runs as many items as each line of its standard input says.
/// </summary>
internal static class SimulatedSilo
{
    public const string Started = "started", Done = "done", Stopped = "stopped", Ran = "ran";

    public static Command Make()
    {
        var database = new Option<string>("--database") { Required = true };
        var items = new Option<bool>("--say-items");
        return new Command("simulated-silo", "A silo whose device waits; started by the benches.") { database, items }.Does(async (result, ct) =>
        {
            var lines = EndWithParent.Lines();
            var address = result.GetRequiredValue(database);
            await using var catalog = await Catalogs.OpenAsync(address, ct);
            var options = new DeviceOptions(DeviceOptions.NewName(), [new Device("cpu", Device.OverlapSlots, 1)]);
            var setup = new SiloSetup(catalog, _ => throw new InputException("simulated items have no folder"), options)
            {
                Kinds = SimulatedWork.Kinds,
                Planner = new SimulatedPlanner(),
            };
            if (result.GetValue(items))
                setup.Events.Happened += SayItem;
            if (Catalogs.SqliteFile(address) is null)
            {
                setup = setup with { Database = address, Address = new IPEndPoint(IPAddress.Loopback, LoopbackPorts.Free(2)) };
                await SiloProgram.RunAsync(setup, new HttpOptions { Urls = [], Store = Path.GetTempPath() }, Say, ct, CancellationToken.None);
                return 0;
            }

            await using var silo = await LocalSilo.StartAsync(setup, text => Say("orleans", text), ct);
            Say("ready", "");
            await foreach (var line in lines.ReadAllAsync(ct))
            {
                var work = new SimulatedWork(int.Parse(line, CultureInfo.InvariantCulture), 0);
                var since = Stopwatch.GetTimestamp();
                var id = await work.SubmitAsync(silo.Experiments, ct);
                var state = await silo.RunToEndAsync(id, ct);
                var took = Stopwatch.GetElapsedTime(since).TotalSeconds;
                await work.CheckAsync(silo.Grains, id, state);
                Say(Ran, took.ToString("R", CultureInfo.InvariantCulture));
            }

            return 0;
        });
    }

    /// <summary>Starts one and waits until it is ready.</summary>
    public static async Task<ChildProcess> StartAsync(string database, bool sayItems, CancellationToken ct)
    {
        var silo = ChildProcess.Start(["simulated-silo", "--database", database, .. sayItems ? ["--say-items"] : Array.Empty<string>()]);
        try
        {
            while (!(await silo.HearAsync(ct)).StartsWith("ready ", StringComparison.Ordinal))
            {
                // What it says before is for people.
            }

            return silo;
        }
        catch
        {
            silo.Dispose();
            throw;
        }
    }

    /// <summary>What a silo said of an item, or null for its other lines.</summary>
    public static (string What, int Index, long At)? ParseItem(string line) => line.Split(' ') is [Started or Done or Stopped, var index, var at] parts
        ? (parts[0], int.Parse(index, CultureInfo.InvariantCulture), long.Parse(at, CultureInfo.InvariantCulture))
        : null;

    private static void SayItem(WorkEvent what)
    {
        if (what is ItemStarted started)
            SayItem(Started, started.Index);
        if (what is ItemDone done)
            SayItem(Done, done.Index);
        if (what is ItemStopped stopped)
            SayItem(Stopped, stopped.Index);
    }

    private static void SayItem(string what, int index) => Say(what, string.Create(CultureInfo.InvariantCulture, $"{index} {Stopwatch.GetTimestamp()}"));

    private static void Say(string kind, string text)
    {
        Console.WriteLine($"{kind} {text}");
        if (kind is "orleans" or "waiting" or "rejoining")
            Console.Error.WriteLine($"silo {Environment.ProcessId} {kind}: {text}");
    }
}
