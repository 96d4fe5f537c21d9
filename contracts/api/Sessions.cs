// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Serialization;

namespace Teravox.Contracts.Api;

/// <summary>Who the web page's user is, and what the page must know before anything else.</summary>
public sealed record SessionInfo
{
    /// <summary>True when requests need a key.</summary>
    public required bool Keys { get; init; }

    /// <summary>Name of the key; null without one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Name { get; init; }

    /// <summary>What the user may do; null before signing in.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ApiRole? Role { get; init; }

    /// <summary>Version of Teravox.</summary>
    public required string Version { get; init; }

    /// <summary>Most bytes that the page lets its user upload.</summary>
    public required long UploadBytes { get; init; }

    /// <summary>True when Neuroglancer is served at /neuroglancer/.</summary>
    public required bool Neuroglancer { get; init; }
}

/// <summary>Signs a browser in.</summary>
/// <param name="Key">"tvx_..."; it comes back as a cookie that scripts cannot read.</param>
public sealed record NewSession(string Key);
