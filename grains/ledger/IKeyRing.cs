// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;

namespace Teravox.Grains.Ledger;

/// <summary>API keys. The ledger has their hashes only: who reads the database learns no key.</summary>
public interface IKeyRing
{
    /// <summary>
    /// Adds a key by the SHA-256 of its secret, hex. Null when there is a key of this name that is not revoked, or any
    /// key with this hash: a revoked secret does not come back. A repeat with the same name, role and hash gives the key of the
    /// first call.
    /// </summary>
    Task<KeyRow?> AddKeyAsync(string name, ApiRole role, string secretHash, CancellationToken ct);

    /// <summary>The key with this hash that is not revoked, or null.</summary>
    Task<KeyRow?> FindKeyAsync(string secretHash, CancellationToken ct);

    /// <summary>All keys, revoked ones too, by number.</summary>
    Task<IReadOnlyList<KeyRow>> KeysAsync(CancellationToken ct);

    /// <summary>Makes a key useless from now on; false when there is none of this name that is not revoked.</summary>
    Task<bool> RevokeKeyAsync(string name, CancellationToken ct);
}

/// <summary>A key as the ledger has it.</summary>
public sealed record KeyRow(long Id, string Name, ApiRole Role, DateTimeOffset Created, DateTimeOffset? Revoked);
