// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Teravox.Silo.Local;

namespace Teravox.Chaos;

/// <summary>Kills, stops, restarts of the server and a wrong clock, drawn from a seed, until it is told to end.</summary>
internal sealed class Faults(ChaosOptions options, Cluster cluster)
{
    private readonly Random _random = new(options.Seed);
    private readonly SiloChild?[] _silos = new SiloChild?[options.Silos];

    // By place; what is done with a silo is decided by one loop, which sees here which ones are stopped still.
    private readonly Dictionary<int, Task> _holds = [];

    public long Kills { get; private set; }

    public long Stops { get; private set; }

    public long Restarts { get; private set; }

    public long Crashes { get; private set; }

    public long ShiftedStarts { get; private set; }

    /// <summary>The silos that are alive when it has ended.</summary>
    public IEnumerable<SiloChild> Alive => _silos.OfType<SiloChild>().Where(s => !s.HasEnded);

    /// <summary>Makes faults for the run's time and until each kind was made; then all silos and the server run.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        for (var i = 0; i < _silos.Length; i++)
            Start(i);
        await cluster.UntilAsync(() => _silos.All(s => s!.IsReady), "all silos to be ready", ct);

        var clock = Stopwatch.StartNew();
        var (kill, stop, restart) = (options.KillEvery, options.StopEvery / 2, options.RestartEvery / 2);
        try
        {
            while (clock.Elapsed < options.Time || Kills == 0 || Stops == 0 || Restarts == 0 || Crashes == 0)
            {
                ct.ThrowIfCancellationRequested();
                if (clock.Elapsed >= kill)
                {
                    kill += options.KillEvery;
                    Kill();
                }

                if (clock.Elapsed >= stop)
                {
                    stop += options.StopEvery;
                    if (Draw() is { } victim)
                        _holds[victim] = HoldAsync(_silos[victim]!, options.Ttl + TimeSpan.FromSeconds(1 + (2 * _random.NextDouble())), ct);
                }

                if (clock.Elapsed >= restart)
                {
                    restart += options.RestartEvery;
                    await RestartAsync(TimeSpan.FromSeconds(2 * _random.NextDouble()), ct);
                }

                Revive();
                await Task.Delay(50, ct);
            }
        }
        finally
        {
            await Task.WhenAll(_holds.Values);
            Revive();
        }
    }

    private void Start(int place)
    {
        // The first place's clock is wrong by up to two days, another time after each of its deaths.
        if (place > 0)
        {
            _silos[place] = cluster.StartSilo();
            return;
        }

        ShiftedStarts++;
        _silos[place] = cluster.StartSilo(ShiftedClock.Environment(TimeSpan.FromDays((4 * _random.NextDouble()) - 2)));
    }

    private void Kill()
    {
        if (Draw() is not { } victim)
            return;
        _silos[victim]!.Signal(Signals.Kill);
        Kills++;
    }

    /// <summary>A silo that looks for work and is not stopped: others are hit already, or have not begun.</summary>
    private int? Draw()
    {
        var places = Enumerable.Range(0, _silos.Length).Where(i => _silos[i]!.IsReady && !IsHeld(i)).ToArray();
        return places.Length == 0 ? null : places[_random.Next(places.Length)];
    }

    private bool IsHeld(int place) => _holds.TryGetValue(place, out var hold) && !hold.IsCompleted;

    private async Task HoldAsync(SiloChild silo, TimeSpan time, CancellationToken ct)
    {
        silo.Signal(Signals.Stop);
        Stops++;
        try
        {
            await Task.Delay(time, ct);
        }
        finally
        {
            silo.Signal(Signals.Continue);
        }
    }

    private async Task RestartAsync(TimeSpan down, CancellationToken ct)
    {
        var crash = Restarts > Crashes;
        await cluster.Server.StopAsync(crash ? Signals.Quit : Signals.Interrupt, ct);
        await Task.Delay(down, ct);
        await cluster.Server.StartAsync(ct);
        if (crash)
            Crashes++;
        else
            Restarts++;
    }

    private void Revive()
    {
        for (var i = 0; i < _silos.Length; i++)
        {
            if (_silos[i]!.HasEnded)
                Start(i);
        }
    }
}
