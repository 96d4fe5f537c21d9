// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Teravox.Contracts.Api;
using Teravox.Grains.Catalog;
using Teravox.Silo.Http.Models;
using Teravox.Silo.Http.Security;

namespace Teravox.Silo.Http.Routes;

/// <summary>/models.</summary>
internal static class ModelRoutes
{
    public static void Map(RouteGroupBuilder group, ApiServices api)
    {
        var models = new ModelCatalog(api);
        var routes = group.MapGroup("/models").WithTags("models");

        routes.MapPost("", async (RegisterModel body, HttpContext http, CancellationToken ct) =>
            TypedResults.Created($"/api/v1/models/{body.Name}", await models.RegisterAsync(body, Caller.Of(http), ct)))
            .Doc("Copies a model into the store: an experiment's network, or a file under a root.", ApiRole.Submitter, 400, 404, 409, 413, 415, 422);

        routes.MapGet("", async (string? cursor, int? limit, CancellationToken ct) =>
        {
            var (before, most) = Paging.Read(cursor, limit);
            return TypedResults.Ok(Paging.Of(await api.Catalog.EntriesAsync(EntryKinds.Model, before, most + 1, ct), most, r => r.Id, ModelCatalog.Info));
        })
            .Doc("Lists models from the newest.", ApiRole.Reader, 422);

        routes.MapGet("/{name}", async (string name, CancellationToken ct) => TypedResults.Ok(await models.FindAsync(name, ct)))
            .Doc("One model.", ApiRole.Reader, 404);

        routes.MapGet("/{name}/file", async (string name, CancellationToken ct) =>
        {
            var model = await models.FindAsync(name, ct);
            return File.Exists(model.Path)
                ? TypedResults.PhysicalFile(model.Path, "application/octet-stream", name + ".safetensors", enableRangeProcessing: true)
                : throw new ProblemException(404, $"The file of the model {name} is not in the store any more.");
        })
            .Doc("The .safetensors file; ranges are honoured.", ApiRole.Reader, 404)
            .ProducesFile("application/octet-stream");
    }
}
