// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains.Ledger.Postgres;

// The catalogue: what people keep by name.
public sealed partial class PostgresLedger
{
    /// <inheritdoc/>
    public Task<CatalogueRow?> AddEntryAsync(string kind, string name, string? owner, string document, CancellationToken ct) =>
        WriteAsync(
            "addentry",
            async turn =>
            {
                var entry = new { kind, name, owner, document, given = turn.Given };
                return (await turn.FirstAsync<EntryData>(PostgresTexts.EntryAdd, entry))?.ToRow();
            },
            ct);

    /// <inheritdoc/>
    public Task<CatalogueRow?> FindEntryAsync(string kind, long id, CancellationToken ct) =>
        FirstEntryAsync(PostgresTexts.EntryFind, new { kind, id }, ct);

    /// <inheritdoc/>
    public Task<CatalogueRow?> FindEntryAsync(string kind, string name, CancellationToken ct) =>
        FirstEntryAsync(PostgresTexts.EntryFindByName, new { kind, name }, ct);

    /// <inheritdoc/>
    public Task<IReadOnlyList<CatalogueRow>> EntriesAsync(string kind, long? before, int limit, CancellationToken ct) =>
        RowsAsync<EntryData, CatalogueRow>(PostgresTexts.EntriesOfKind, new { kind, before, limit }, row => row.ToRow(), ct);

    /// <inheritdoc/>
    public Task<bool> ReplaceEntryAsync(long id, long version, string document, CancellationToken ct) => WriteAsync(
        "replaceentry",
        async turn => await turn.ExecuteAsync(PostgresTexts.EntryReplace, new { id, version, document, given = turn.Given }) > 0,
        ct);

    /// <inheritdoc/>
    public Task<bool> RemoveEntryAsync(long id, CancellationToken ct) =>
        WriteAsync("removeentry", async turn => await turn.ExecuteAsync(PostgresTexts.EntryRemove, new { id }) > 0, ct);

    private async Task<CatalogueRow?> FirstEntryAsync(string sql, object arguments, CancellationToken ct) =>
        await RowsAsync<EntryData, CatalogueRow>(sql, arguments, row => row.ToRow(), ct) is [var row] ? row : null;
}
