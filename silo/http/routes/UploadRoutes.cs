// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Teravox.Contracts.Api;
using Teravox.Silo.Http.Security;
using Teravox.Silo.Http.Uploads;
using Teravox.Silo.Http.Volumes;

namespace Teravox.Silo.Http.Routes;

/// <summary>/uploads: a volume from the client's own disk, in slabs.</summary>
internal static class UploadRoutes
{
    private const string Bytes = "application/octet-stream";
    private const int ManifestBytes = 32 << 20;

    public static void Map(RouteGroupBuilder group, ApiServices api, VolumeService volumes)
    {
        var uploads = new UploadService(api, volumes);
        var routes = group.MapGroup("/uploads").WithTags("uploads");

        routes.MapPost("", async (NewUpload body, HttpContext http, CancellationToken ct) =>
        {
            var (info, made) = await uploads.BeginAsync(body, Caller.Of(http), ct);
            return made ? (IResult)TypedResults.Created($"/api/v1/uploads/{info.Id}", info) : TypedResults.Ok(info);
        })
            .Doc("Announces the files of a volume; the same again gives the upload that is under way.", ApiRole.Submitter, 400, 409, 413, 415, 422, 507)
            .WithMetadata(new RequestSizeLimitAttribute(ManifestBytes))
            .Produces<UploadInfo>(201).Produces<UploadInfo>(200);

        routes.MapGet("/{id:long}", async (long id, HttpContext http, CancellationToken ct) => TypedResults.Ok(await uploads.InfoAsync(id, Caller.Of(http), ct)))
            .Doc("How far it is.", ApiRole.Submitter, 404, 409);

        routes.MapPut("/{id:long}/files/{**path}", async (long id, string path, long offset, HttpContext http) =>
        {
            if (offset < 0)
                throw new ProblemException(422, "offset: must be 0 or more.", "offset");
            if (http.Request.ContentType?.Split(';')[0].Trim() != Bytes)
                throw new ProblemException(415, $"A slab is bytes; send Content-Type: {Bytes}.");
            var file = await uploads.ReceiveAsync(id, path, offset, http.Request.Body, Caller.Of(http), http.RequestAborted);
            return TypedResults.Ok(file);
        })
            .Doc("Receives a slab, the request's body, at the place where the file ends so far.", ApiRole.Submitter, 404, 408, 409, 413, 415, 422, 507)
            .WithMetadata(new RequestSizeLimitAttribute(api.Options.Uploads.SlabBytes))
            .Accepts<byte[]>(Bytes);

        routes.MapPost("/{id:long}/complete", async (long id, HttpContext http, CancellationToken ct) =>
        {
            var (volume, made) = await uploads.CompleteAsync(id, Caller.Of(http), ct);
            return made ? (IResult)TypedResults.Created($"/api/v1/volumes/{volume.Name}", volume) : TypedResults.Ok(volume);
        })
            .Doc("Checks what arrived and makes it a volume.", ApiRole.Submitter, 404, 409, 422)
            .Produces<VolumeInfo>(201).Produces<VolumeInfo>(200);

        routes.MapDelete("/{id:long}", async (long id, HttpContext http, CancellationToken ct) =>
        {
            await uploads.DeleteAsync(id, Caller.Of(http), ct);
            return TypedResults.NoContent();
        })
            .Doc("Drops an upload and what has arrived of it.", ApiRole.Submitter, 404, 409)
            .Produces(204);
    }
}
