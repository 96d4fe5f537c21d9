// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Spec;

namespace Teravox.Grains.Campaign;

/// <summary>Reads campaign files: <c>{"name": ..., "spec": {...}, "grid": {...}, "repeats": n}</c>.</summary>
public static class CampaignFile
{
    /// <summary>Whether the file is a campaign's and not a spec's: it has a spec in it.</summary>
    /// <exception cref="InputException">Unreadable, or not a JSON object.</exception>
    public static bool IsCampaign(string path) => SpecFile.ReadObject(path).ContainsKey("spec");

    /// <summary>
    /// Reads a campaign. Paths in its spec and its grid count from its folder, paths in <paramref name="settings"/> from the
    /// current one. Fields of specs are checked when the runs are made (<see cref="CampaignGrid.Runs"/>).
    /// </summary>
    /// <param name="path">The JSON file.</param>
    /// <param name="settings">"path=value" each, laid over the spec that all runs share.</param>
    /// <exception cref="InputException">Unreadable, an unknown or missing field, or a setting of what the grid sets.</exception>
    public static NewCampaign Load(string path, IReadOnlyList<string> settings)
    {
        var root = SpecFile.ReadObject(path);
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (root["spec"] is not JsonObject spec)
            throw new InputException($"{path}: spec: missing, or not a JSON object {{...}}; see docs/spec.md.");
        SpecFile.MakeAbsolute(spec, folder);
        if (root["grid"] is JsonObject grid)
        {
            MakeAbsolute(grid, folder, path);
            foreach (var setting in settings)
                RefuseGridField(setting, grid);
        }

        foreach (var setting in settings)
            SpecFile.Set(spec, setting);
        return SpecFile.Read<NewCampaign>(root, path);
    }

    // A value of the grid is a path where a field of the spec is one.
    private static void MakeAbsolute(JsonObject grid, string folder, string where)
    {
        foreach (var (field, values) in grid.ToList())
        {
            for (var i = 0; values is JsonArray array && i < array.Count; i++)
            {
                var one = new JsonObject();
                SpecFile.SetField(one, field, array[i]?.DeepClone(), where);
                SpecFile.MakeAbsolute(one, folder);
                array[i] = SpecFile.TakeField(one, field);
            }
        }
    }

    private static void RefuseGridField(string setting, JsonObject grid)
    {
        var field = setting.Split('=')[0] + ".";
        if (grid.FirstOrDefault(g => field.StartsWith(g.Key + ".", StringComparison.Ordinal) || (g.Key + ".").StartsWith(field, StringComparison.Ordinal)).Key is { } set)
            throw new InputException($"{setting}: the campaign's grid sets {set}; a setting and a grid of the same field leave open which is meant.");
    }
}
