// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Silo.Http.Routes;

namespace Teravox.Silo.Http.Views;

/// <summary>What an experiment shows: its volumes as they come into being, each served from where it lies.</summary>
internal sealed class ExperimentVolumes(ApiServices api)
{
    /// <summary>Kind of the stages that write coarser levels.</summary>
    private const string PyramidKind = "pyramid";

    private const string Attributes = ".zattrs";

    /// <summary>What there is by now.</summary>
    public async Task<ViewsInfo> ListAsync(long id, CancellationToken ct)
    {
        await ExperimentRoutes.FindAsync(api, id, ct);
        var plan = await api.Store.PlanAsync(id, ct);

        // The stages are read before the files: what was done by then is whole.
        var stages = (await api.Experiments.DescribeAsync(id, ct))?.Stages ?? [];
        var done = stages.Where(static s => s.State == StageState.Done).Select(static s => s.Name).ToHashSet();
        var pyramids = PyramidsDone(stages);
        var views = Places(plan, id).Select(p => p.Info($"/api/v1/experiments/{id}/views/{p.Name}", p.IsAnothers || pyramids, p.Stages.All(done.Contains)));
        return new ViewsInfo
        {
            Shape = plan.Shape,
            VoxelSize = plan.VoxelSize,
            Classes = Classes(plan.Classes),
            Train = plan.Train.IsEmpty ? null : plan.Train,
            Test = plan.Test.IsEmpty ? null : plan.Test,
            Views = [.. views.OfType<ViewInfo>()],
        };
    }

    /// <summary>A file of a view's OME-Zarr.</summary>
    public async Task<IResult> FileAsync(long id, string name, string path, CancellationToken ct)
    {
        await ExperimentRoutes.FindAsync(api, id, ct);
        var plan = await api.Store.PlanAsync(id, ct);
        var place = Places(plan, id).FirstOrDefault(p => p.Name == name)
            ?? throw new ProblemException(404, $"The experiment has no view {name}; GET /api/v1/experiments/{id}/views lists them.");
        var whole = path != Attributes || place.IsAnothers || PyramidsDone((await api.Experiments.DescribeAsync(id, ct))?.Stages ?? []);
        var file = ZarrFiles.Find(place.Root, path);
        return whole ? ZarrFiles.Send(file) : TypedResults.Text(FinestAlone(await File.ReadAllTextAsync(file, ct)), "application/json");
    }

    public static IReadOnlyList<ViewClass> Classes(ClassMap? map) =>
        map is null ? [] : [.. map.Classes.Select((c, id) => new ViewClass(id, c.Name, map.ColourOf(id)))];

    // Raw that lies elsewhere is shown only while its place is open to clients.
    private IEnumerable<ViewPlace> Places(ExperimentPlan plan, long id) =>
        ViewPlace.Of(plan, api.Store.Folder(id)).Where(p => !p.IsAnothers || api.Paths.IsOpen(p.Root));

    private static bool PyramidsDone(IReadOnlyList<StageRow> stages) =>
        stages.All(static s => s.Kind != PyramidKind || s.State == StageState.Done);

    // A viewer that goes by the metadata must not take a level for whole that is being written.
    private static string FinestAlone(string attributes)
    {
        var json = JsonNode.Parse(attributes)!;
        var levels = json["multiscales"]![0]!["datasets"]!.AsArray();
        while (levels.Count > 1)
            levels.RemoveAt(levels.Count - 1);
        return json.ToJsonString(TeravoxJson.Indented);
    }
}
