// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains;
using Teravox.Grains.Scoring;
using Teravox.Silo.Http.Views;
using Teravox.Silo.Http.Volumes;

namespace Teravox.Silo.Http.Routes;

/// <summary>What people look at while an experiment runs and after: volumes as OME-Zarr, counts by grey level, losses.</summary>
internal static class ViewRoutes
{
    private const int MostLosses = 2000;

    public static void Map(RouteGroupBuilder group, ApiServices api)
    {
        var ofExperiments = new ExperimentVolumes(api);
        var ofVolumes = new CatalogVolumes(api, new VolumeCatalog(api));
        var experiments = group.MapGroup("/experiments/{id:long}").WithTags("views");
        var volumes = group.MapGroup("/volumes/{name}/views").WithTags("views");

        experiments.MapGet("/views", async (long id, CancellationToken ct) => TypedResults.Ok(await ofExperiments.ListAsync(id, ct)))
            .Doc("What there is to look at by now: raw, truth, labels, probabilities, other resolutions.", ApiRole.Reader, 404);

        experiments.MapGet("/views/{name}/{**path}", (long id, string name, string path, CancellationToken ct) => ofExperiments.FileAsync(id, name, path, ct))
            .Doc("A file of a view's OME-Zarr; ranges are honoured. A chunk that was not written is 404.", ApiRole.Reader, 404)
            .ProducesFile("application/octet-stream", "application/json");

        volumes.MapGet("", async (string name, CancellationToken ct) => TypedResults.Ok(await ofVolumes.ListAsync(name, ct)))
            .Doc("What there is to look at of a volume: raw, and labels where it has a class map.", ApiRole.Reader, 404, 422);

        volumes.MapGet("/{view}/{**path}", (string name, string view, string path, CancellationToken ct) => ofVolumes.FileAsync(name, view, path, ct))
            .Doc("A file of a view's OME-Zarr; images are served as one of one level. Ranges are honoured.", ApiRole.Reader, 404, 422)
            .ProducesFile("application/octet-stream", "application/json");

        experiments.MapGet("/counts/{prediction}", async (long id, string prediction, CancellationToken ct) =>
        {
            await ExperimentRoutes.FindAsync(api, id, ct);
            var counts = await LiveCounts.ReadAsync(api.Store, id, prediction, ct);
            return counts.Count > 0
                ? TypedResults.Ok(new CountsInfo([.. counts.Select(static c => new ClassCounts(c.Id, Split(c.Train), Split(c.Test)))]))
                : throw new ProblemException(404, $"Nothing is counted of a prediction {prediction}; there is when its first tile is done, where there are labels.");
        })
            .Doc("Voxels of each class by grey level of its output, as far as they are counted.", ApiRole.Reader, 404);

        experiments.MapGet("/losses", async (long id, CancellationToken ct) =>
        {
            await ExperimentRoutes.FindAsync(api, id, ct);
            var plan = await api.Store.PlanAsync(id, ct);
            var networks = new List<NetworkLosses>();
            foreach (var network in plan.Spec.Preset == Preset.Segment ? [] : plan.Networks)
            {
                var curve = await LiveLosses.ReadAsync(api.Store, id, network.Name, MostLosses, ct);
                networks.Add(new NetworkLosses(network.Name, network.Iterations, curve.Done, curve.Losses));
            }

            return TypedResults.Ok(new LossesInfo(networks));
        })
            .Doc("How the losses fell: of trained networks whole, of others up to their newest checkpoint.", ApiRole.Reader, 404);
    }

    // The count of grey level g of voxels that are of the class is at 2 g + 1, of the others at 2 g.
    private static GreyCounts Split(long[] counts) => new(
        [.. counts.Where(static (_, k) => k % 2 == 1)],
        [.. counts.Where(static (_, k) => k % 2 == 0)]);
}
