// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;
using Teravox.Silo.Http.Experiments;
using Teravox.Silo.Http.Security;

namespace Teravox.Silo.Http.Routes;

/// <summary>/experiments: submit, list, look, steer.</summary>
internal static class ExperimentRoutes
{
    private static readonly HashSet<ExperimentState> Ended = [ExperimentState.Succeeded, ExperimentState.Failed, ExperimentState.Cancelled];

    public static void Map(RouteGroupBuilder group, ApiServices api)
    {
        var submit = new IdempotentSubmit(api, new Submission(api));
        var routes = group.MapGroup("/experiments").WithTags("experiments");

        routes.MapPost("", (SubmitExperiment body, [FromHeader(Name = "Idempotency-Key")] string? idempotencyKey, HttpContext http, CancellationToken ct) =>
            SubmitAsync(api, submit, body, idempotencyKey, Caller.Of(http), ct))
            .Doc("Submits an experiment; the spec is checked whole first.", ApiRole.Submitter, 400, 413, 415, 422)
            .Produces<ExperimentInfo>(201).Produces<ExperimentInfo>(200);

        routes.MapGet("", (string? state, string? campaign, string? owner, string? cursor, int? limit, CancellationToken ct) =>
            ListAsync(api, state, campaign, owner, cursor, limit, ct))
            .Doc("Lists experiments from the newest.", ApiRole.Reader, 422)
            .Produces<Page<ExperimentInfo>>();

        routes.MapGet("/{id:long}", async (long id, CancellationToken ct) => TypedResults.Ok(ExperimentViews.Info(await FindAsync(api, id, ct))))
            .Doc("One experiment.", ApiRole.Reader, 404);

        routes.MapGet("/{id:long}/progress", async (long id, CancellationToken ct) =>
            TypedResults.Ok(await ExperimentViews.ProgressAsync(api, await FindAsync(api, id, ct), ct)))
            .Doc("How far it is: stages with rates and time left, what runs, what failed.", ApiRole.Reader, 404);

        routes.MapGet("/{id:long}/spec", async (long id, CancellationToken ct) =>
        {
            await FindAsync(api, id, ct);
            return TypedResults.Json((await api.Store.PlanAsync(id, ct)).Spec, TeravoxJson.Compact);
        })
            .Doc("The spec it runs by, names and paths resolved.", ApiRole.Reader, 404)
            .Produces<ExperimentSpec>();

        Steer("pause", "No new items are begun; what runs may end.", ExperimentState.Paused, api.Experiments.PauseAsync);
        Steer("resume", "Undoes a pause.", ExperimentState.Running, api.Experiments.ResumeAsync);
        Steer("cancel", "Ends it for good.", ExperimentState.Cancelled, api.Experiments.CancelAsync);
        Steer("retry", "Failed items run again with fresh counts.", ExperimentState.Running, async (id, ct) => await api.Experiments.RetryAsync(id, ct) > 0);

        void Steer(string verb, string summary, ExperimentState wanted, Func<long, CancellationToken, Task<bool>> change) =>
            routes.MapPost($"/{{id:long}}/{verb}", async (long id, HttpContext http, CancellationToken ct) =>
            {
                var row = await FindAsync(api, id, ct);
                Caller.Of(http).MustOwn(row.Owner, $"Experiment {id}");
                var changed = await change(id, ct);
                row = await FindAsync(api, id, ct);
                return changed || row.State == wanted
                    ? TypedResults.Ok(ExperimentViews.Info(row))
                    : throw new ProblemException(409, $"Experiment {id} is {ExperimentViews.Word(row.State)}; {verb} does nothing for it.");
            })
                .Doc(summary, ApiRole.Submitter, 404, 409);
    }

    /// <summary>The experiment, or 404.</summary>
    public static async Task<ExperimentRow> FindAsync(ApiServices api, long id, CancellationToken ct) =>
        await api.Catalog.FindAsync(id, ct) ?? throw new ProblemException(404, $"There is no experiment {id}; GET /api/v1/experiments lists them.");

    private static async Task<IResult> SubmitAsync(
        ApiServices api, IdempotentSubmit submit, SubmitExperiment body, string? key, Caller caller, CancellationToken ct)
    {
        if (body.Spec.ValueKind != JsonValueKind.Object)
            throw new ProblemException(422, "spec: a spec is a JSON object; see docs/spec.md.", "spec");
        var (id, made) = await submit.SubmitAsync(body, key, caller, ct);
        var row = await FindAsync(api, id, ct);
        var info = ExperimentViews.Info(row);
        if (!Ended.Contains(row.State))
        {
            var stages = row.Stages.Select(s => (s.Kind, s.Needs ?? new WorkNeeds()));
            info = info with { Blocked = await api.Silos.BlockedAsync(stages, ct) };
        }

        return made ? TypedResults.Created($"/api/v1/experiments/{id}", info) : TypedResults.Ok(info);
    }

    private static async Task<IResult> ListAsync(
        ApiServices api, string? state, string? campaign, string? owner, string? cursor, int? limit, CancellationToken ct)
    {
        var (before, most) = Paging.Read(cursor, limit);
        ExperimentState? wanted = null;
        if (state is not null)
        {
            wanted = Enum.GetValues<ExperimentState>().Where(s => ExperimentViews.Word(s) == state).Select(s => (ExperimentState?)s).FirstOrDefault()
                ?? throw new ProblemException(422, $"state: {state} must be running, paused, succeeded, failed or cancelled.", "state");
        }

        var rows = await api.Catalog.ListAsync(new ExperimentQuery(before, most + 1, wanted, campaign, owner), ct);
        return TypedResults.Ok(Paging.Of(rows, most, r => r.Id, ExperimentViews.Info));
    }
}
