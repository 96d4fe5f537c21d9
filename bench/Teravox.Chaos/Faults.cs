// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Teravox.Silo.Local;

namespace Teravox.Chaos;

/// <summary>Kills, stops, cuts, restarts of the server and a wrong clock, drawn from a seed, until it is told to end.</summary>
internal sealed class Faults
{
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(15), LongestRest = TimeSpan.FromSeconds(30);
    private readonly ChaosOptions _options;
    private readonly Cluster _cluster;
    private readonly Random _random;
    private readonly SiloChild?[] _silos;

    // By place; what is done with a silo is decided by one loop, which sees here which ones are held.
    private readonly Dictionary<int, Task> _holds = [];

    public Faults(ChaosOptions options, Cluster cluster)
    {
        (_options, _cluster, _random) = (options, cluster, new Random(options.Seed));
        _silos = new SiloChild?[options.Silos];
    }

    /// <summary>How often each kind of fault was made.</summary>
    public SortedDictionary<string, long> Made { get; } = new(StringComparer.Ordinal);

    /// <summary>The silos that are alive when it has ended.</summary>
    public IEnumerable<SiloChild> Alive => _silos.OfType<SiloChild>().Where(s => !s.HasEnded);

    private int ItemsDone => _cluster.Silos.Sum(s => s.Lines.Count(l => l.Kind == "committed"));

    /// <summary>Makes faults for the run's time and until each kind was made; then all silos and the server run.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        for (var i = 0; i < _silos.Length; i++)
            Start(i);
        await _cluster.UntilAsync(() => _silos.All(s => s!.IsReady), "all silos to be ready", ct);

        var clock = Stopwatch.StartNew();
        var kinds = Kinds(ct);
        var due = kinds.Select(k => k.Every / 2).ToArray();
        var (said, burstEnd, restItems) = (TimeSpan.Zero, _options.Burst, 0);
        try
        {
            while (clock.Elapsed < _options.Time || kinds.Any(k => k.Names.Any(name => !Made.ContainsKey(name))))
            {
                ct.ThrowIfCancellationRequested();

                // Faults come in bursts. After each one the silos get some work done, else all faults would hit silos that only start.
                if (clock.Elapsed > burstEnd && restItems == 0)
                    restItems = ItemsDone + _options.ItemsBetweenBursts;
                if (restItems > 0 && (ItemsDone >= restItems || clock.Elapsed > burstEnd + LongestRest))
                    (burstEnd, restItems) = (clock.Elapsed + _options.Burst, 0);
                for (var i = 0; i < kinds.Length && restItems == 0; i++)
                {
                    if (clock.Elapsed < due[i] || !await kinds[i].MakeAsync())
                        continue;
                    due[i] = clock.Elapsed + kinds[i].Every;
                }

                Revive();
                if (clock.Elapsed - said > TellEvery)
                {
                    said = clock.Elapsed;
                    _options.Say($"{string.Join(", ", Made.Select(m => $"{m.Key} {m.Value}"))}; {Ready.Length} silos ready, {ItemsDone} items done");
                }

                await Task.Delay(50, ct);
            }
        }
        finally
        {
            await Task.WhenAll(_holds.Values);
            Revive();
        }
    }

    private (TimeSpan Every, string[] Names, Func<Task<bool>> MakeAsync)[] Kinds(CancellationToken ct)
    {
        const string kill = "kill -9", stop = "SIGSTOP", stall = "database stalled", broken = "database cut", off = "silo cut off", orderly = "server restarted", crash = "server crashed";
        List<(TimeSpan, string[], Func<Task<bool>>)> kinds =
        [
            (_options.KillEvery, [kill], () => Task.FromResult(Kill(kill))),
            (_options.StopEvery, [stop], () => Task.FromResult(With(place => HoldAsync(stop, () => Done(() => _silos[place]!.Signal(Signals.Stop)), () => Done(() => _silos[place]!.Signal(Signals.Continue)), ct)))),
            (_options.CutDatabaseEvery, [stall, broken], () => Task.FromResult(With(place => Made.GetValueOrDefault(stall) > Made.GetValueOrDefault(broken)
                ? HoldAsync(broken, () => Done(_cluster.Proxies[place].Cut), () => Done(_cluster.Proxies[place].Restore), ct)
                : HoldAsync(stall, () => Done(_cluster.Proxies[place].Stall), () => Done(_cluster.Proxies[place].Restore), ct)))),
            (_options.RestartEvery, [orderly, crash], () => RestartAsync(orderly, crash, ct)),
        ];
        if (_cluster.Network is { } network)
            kinds.Add((_options.CutSiloEvery, [off], () => Task.FromResult(With(place => HoldAsync(off, () => network.CutAsync(place, CancellationToken.None), () => network.RestoreAsync(place, CancellationToken.None), ct)))));
        return [.. kinds];
    }

    // Where silos start slowly, killing each as it gets ready would try nothing else; one time in five the last one goes, too.
    private bool Kill(string name) => (Ready.Length > 1 || _random.Next(5) == 0) && With(place =>
    {
        Count(name);
        _silos[place]!.Signal(Signals.Kill);
        return null;
    });

    private static Task Done(Action action)
    {
        action();
        return Task.CompletedTask;
    }

    private void Count(string name) => Made[name] = Made.GetValueOrDefault(name) + 1;

    private void Start(int place)
    {
        // The first place's clock is wrong, another time after each of its deaths: up to two days fast, or most of the day slow that
        // certificates allow for.
        if (place > 0)
        {
            _silos[place] = _cluster.StartSilo(place);
            return;
        }

        Count("wrong clock");
        _silos[place] = _cluster.StartSilo(place, ShiftedClock.Environment(TimeSpan.FromHours((68 * _random.NextDouble()) - 20)));
    }

    /// <summary>Does something to a silo that works and is not held; others are hit already, or have not begun. False when there is none.</summary>
    private bool With(Func<int, Task?> make)
    {
        if (Ready is not { Length: > 0 } places)
            return false;
        var place = places[_random.Next(places.Length)];
        if (make(place) is { } hold)
            _holds[place] = hold;
        return true;
    }

    private int[] Ready => [.. Enumerable.Range(0, _silos.Length).Where(i => _silos[i]!.IsReady && !IsHeld(i))];

    private bool IsHeld(int place) => _holds.TryGetValue(place, out var hold) && !hold.IsCompleted;

    private async Task HoldAsync(string name, Func<Task> begin, Func<Task> end, CancellationToken ct)
    {
        Count(name);
        var time = _options.Absence + TimeSpan.FromSeconds(4 * _random.NextDouble());
        await begin();
        try
        {
            await Task.Delay(time, ct);
        }
        finally
        {
            await end();
        }
    }

    private async Task<bool> RestartAsync(string orderly, string crash, CancellationToken ct)
    {
        var name = Made.GetValueOrDefault(orderly) > Made.GetValueOrDefault(crash) ? crash : orderly;
        var down = TimeSpan.FromSeconds(2 * _random.NextDouble());
        await _cluster.Server.StopAsync(name == crash ? Signals.Quit : Signals.Interrupt, ct);
        await Task.Delay(down, ct);
        await _cluster.Server.StartAsync(ct);
        Count(name);
        return true;
    }

    private void Revive()
    {
        for (var i = 0; i < _silos.Length; i++)
        {
            if (_silos[i]!.HasEnded && !IsHeld(i))
                Start(i);
        }
    }
}
