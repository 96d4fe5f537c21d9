// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Silo;

namespace Teravox.Orleans.Silos;

/// <summary>
/// A silo's devices: items wait here for a place, in the ledger's order, and run at most as many at a time as the device has
/// slots. An item is claimed only when it has a place, so no lease waits. An item that needs an idle device keeps those behind
/// it from overlapping there.
/// </summary>
internal sealed class Desk
{
    private readonly ILedger _ledger;
    private readonly Dictionary<string, IWorkGrain> _grains;
    private readonly SiloOptions _options;
    private readonly SiloEntry _entry;
    private readonly DeviceSlots[] _devices;
    private readonly Lock _lock = new();
    private readonly SortedSet<Waiting> _line = new(Waiting.InOrder);
    private readonly TaskCompletionSource _faulted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _arrivals;
    private bool _closed;

    public Desk(ILedger ledger, IReadOnlyList<IWorkGrain> grains, SiloOptions options, Action<SiloEvent> emit)
    {
        _ledger = ledger;
        _grains = grains.ToDictionary(grain => grain.Kind, StringComparer.Ordinal);
        _options = options;
        _entry = options.Entry(null, [.. _grains.Keys]);
        _devices = [.. options.Devices.Select(device => new DeviceSlots(device))];
        Runs = new SiloRuns(ledger, options, emit, Seat);
    }

    /// <summary>What runs.</summary>
    public SiloRuns Runs { get; }

    /// <summary>What the silo says of itself.</summary>
    public SiloEntry Entry => _entry;

    /// <summary>The kinds of items that can be run here.</summary>
    public IReadOnlyCollection<string> Kinds => _grains.Keys;

    /// <summary>True when no more items are taken.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_lock)
                return _closed;
        }
    }

    /// <summary>Completes when no more items can be run: the ledger is unusable, or this code is wrong.</summary>
    public Task Faulted => _faulted.Task;

    /// <summary>Whether several items of this kind run on a device at a time.</summary>
    public bool Overlaps(string kind) => _grains.TryGetValue(kind, out var grain) && grain.Overlaps;

    /// <summary>Runs an item when its turn comes.</summary>
    public async Task<ItemOutcome> RunAsync(ItemTicket ticket)
    {
        if (!_grains.TryGetValue(ticket.Kind, out var grain) || !_devices.Any(device => Fits(device, ticket)))
            return ItemOutcome.Closed;
        if (await EnterAsync(ticket, grain.Overlaps) is not { } device)
            return ItemOutcome.Closed;
        var sent = LeaseClock.Now;
        var (lease, outcome) = await ClaimAsync(ticket, device.Device);
        if (lease is null)
        {
            Leave(device, grain.Overlaps);
            return outcome;
        }

        outcome = await Runs.Start(grain, lease, device, sent) ? ItemOutcome.Committed : ItemOutcome.Ended;
        if (Runs.Fault is not null)
            _faulted.TrySetResult();
        return outcome;
    }

    /// <summary>No more can be run; the first fault stands.</summary>
    public void Fail(Exception fault)
    {
        Runs.Fail(fault);
        _faulted.TrySetResult();
    }

    /// <summary>Takes no more items; those that wait are told so.</summary>
    public void Close()
    {
        List<Waiting> waiting;
        lock (_lock)
        {
            _closed = true;
            waiting = [.. _line];
            _line.Clear();
        }

        waiting.ForEach(w => w.Seated.SetResult(null));
    }

    private async Task<(WorkLease? Lease, ItemOutcome Otherwise)> ClaimAsync(ItemTicket ticket, SiloDevice device)
    {
        var request = new ClaimRequest(_options.Name, 1, _options.Ttl, device.HasGpu, device.MemoryBytes, _options.Tags, [ticket.Kind], ticket.ExperimentId) { Item = ticket.Place };
        try
        {
            return ((await _ledger.ClaimAsync(request, CancellationToken.None)).SingleOrDefault(), ItemOutcome.Gone);
        }
        catch (LedgerUnavailableException e)
        {
            // If it was given out after all, the lease lapses.
            Runs.Emit(new LedgerSilent(e.Message));
            return (null, ItemOutcome.NotNow);
        }
        catch (Exception e)
        {
            Fail(e);
            return (null, ItemOutcome.Closed);
        }
    }

    private Task<DeviceSlots?> EnterAsync(ItemTicket ticket, bool overlaps)
    {
        Waiting waiting;
        lock (_lock)
        {
            if (_closed)
                return Task.FromResult<DeviceSlots?>(null);
            waiting = new Waiting(ticket, overlaps, _arrivals++);
            _line.Add(waiting);
        }

        Seat();
        return waiting.Seated.Task;
    }

    private void Leave(DeviceSlots device, bool overlaps)
    {
        device.Free(overlaps);
        Seat();
    }

    /// <summary>Gives out the places that are free.</summary>
    private void Seat()
    {
        List<(Waiting Who, DeviceSlots Where)> seated = [];
        lock (_lock)
        {
            var kept = new HashSet<DeviceSlots>();
            foreach (var waiting in _line)
            {
                var fitting = _devices.Where(device => !kept.Contains(device) && Fits(device, waiting.Ticket)).ToList();
                if (fitting.Find(device => waiting.Overlaps ? device.Room > 0 : device.IsIdle) is { } free)
                {
                    free.Take(waiting.Overlaps);
                    seated.Add((waiting, free));
                }
                else
                {
                    // Full, or kept for an item that needs it idle.
                    kept.UnionWith(fitting);
                    if (kept.Count == _devices.Length)
                        break;
                }
            }

            seated.ForEach(s => _line.Remove(s.Who));
        }

        seated.ForEach(s => s.Who.Seated.SetResult(s.Where));
    }

    private bool Fits(DeviceSlots device, ItemTicket ticket) => Fitting.Fits(ticket.Kind, ticket.Needs, _entry, device.Device.Info);

    private sealed class Waiting(ItemTicket ticket, bool overlaps, long arrival)
    {
        public static IComparer<Waiting> InOrder { get; } = Comparer<Waiting>.Create((a, b) =>
            (a.Ticket.Priority, a.Ticket.ExperimentId, a.Ticket.StageId, a.Ticket.Index, a.Arrival)
            .CompareTo((b.Ticket.Priority, b.Ticket.ExperimentId, b.Ticket.StageId, b.Ticket.Index, b.Arrival)));

        public ItemTicket Ticket => ticket;

        public bool Overlaps => overlaps;

        public TaskCompletionSource<DeviceSlots?> Seated { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        private long Arrival => arrival;
    }
}
