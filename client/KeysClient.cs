// SPDX-License-Identifier: Apache-2.0
using Teravox.Client.Http;
using Teravox.Contracts.Api;

namespace Teravox.Client;

/// <summary>API keys; for operators.</summary>
public sealed class KeysClient
{
    private readonly Transport _transport;

    internal KeysClient(Transport transport) => _transport = transport;

    /// <summary>All keys without their secrets, revoked ones too.</summary>
    public Task<IReadOnlyList<KeyInfo>> ListAsync(CancellationToken ct = default) => _transport.JsonAsync<IReadOnlyList<KeyInfo>>(Call.Get("keys"), ct);

    /// <summary>
    /// Makes a key, whose secret is in this answer alone. Not repeated after a broken connection: a key whose secret was lost on
    /// the way is to be revoked and made anew.
    /// </summary>
    public Task<MadeKey> MakeAsync(NewKey key, CancellationToken ct = default) => _transport.JsonAsync<MadeKey>(Call.Once("keys", key), ct);

    /// <summary>Makes a key useless from now on.</summary>
    public Task RevokeAsync(string name, CancellationToken ct = default) => _transport.DeleteAsync(Call.Join("keys", name), ct);
}
