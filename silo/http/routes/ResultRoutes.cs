// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Silo.Http.Experiments;

namespace Teravox.Silo.Http.Routes;

/// <summary>What experiments leave and what happens in them: results, report, scores, events.</summary>
internal static class ResultRoutes
{
    private const int MostEntries = 1000;

    public static void Map(RouteGroupBuilder group, ApiServices api, CancellationToken stopping)
    {
        var streams = new EventStream(api.Catalog, stopping);
        var routes = group.MapGroup("/experiments/{id:long}").WithTags("results");

        routes.MapGet("/results", async (long id, string? under, string? cursor, int? limit, CancellationToken ct) =>
            TypedResults.Ok(ResultFiles.List(await RootAsync(api, id, ct), under, cursor, Limit(limit))))
            .Doc("Lists the result files by path; under=labels.zarr lists what is in a volume.", ApiRole.Reader, 404, 422)
            .Produces<Page<ResultFile>>();

        routes.MapGet("/results/{**path}", async (long id, string path, CancellationToken ct) =>
            Send(ResultFiles.Find(await RootAsync(api, id, ct), path)))
            .Doc("One result file; ranges are honoured.", ApiRole.Reader, 404)
            .ProducesFile("application/octet-stream", "application/json", "text/csv", "text/html");

        routes.MapGet("/report", async (long id, CancellationToken ct) =>
            Send(ResultFiles.Find(await RootAsync(api, id, ct), "report.html")))
            .Doc("The report, one HTML page.", ApiRole.Reader, 404)
            .ProducesFile("text/html");

        routes.MapGet("/scores", async (long id, CancellationToken ct) =>
        {
            var file = ResultFiles.Find(await RootAsync(api, id, ct), "scores.json");
            await using var stream = File.OpenRead(file);
            return TypedResults.Json(await JsonSerializer.DeserializeAsync<ScoreReport>(stream, TeravoxJson.Compact, ct), TeravoxJson.Compact);
        })
            .Doc("The scores; there are none before the end, and none of the preset segment.", ApiRole.Reader, 404)
            .Produces<ScoreReport>();

        routes.MapGet("/events", async (long id, long? after, int? limit, CancellationToken ct) =>
        {
            await ExperimentRoutes.FindAsync(api, id, ct);
            var events = await api.Catalog.EventsAsync(id, Math.Max(0, after ?? 0), Limit(limit), ct);
            return TypedResults.Ok<IReadOnlyList<EventInfo>>([.. events.Select(ExperimentViews.Info)]);
        })
            .Doc("The experiment's log after an event, oldest first.", ApiRole.Reader, 404, 422);

        routes.MapGet("/events/stream", async (long id, long? after, [FromHeader(Name = "Last-Event-ID")] string? lastEventId, HttpContext http) =>
        {
            await ExperimentRoutes.FindAsync(api, id, http.RequestAborted);
            await streams.RunAsync(http, id, after);
        })
            .Doc("The experiment's log as server-sent events; ends with it.", ApiRole.Reader, 404, 422, 429)
            .ProducesFile("text/event-stream");

        group.MapGet("/events/stream", (long? after, [FromHeader(Name = "Last-Event-ID")] string? lastEventId, HttpContext http) => streams.RunAsync(http, null, after))
            .Doc("All experiments' log as server-sent events.", ApiRole.Reader, 422, 429)
            .WithTags("results")
            .ProducesFile("text/event-stream");
    }

    private static async Task<string> RootAsync(ApiServices api, long id, CancellationToken ct)
    {
        await ExperimentRoutes.FindAsync(api, id, ct);
        return api.Store.Folder(id).Root;
    }

    private static IResult Send(string file) =>
        TypedResults.PhysicalFile(file, ResultFiles.ContentType(file), lastModified: File.GetLastWriteTimeUtc(file), enableRangeProcessing: true);

    private static int Limit(int? limit) => limit is null or (>= 1 and <= MostEntries)
        ? limit ?? MostEntries
        : throw new ProblemException(422, $"limit: {limit} must be 1..{MostEntries}.", "limit");
}
