// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Teravox.Contracts.Api;
using Teravox.Grains.Catalog;

namespace Teravox.Silo.Http.Routes;

/// <summary>The cluster itself: silos and keys.</summary>
internal static class ClusterRoutes
{
    public static void Map(RouteGroupBuilder group, ApiServices api)
    {
        group.MapGet("/silos", async (CancellationToken ct) =>
            TypedResults.Ok<IReadOnlyList<SiloInfo>>([.. (await api.Silos.AllAsync(ct)).Select(SilosView.Info)]))
            .Doc("The silos with their devices, throughput and current work.", ApiRole.Reader)
            .WithTags("silos");

        var keys = group.MapGroup("/keys").WithTags("keys");
        keys.MapPost("", async (NewKey body, CancellationToken ct) =>
        {
            KeySecret.CheckName(body.Name);
            if (body.Role != ApiRole.Operator && !(await api.Catalog.KeysAsync(ct)).Any(IsOperator))
                throw new ProblemException(422, "role: the first key must be an operator's, or nobody could make another.", "role");
            var secret = KeySecret.Make();
            _ = await api.Catalog.AddKeyAsync(body.Name, body.Role, KeySecret.Hash(secret), ct)
                ?? throw new ProblemException(409, $"There is a valid key {body.Name} already; revoke it first or take another name.", "name");
            api.Keys.Forget();
            return TypedResults.Created($"/api/v1/keys/{body.Name}", new MadeKey(body.Name, body.Role, secret));
        })
            .Doc("Makes a key; its secret is shown this once.", ApiRole.Operator, 400, 409, 413, 415, 422);

        keys.MapGet("", async (CancellationToken ct) =>
            TypedResults.Ok<IReadOnlyList<KeyInfo>>([.. (await api.Catalog.KeysAsync(ct)).Select(k => new KeyInfo(k.Id, k.Name, k.Role, k.Created, k.Revoked))]))
            .Doc("All keys, revoked ones too.", ApiRole.Operator);

        keys.MapDelete("/{name}", async (string name, CancellationToken ct) =>
        {
            var valid = (await api.Catalog.KeysAsync(ct)).Where(k => k.Revoked is null).ToList();
            if (valid.Count > 1 && valid.Count(IsOperator) == 1 && valid.First(IsOperator).Name == name)
                throw new ProblemException(409, $"{name} is the last operator's key; make another operator's key or revoke the others first.");
            if (!await api.Catalog.RevokeKeyAsync(name, ct))
                throw new ProblemException(404, $"There is no valid key {name}.");
            api.Keys.Forget();
            return TypedResults.NoContent();
        })
            .Doc("Revokes a key, on all silos within 5 seconds.", ApiRole.Operator, 404, 409)
            .Produces(204);
    }

    private static bool IsOperator(KeyRow key) => key.Revoked is null && key.Role == ApiRole.Operator;
}
