// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;
using Teravox.Orleans.Silos;
using Teravox.Silo;

namespace Teravox.Orleans.Grains;

/// <summary>
/// Where an experiment's items are, and which silo the next one goes to: the one with the most room, and none with more
/// items of this experiment than its devices have slots. Used by one turn of a grain at a time.
/// </summary>
internal sealed class Placements(SiloDirectory directory, Func<string, bool> overlaps)
{
    private readonly Dictionary<ItemPlace, (ItemTicket Ticket, SiloAddress Silo)> _placed = [];
    private readonly HashSet<SiloAddress> _closed = [];
    private IReadOnlyList<SiloAddress> _silos = [];

    /// <summary>Number of items that are placed.</summary>
    public int Count => _placed.Count;

    /// <summary>The items that are placed.</summary>
    public IEnumerable<(ItemTicket Ticket, SiloAddress Silo)> All => _placed.Values;

    public bool Contains(ItemPlace place) => _placed.ContainsKey(place);

    public void Add(ItemTicket ticket, SiloAddress silo) => _placed[ticket.Place] = (ticket, silo);

    /// <summary>The item turned out to be on another silo than was asked for.</summary>
    public void Move(ItemTicket ticket, SiloAddress silo)
    {
        if (_placed.ContainsKey(ticket.Place))
            Add(ticket, silo);
    }

    public bool Remove(ItemPlace place) => _placed.Remove(place);

    /// <summary>A silo takes no more items.</summary>
    public void Close(SiloAddress silo) => _closed.Add(silo);

    /// <summary>The cluster's silos have changed. True when items were on one that is dead.</summary>
    public bool Update(ClusterMembershipSnapshot cluster)
    {
        _silos = [.. cluster.Members.Values.Where(m => m.Status == SiloStatus.Active).Select(m => m.SiloAddress)];
        _closed.IntersectWith(_silos);
        directory.Forget(silo => cluster.GetSiloStatus(silo) is SiloStatus.Dead or SiloStatus.None);
        var lost = _placed.Values.Where(p => cluster.GetSiloStatus(p.Silo) is SiloStatus.Dead or SiloStatus.None).Select(p => p.Ticket.Place).ToList();
        lost.ForEach(place => Remove(place));
        return lost.Count > 0;
    }

    /// <summary>Whether any silo of now fits the item, full or not.</summary>
    public bool AnyFits(WaitingItem item) => _silos.Any(silo => directory.Find(silo) is { } entry && Fitting.Fits(item.Kind, item.Needs, entry));

    /// <summary>The silo that the item goes to; null when those that fit are full.</summary>
    public SiloAddress? Choose(WaitingItem item)
    {
        SiloAddress? best = null;
        var most = 0;
        foreach (var silo in _silos.Where(s => !_closed.Contains(s)))
        {
            if (directory.Find(silo) is { } entry && Room(silo, entry, item) is var room && room > most)
                (best, most) = (silo, room);
        }

        return best;
    }

    private int Room(SiloAddress silo, SiloEntry entry, WaitingItem item)
    {
        var fitting = entry.Devices.Where(device => Fitting.Fits(item.Kind, item.Needs, entry, device)).ToList();
        if (fitting.Count == 0)
            return 0;

        // An item that has a device to itself takes all of its slots.
        var whole = fitting.Max(device => device.Slots);
        var taken = _placed.Values.Where(p => p.Silo.Equals(silo)).Sum(p => overlaps(p.Ticket.Kind) ? 1 : whole);
        var room = fitting.Sum(device => device.Slots) - taken;
        return overlaps(item.Kind) || room >= whole ? room : 0;
    }
}
