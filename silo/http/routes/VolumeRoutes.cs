// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Catalog;
using Teravox.Silo.Http.Security;
using Teravox.Silo.Http.Volumes;

namespace Teravox.Silo.Http.Routes;

/// <summary>/volumes.</summary>
internal static class VolumeRoutes
{
    private const int UsualSide = 1024;

    public static void Map(RouteGroupBuilder group, ApiServices api, VolumeService volumes)
    {
        var routes = group.MapGroup("/volumes").WithTags("volumes");

        routes.MapPost("", async (RegisterVolume body, HttpContext http, CancellationToken ct) =>
            TypedResults.Created($"/api/v1/volumes/{body.Name}", await volumes.RegisterAsync(body, Caller.Of(http), ct)))
            .Doc("Registers a volume that lies under a root; it is read whole first.", ApiRole.Submitter, 400, 409, 413, 415, 422);

        routes.MapGet("", async (string? cursor, int? limit, CancellationToken ct) =>
        {
            var (before, most) = Paging.Read(cursor, limit);
            return TypedResults.Ok(Paging.Of(await api.Catalog.EntriesAsync(EntryKinds.Volume, before, most + 1, ct), most, r => r.Id, VolumeCatalog.Info));
        })
            .Doc("Lists volumes from the newest.", ApiRole.Reader, 422);

        routes.MapGet("/{name}", async (string name, CancellationToken ct) => TypedResults.Ok(await volumes.FindAsync(name, ct)))
            .Doc("One volume.", ApiRole.Reader, 404);

        routes.MapGet("/{name}/statistics", async (string name, CancellationToken ct) => TypedResults.Ok(await volumes.StatisticsAsync(name, ct)))
            .Doc("What its grey levels are like; of a large volume up to 64 sections are read, once.", ApiRole.Reader, 404, 422);

        routes.MapGet("/{name}/slices/{z:int}.png", async (string name, int z, int? max, bool? labels, CancellationToken ct) =>
        {
            var volume = await volumes.FindAsync(name, ct);
            if (z < 0 || z >= volume.Shape.Z)
                throw new ProblemException(404, $"Volume {name} has the sections 0 to {volume.Shape.Z - 1}.");
            if (max is < 16 or > 4096)
                throw new ProblemException(422, $"max: {max} must be 16..4096.", "max");
            if (labels == true && (volume.Labels is null || volume.Classes is null))
                throw new ProblemException(404, $"Volume {name} has no {(volume.Labels is null ? "labels" : "classes.json, which says what its labels mean")}.");
            var side = max ?? UsualSide;

            // Deep voxels are shown by the volume's statistics, which its grain reads once for the cluster.
            if (labels != true && volume.Type == VoxelType.UInt16)
                await volumes.StatisticsAsync(name, ct);
            var png = await api.Checks.RunAsync(() => labels == true ? api.Pictures.Labels(volume, z, side) : api.Pictures.Raw(volume, z, side, ct), ct);
            return TypedResults.Bytes(png, "image/png");
        })
            .Doc("A section as an 8-bit PNG; labels=true shows the labels in the classes' colours.", ApiRole.Reader, 404, 422)
            .ProducesFile("image/png");

        routes.MapDelete("/{name}", async (string name, HttpContext http, CancellationToken ct) =>
        {
            await volumes.DeleteAsync(name, Caller.Of(http), ct);
            return TypedResults.NoContent();
        })
            .Doc("Forgets a volume; files that were uploaded go with it.", ApiRole.Submitter, 404, 409)
            .Produces(204);
    }
}
