// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Teravox.Grains;
using Teravox.Grains.Ledger;

namespace Teravox.Silo;

/// <summary>
/// Claims what devices have room for, and never an item that would wait behind another: an idle device takes one item of
/// any kind, one that runs overlapping items takes more of those up to its slots, and one that an item has to itself takes
/// nothing.
/// <para>
/// Overlapping items alone would never leave the device idle while there are any, so an item that needs it whole could
/// wait for ever, however early its turn is. When such a stage is first in the ledger's order for two looks, nothing more
/// overlaps until the device is idle.
/// </para>
/// </summary>
internal sealed class Claimer
{
    private readonly ILedger _ledger;
    private readonly IReadOnlyDictionary<string, IWorkGrain> _grains;
    private readonly SiloOptions _options;
    private readonly SiloEntry _entry;
    private readonly string[] _kinds;
    private readonly string[] _overlapping;
    private readonly TimeSpan _lookEvery;
    private IReadOnlyList<StageRow> _waiting = [];
    private HashSet<long> _waitedBefore = [];
    private long _looked = LeaseClock.Now;

    public Claimer(ILedger ledger, IReadOnlyDictionary<string, IWorkGrain> grains, SiloOptions options)
    {
        _ledger = ledger;
        _grains = grains;
        _options = options;
        _entry = options.Entry(null, [.. grains.Keys]);
        _kinds = [.. grains.Keys];
        _overlapping = [.. grains.Values.Where(grain => grain.Overlaps).Select(grain => grain.Kind)];
        _lookEvery = Jitter.Around(2 * options.Poll);
    }

    /// <summary>
    /// Claims for a device and hands each lease to <paramref name="start"/>, with when its request was sent. True when
    /// there was not enough to fill the device.
    /// </summary>
    public async Task<bool> ClaimAsync(DeviceSlots slots, long? only, Func<WorkLease, long, Task> start, CancellationToken stop)
    {
        if (stop.IsCancellationRequested)
        {
            return false;
        }

        if (slots.IsIdle && await ClaimAsync(slots, 1, _kinds, only, start) == 0)
        {
            return true;
        }

        var room = slots.Room;
        if (room == 0 || _overlapping.Length == 0 || stop.IsCancellationRequested || await WholeDeviceIsFirstAsync(slots.Device, only))
        {
            return false;
        }

        return await ClaimAsync(slots, room, _overlapping, only, start) < room;
    }

    private async Task<int> ClaimAsync(DeviceSlots slots, int most, string[] kinds, long? only, Func<WorkLease, long, Task> start)
    {
        var device = slots.Device;
        var request = new ClaimRequest(
            _options.Name, most, _options.Ttl, device.HasGpu, device.MemoryBytes, _options.Tags, kinds, only);
        var sent = LeaseClock.Now;

        // Not cancelled by a stop: rows that were leased already would be stranded until they lapse.
        var leases = await _ledger.ClaimAsync(request, CancellationToken.None);
        foreach (var lease in leases)
        {
            await start(lease, sent);
        }

        return leases.Count;
    }

    private async Task<bool> WholeDeviceIsFirstAsync(SiloDevice device, long? only)
    {
        if (_overlapping.Length == _kinds.Length)
        {
            return false;
        }

        if (Stopwatch.GetElapsedTime(_looked) > _lookEvery)
        {
            _waitedBefore = [.. _waiting.Select(stage => stage.Id)];
            _waiting = await _ledger.WaitingStagesAsync(CancellationToken.None);
            _looked = LeaseClock.Now;
        }

        var first = _waiting.FirstOrDefault(stage =>
            (only is null || stage.ExperimentId == only) && Fitting.Fits(stage.Kind, stage.Needs, _entry, device.Info));
        return first is not null && !_grains[first.Kind].Overlaps && _waitedBefore.Contains(first.Id);
    }
}
