// SPDX-License-Identifier: Apache-2.0
using Orleans.Concurrency;
using Teravox.Orleans.Silos;

namespace Teravox.Orleans.Grains;

/// <summary>What the grains of all items do: the silo's desk runs the item, this tells the experiment.</summary>
[Reentrant]
[KeepAlive]
internal abstract class ItemGrain(Desk desk, ILocalSiloDetails silo) : Grain, IItemGrain
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private bool _begun;
    private bool _gone;

    /// <inheritdoc/>
    public Task<SiloAddress> BeginAsync(ItemTicket ticket)
    {
        if (!_begun)
        {
            _begun = true;
            _ = RunAsync(ticket);
        }

        return Task.FromResult(silo.SiloAddress);
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _gone = true;
        return Task.CompletedTask;
    }

    private async Task RunAsync(ItemTicket ticket)
    {
        var outcome = await Task.Run(() => desk.RunAsync(ticket));

        // The next turn may begin as soon as the experiment knows.
        _begun = false;
        var experiment = GrainFactory.GetGrain<IExperimentGrain>(ticket.ExperimentId.ToString(System.Globalization.CultureInfo.InvariantCulture));
        var pause = TimeSpan.FromMilliseconds(100);
        while (!_gone && !desk.IsClosed && !_begun)
        {
            try
            {
                await experiment.EndedAsync(ticket, outcome, silo.SiloAddress);
                break;
            }
            catch (Exception e) when (Calls.MayPass(e))
            {
                // The experiment's silo has died, say. If its grain is active anew it does not wait for this, and no harm is done.
                await Task.Delay(pause);
                pause = pause < LongestPause ? pause * 2 : pause;
            }
        }

        if (!_begun && !_gone)
            DeactivateOnIdle();
    }
}

/// <summary>A tile.</summary>
[DevicePlacement]
internal sealed class TileItem(Desk desk, ILocalSiloDetails silo) : ItemGrain(desk, silo), ITileGrain;

/// <summary>A volume or a part of one.</summary>
[DevicePlacement]
internal sealed class VolumeItem(Desk desk, ILocalSiloDetails silo) : ItemGrain(desk, silo), IVolumeGrain;

/// <summary>A step of an experiment.</summary>
[DevicePlacement]
internal sealed class StepItem(Desk desk, ILocalSiloDetails silo) : ItemGrain(desk, silo), IStepGrain;

/// <summary>From an item to its grain.</summary>
internal static class ItemGrains
{
    private static readonly HashSet<string> Volumes = new(StringComparer.Ordinal) { "import", "degrade", "enlarge", "super-resolve", "compare", "pyramid" };

    /// <summary>The grain of an item.</summary>
    public static IItemGrain Of(IGrainFactory grains, ItemTicket ticket, bool overlaps) =>
        Volumes.Contains(ticket.Kind) ? grains.GetGrain<IVolumeGrain>(ticket.Key)
        : overlaps ? grains.GetGrain<ITileGrain>(ticket.Key)
        : grains.GetGrain<IStepGrain>(ticket.Key);
}
