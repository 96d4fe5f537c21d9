// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Spec;

namespace Teravox.Grains.Campaign;

/// <summary>
/// From a campaign to its runs: every combination of the grid's values, each repeated with other seeds. The same campaign
/// gives the same runs in the same order, so that what a crash left out can be made later.
/// </summary>
public static class CampaignGrid
{
    /// <summary>The most runs of one combination.</summary>
    public const int MostRepeats = 100;

    /// <summary>The most runs of a campaign.</summary>
    public const int MostRuns = 10_000;

    /// <summary>
    /// All runs: the grid's first field changes slowest, repeats fastest. Every spec's fields and kinds of values are checked;
    /// what needs files (<see cref="SpecCheck"/>) is not.
    /// </summary>
    /// <exception cref="InputException">The first thing that is wrong, as "campaign NAME: grid.training.foo: unknown field".</exception>
    public static IReadOnlyList<CampaignRun> Runs(NewCampaign campaign)
    {
        ArgumentNullException.ThrowIfNull(campaign);
        if (campaign.Name is null || !SpecCheck.IsName(campaign.Name))
            throw new InputException($"campaign \"{campaign.Name}\": the name must be 1..{SpecCheck.LongestName} letters, digits, '-', '_' or '.'.");
        var where = $"campaign {campaign.Name}";
        if (campaign.Grid is null || campaign.Spec.ValueKind != JsonValueKind.Object)
            throw new InputException($"{where}: spec and grid are JSON objects {{...}}; see docs/spec.md.");
        var combinations = CheckGrid(campaign, where);
        var spec = SpecFile.ParseObject(campaign.Spec.GetRawText(), where);

        var runs = new List<CampaignRun>(combinations * campaign.Repeats);
        var digits = Math.Max(3, (combinations * campaign.Repeats).ToString(CultureInfo.InvariantCulture).Length);
        for (var combination = 0; combination < combinations; combination++)
            AddRuns(runs, campaign, spec, Values(campaign.Grid, combination), digits, where);
        return runs;
    }

    /// <summary>Equal for values that mean the same: 1 and 1.0, however arrays are spaced.</summary>
    internal static object KeyOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) ? number : JsonSerializer.Serialize(value, TeravoxJson.Compact);

    /// <summary>Checks the campaign's own fields and counts the combinations.</summary>
    private static int CheckGrid(NewCampaign campaign, string where)
    {
        if (campaign.Repeats is < 1 or > MostRepeats)
            throw new InputException($"{where}: repeats: {campaign.Repeats} must be 1..{MostRepeats}.");
        long combinations = 1;
        foreach (var (field, values) in campaign.Grid)
        {
            SpecFile.CheckField(field, where, "grid.");
            if (field == "name" || (field == "seed" && campaign.Repeats > 1))
                throw new InputException($"{where}: grid.{field}: every run gets its own {field}; remove it from the grid.");
            if (campaign.Grid.Keys.FirstOrDefault(other => field.StartsWith(other + ".", StringComparison.Ordinal)) is { } outer)
                throw new InputException($"{where}: grid.{field}: lies inside grid.{outer}; give only one of them.");
            if (values is not { Count: > 0 })
                throw new InputException($"{where}: grid.{field}: has no values; give at least one.");
            combinations *= values.Count;
            if (combinations * campaign.Repeats > MostRuns)
                throw new InputException($"{where}: grid: more than {MostRuns} runs; take some values or repeats away.");
            var seen = new HashSet<object>();
            if (values.FirstOrDefault(value => !seen.Add(KeyOf(value))) is { ValueKind: not JsonValueKind.Undefined } twice)
                throw new InputException($"{where}: grid.{field}: {twice.GetRawText()} is given twice.");
        }

        return (int)combinations;
    }

    /// <summary>The values of one combination, numbered so that the last field changes fastest.</summary>
    private static Dictionary<string, JsonElement> Values(IReadOnlyDictionary<string, IReadOnlyList<JsonElement>> grid, int combination)
    {
        var picked = new List<KeyValuePair<string, JsonElement>>(grid.Count);
        foreach (var (field, values) in grid.Reverse())
        {
            picked.Add(new(field, values[combination % values.Count]));
            combination /= values.Count;
        }

        picked.Reverse();
        return new(picked, StringComparer.Ordinal);
    }

    private static void AddRuns(
        List<CampaignRun> runs, NewCampaign campaign, JsonObject spec, Dictionary<string, JsonElement> parameters, int digits, string where)
    {
        var one = (JsonObject)spec.DeepClone();
        one["name"] = campaign.Name;
        foreach (var (field, value) in parameters)
            SpecFile.SetField(one, field, JsonSerializer.SerializeToNode(value), $"{where}: grid.{field}");
        var seed = SpecFile.Read<ExperimentSpec>(one, where).Seed;
        if (seed > ulong.MaxValue - MostRepeats)
            throw new InputException($"{where}: seed: {seed} leaves no room for the repeats; choose a smaller one.");
        for (var repeat = 0; repeat < campaign.Repeats; repeat++)
        {
            var number = (runs.Count + 1).ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0');
            var room = SpecCheck.LongestName - number.Length - 1;
            var name = $"{campaign.Name[..Math.Min(campaign.Name.Length, room)]}-{number}";
            one["name"] = name;
            one["seed"] = seed + (ulong)repeat;
            runs.Add(new CampaignRun(name, seed + (ulong)repeat, one.ToJsonString(TeravoxJson.Compact), parameters));
        }
    }
}

/// <summary>One run of a campaign.</summary>
/// <param name="Name">The campaign's name, cut where it is too long, and the run's number: "lr-sweep-007".</param>
/// <param name="Seed">Its seed.</param>
/// <param name="SpecJson">Its whole spec: a JSON object with this name and seed.</param>
/// <param name="Parameters">Its combination: spec field to value, in the grid's order; the same for all repeats.</param>
public sealed record CampaignRun(string Name, ulong Seed, string SpecJson, IReadOnlyDictionary<string, JsonElement> Parameters)
{
    /// <summary>The combination as stored state keeps it.</summary>
    public string ParametersJson => JsonSerializer.Serialize(Parameters, TeravoxJson.Compact);
}
