// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Text.Json;
using Orleans.Placement;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Orleans.Runtime.Placement;
using Teravox.Contracts;
using Teravox.Grains.Ledger;
using Teravox.Silo;

namespace Teravox.Orleans.Silos;

/// <summary>Grains that are placed only where the silo's metadata offers what their item needs.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class DevicePlacementAttribute() : PlacementFilterAttribute(new DevicePlacement());

/// <summary>See <see cref="DevicePlacementAttribute"/>.</summary>
internal sealed class DevicePlacement() : PlacementFilterStrategy(order: 0);

/// <summary>Leaves the silos that fit the item whose call asks for the placement; without such a call, none.</summary>
internal sealed class DevicePlacementFilter(SiloDirectory silos) : IPlacementFilterDirector
{
    private const string Needs = "teravox.needs";

    /// <summary>The calls that follow in this flow place the item's grain, if they place it, on this silo.</summary>
    public static void Ask(ItemTicket ticket, SiloAddress silo)
    {
        RequestContext.Set(IPlacementDirector.PlacementHintKey, silo);
        RequestContext.Set(Needs, JsonSerializer.Serialize(new Asked(ticket.Kind, ticket.Needs), TeravoxJson.Compact));
    }

    public IEnumerable<SiloAddress> Filter(PlacementFilterStrategy filterStrategy, PlacementTarget target, IEnumerable<SiloAddress> silos1)
    {
        if (target.RequestContextData?.GetValueOrDefault(Needs) is not string text)
            return [];
        var asked = JsonSerializer.Deserialize<Asked>(text, TeravoxJson.Compact)!;
        return silos1.Where(silo => silos.Find(silo) is { } entry && Fitting.Fits(asked.Kind, asked.Needs, entry));
    }

    private sealed record Asked(string Kind, WorkNeeds Needs);
}

/// <summary>What the cluster's silos have, by their metadata.</summary>
internal sealed class SiloDirectory(ISiloMetadataCache cache)
{
    private const string Key = "teravox";
    private readonly ConcurrentDictionary<SiloAddress, SiloEntry> _known = [];

    /// <summary>A silo's metadata.</summary>
    public static Dictionary<string, string> Metadata(SiloEntry entry) => new() { [Key] = JsonSerializer.Serialize(entry, TeravoxJson.Compact) };

    /// <summary>What a silo has; null when that is not known yet.</summary>
    public SiloEntry? Find(SiloAddress silo)
    {
        if (_known.TryGetValue(silo, out var known))
            return known;
        return cache.GetSiloMetadata(silo).Metadata.TryGetValue(Key, out var text)
            ? _known.GetOrAdd(silo, JsonSerializer.Deserialize<SiloEntry>(text, TeravoxJson.Compact)!)
            : null;
    }

    /// <summary>Forgets silos that are no more.</summary>
    public void Forget(Func<SiloAddress, bool> isGone)
    {
        foreach (var silo in _known.Keys.Where(isGone))
            _known.TryRemove(silo, out _);
    }
}
