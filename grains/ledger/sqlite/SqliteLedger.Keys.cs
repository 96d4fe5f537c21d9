// SPDX-License-Identifier: Apache-2.0
using Dapper;
using Teravox.Contracts.Api;

namespace Teravox.Grains.Ledger.Sqlite;

// The key ring.
public sealed partial class SqliteLedger
{
    /// <inheritdoc/>
    public Task<KeyRow?> AddKeyAsync(string name, ApiRole role, string secretHash, CancellationToken ct) => WriteAsync(
        "addkey",
        turn =>
        {
            var key = new { name, role = Words.Of(role), hash = secretHash, now = turn.Now };
            if (turn.First<KeyData>(SqlTexts.KeyAdd, key) is { } added)
            {
                return added.ToRow();
            }

            // The same secret for the same name: the caller's first answer was lost on the way.
            var there = turn.First<KeyData>(SqlTexts.KeyFind, new { hash = secretHash })?.ToRow();
            return there is not null && there.Name == name && there.Role == role ? there : null;
        },
        ct);

    /// <inheritdoc/>
    public Task<KeyRow?> FindKeyAsync(string secretHash, CancellationToken ct) => ReadAsync(
        reader => reader.QueryFirstOrDefault<KeyData>(SqlTexts.KeyFind, new { hash = secretHash })?.ToRow(), ct);

    /// <inheritdoc/>
    public Task<IReadOnlyList<KeyRow>> KeysAsync(CancellationToken ct) =>
        RowsAsync<KeyData, KeyRow>(SqlTexts.KeysAll, null, row => row.ToRow(), ct);

    /// <inheritdoc/>
    public Task<bool> RevokeKeyAsync(string name, CancellationToken ct) =>
        WriteAsync("revokekey", turn => turn.Execute(SqlTexts.KeyRevoke, new { name, now = turn.Now }) > 0, ct);
}
