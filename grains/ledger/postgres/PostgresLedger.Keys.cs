// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;

namespace Teravox.Grains.Ledger.Postgres;

// The key ring.
public sealed partial class PostgresLedger
{
    /// <inheritdoc/>
    public Task<KeyRow?> AddKeyAsync(string name, ApiRole role, string secretHash, CancellationToken ct) => WriteAsync(
        "addkey",
        async turn =>
        {
            var key = new { name, role = Words.Of(role), hash = secretHash, given = turn.Given };
            if (await turn.FirstAsync<KeyData>(PostgresTexts.KeyAdd, key) is { } added)
            {
                return added.ToRow();
            }

            // The same secret for the same name: the caller's first answer was lost on the way.
            var there = (await turn.FirstAsync<KeyData>(PostgresTexts.KeyFind, new { hash = secretHash }))?.ToRow();
            return there is not null && there.Name == name && there.Role == role ? there : null;
        },
        ct);

    /// <inheritdoc/>
    public async Task<KeyRow?> FindKeyAsync(string secretHash, CancellationToken ct) =>
        await RowsAsync<KeyData, KeyRow>(PostgresTexts.KeyFind, new { hash = secretHash }, row => row.ToRow(), ct) is [var row] ? row : null;

    /// <inheritdoc/>
    public Task<IReadOnlyList<KeyRow>> KeysAsync(CancellationToken ct) =>
        RowsAsync<KeyData, KeyRow>(PostgresTexts.KeysAll, null, row => row.ToRow(), ct);

    /// <inheritdoc/>
    public Task<bool> RevokeKeyAsync(string name, CancellationToken ct) => WriteAsync(
        "revokekey",
        async turn => await turn.ExecuteAsync(PostgresTexts.KeyRevoke, new { name, given = turn.Given }) > 0,
        ct);
}
