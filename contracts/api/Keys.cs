// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Contracts.Api;

/// <summary>What a key may do; each role may do what those before it may.</summary>
public enum ApiRole
{
    /// <summary>Read everything but keys.</summary>
    Reader,

    /// <summary>Submit, register, upload, and steer what it submitted itself.</summary>
    Submitter,

    /// <summary>Steer everything, make and revoke keys.</summary>
    Operator,
}

/// <summary>Asks for a key.</summary>
/// <param name="Name">Unique among the valid keys; letters, digits, '-', '_', '.'; 1..64 characters. It is the owner of what the key submits.</param>
/// <param name="Role">What it may do.</param>
public sealed record NewKey(string Name, ApiRole Role);

/// <summary>A key just made.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Role">What it may do.</param>
/// <param name="Secret">"tvx_..."; shown once, the database has only its hash.</param>
public sealed record MadeKey(string Name, ApiRole Role, string Secret);

/// <summary>A key, without its secret. Times are UTC.</summary>
public sealed record KeyInfo(long Id, string Name, ApiRole Role, DateTimeOffset Created, DateTimeOffset? Revoked);

/// <summary>What answers at /api/v1.</summary>
/// <param name="Service">"teravox".</param>
/// <param name="Version">Version of Teravox.</param>
/// <param name="Keys">True when requests need a key.</param>
/// <param name="Documents">Path of the OpenAPI document.</param>
public sealed record ApiIndex(string Service, string Version, bool Keys, string Documents);
