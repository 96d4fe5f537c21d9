// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Teravox.Contracts.Api;

namespace Teravox.Silo.Http.Security;

/// <summary>Who sends a request.</summary>
/// <param name="Name">Name of the key; null without keys.</param>
/// <param name="Role">What it may do.</param>
internal sealed record Caller(string? Name, ApiRole Role)
{
    /// <summary>Everybody, while there are no keys.</summary>
    public static Caller Anyone { get; } = new(null, ApiRole.Operator);

    public static Caller Of(HttpContext http) => http.Features.Get<Caller>() ?? throw new InvalidOperationException("the route names no role");

    /// <summary>Refuses what belongs to another, unless the caller is an operator.</summary>
    public void MustOwn(string? owner, string what)
    {
        if (Role < ApiRole.Operator && (owner is null || owner != Name))
            throw new ProblemException(403, $"{what} belongs to {(owner is null ? "nobody's key" : $"the key '{owner}'")}; only that key or an operator's may do this.");
    }
}

/// <summary>The role that a route asks for; null lets everybody in.</summary>
internal sealed record NeededRole(ApiRole? Role);

internal static class NeededRoles
{
    /// <summary>The route asks for this role; null lets everybody in.</summary>
    public static TBuilder Needs<TBuilder>(this TBuilder builder, ApiRole? role)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new NeededRole(role));
}
