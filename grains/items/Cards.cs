// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Grains.Scoring;
using Teravox.Networks;

namespace Teravox.Grains;

/// <summary>Reads what model files say of themselves.</summary>
public static class Cards
{
    /// <summary>The card of a model, or null for a model without one (an imported checkpoint).</summary>
    /// <exception cref="InputException">The card is there but cannot be read.</exception>
    public static ModelCard? Read(Network network, string path)
    {
        if (network.CardJson.Length == 0)
            return null;
        try
        {
            return JsonSerializer.Deserialize<ModelCard>(network.CardJson, TeravoxJson.Compact);
        }
        catch (JsonException e)
        {
            throw new InputException($"{path}: the model's card cannot be read ({e.Message}); was it written by a newer Teravox?", e);
        }
    }

    /// <summary>
    /// The class map of the label volume that a model makes: its own classes, or rest/class for a one-output network,
    /// or "class 0", "class 1", ... for a model without a card.
    /// </summary>
    /// <exception cref="InputException">The card names another number of classes than the network has outputs.</exception>
    public static ClassMap OutputClasses(ModelCard? card, int outChannels, string path)
    {
        if (card is null)
        {
            return outChannels == 1
                ? RestAnd(new ClassEntry { Id = 1, Name = "class" })
                : new ClassMap { Classes = [.. Enumerable.Range(0, outChannels).Select(i => new ClassEntry { Id = i, Name = $"class {i}" })] };
        }

        if (card.TargetClass is { } target && target < card.Classes.Count && outChannels == 1)
            return RestAnd(card.Classes[target] with { Id = 1, Values = null, Colours = null });
        if (card.Classes.Count != outChannels)
            throw new InputException($"{path}: the model's card names {card.Classes.Count} classes, but the network has {outChannels} outputs.");
        return new ClassMap { Classes = [.. card.Classes.Select(c => c with { Values = null, Colours = null })] };
    }

    /// <summary>A threshold per output channel: the card's, or <see cref="Thresholds.Default"/>.</summary>
    public static IReadOnlyList<int> ThresholdsOf(ModelCard? card, int outChannels) =>
        card?.Thresholds is { } t && t.Count == outChannels ? t : [.. Enumerable.Repeat(Thresholds.Default, outChannels)];

    private static ClassMap RestAnd(ClassEntry one) => new() { Classes = [new ClassEntry { Id = 0, Name = "rest" }, one] };
}
