// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Teravox.Contracts;
using Teravox.Grains.Ledger;

namespace Teravox.Silo;

/// <summary>
/// Keeps a silo in the cluster's roster: signs it on, beats, signs it off at the end. And looks now and then for work that
/// no silo of the cluster can run, which would wait in silence. A ledger that does not answer ends nothing here.
/// </summary>
public sealed class Presence
{
    /// <summary>Longest time between two beats, less up to a fifth at random.</summary>
    public static readonly TimeSpan Beat = TimeSpan.FromSeconds(5);

    /// <summary>A silo that is silent for longer is not counted on: three beats.</summary>
    public static readonly TimeSpan AliveFor = 3 * Beat;

    /// <summary>A silo that is silent for longer is removed from the roster.</summary>
    public static readonly TimeSpan Forget = TimeSpan.FromHours(1);

    private readonly ILedger _ledger;
    private readonly ISilo _silo;
    private readonly SiloEntry _entry;
    private bool _signedOn;
    private long _looked = LeaseClock.Now;

    /// <summary>Of a silo whose HTTP face listens at <paramref name="url"/>, or that has none.</summary>
    public Presence(ILedger ledger, SiloHost silo, string? url)
        : this(ledger, (ISilo)silo, url)
    {
    }

    internal Presence(ILedger ledger, ISilo silo, string? url)
    {
        ArgumentNullException.ThrowIfNull(silo);
        _ledger = ledger;
        _silo = silo;
        _entry = silo.Entry(url);
    }

    /// <summary>Longest time between two beats of this silo, <see cref="Beat"/> or less.</summary>
    public TimeSpan BeatEvery { get; init; } = Beat;

    /// <summary>Longest time between two looks for work that no silo can run, less up to a fifth at random. Default 15 s.</summary>
    public TimeSpan LookEvery { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Whether a silo counts as alive.</summary>
    public static bool IsAlive(SiloRow silo)
    {
        ArgumentNullException.ThrowIfNull(silo);
        return silo.Silent <= AliveFor;
    }

    /// <summary>Beats until <paramref name="leave"/>, then signs off.</summary>
    /// <param name="stop">When the silo begins to drain: said at once.</param>
    /// <param name="leave">When it has ended.</param>
    public async Task RunAsync(CancellationToken stop, CancellationToken leave)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, leave);
        while (!leave.IsCancellationRequested)
        {
            var draining = stop.IsCancellationRequested;
            var answered = await TryAsync(() => BeatAsync(draining));
            var pause = Task.Delay(Jitter.Below(answered ? BeatEvery : BeatEvery / 5), draining ? leave : either.Token);
            await pause.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await TryAsync(() => _ledger.SignOffAsync(_entry.Name, CancellationToken.None));
    }

    private async Task BeatAsync(bool draining)
    {
        if (!_signedOn)
        {
            await _ledger.SignOnAsync(_entry, CancellationToken.None);
            _signedOn = true;
        }

        if (!await _ledger.BeatAsync(_entry.Name, _silo.Status with { Draining = draining }, CancellationToken.None))
        {
            await _ledger.SignOnAsync(_entry, CancellationToken.None);
        }

        if (!draining && Stopwatch.GetElapsedTime(_looked) > Jitter.Below(LookEvery))
        {
            await LookForStrandedWorkAsync();
            _looked = LeaseClock.Now;
        }
    }

    private async Task LookForStrandedWorkAsync()
    {
        var roster = await _ledger.SilosAsync(Forget, CancellationToken.None);
        var silos = roster.Where(silo => IsAlive(silo) && !silo.Status.Draining).Select(silo => silo.Entry).ToList();
        var waiting = await _ledger.WaitingStagesAsync(CancellationToken.None);
        var ready = await _ledger.ReadyStagesAsync(CancellationToken.None);
        foreach (var stage in waiting.Concat(ready))
        {
            var why = Fitting.WhyNot(stage.Kind, stage.Needs, silos);
            if (why != stage.Blocked && await _ledger.BlockAsync(stage.Id, why, CancellationToken.None))
            {
                _silo.Emit(new StageBlocked(stage.ExperimentId, stage.Name, why));
            }
        }
    }

    private async Task<bool> TryAsync(Func<Task> write)
    {
        try
        {
            await write();
            return true;
        }
        catch (Exception e) when (e is LedgerUnavailableException or InputException)
        {
            _silo.Emit(new LedgerSilent(e.Message));
            return false;
        }
    }
}
