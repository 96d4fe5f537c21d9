// SPDX-License-Identifier: Apache-2.0
using Dapper;

namespace Teravox.Grains.Ledger.Sqlite;

// The catalogue: what people keep by name.
public sealed partial class SqliteLedger
{
    /// <inheritdoc/>
    public Task<CatalogueRow?> AddEntryAsync(string kind, string name, string? owner, string document, CancellationToken ct) =>
        WriteAsync(
            "addentry",
            turn => turn.First<EntryData>(SqlTexts.EntryAdd, new { kind, name, owner, document, now = turn.Now })?.ToRow(),
            ct);

    /// <inheritdoc/>
    public Task<CatalogueRow?> FindEntryAsync(string kind, long id, CancellationToken ct) => ReadAsync(
        reader => reader.QueryFirstOrDefault<EntryData>(SqlTexts.EntryFind, new { kind, id })?.ToRow(), ct);

    /// <inheritdoc/>
    public Task<CatalogueRow?> FindEntryAsync(string kind, string name, CancellationToken ct) => ReadAsync(
        reader => reader.QueryFirstOrDefault<EntryData>(SqlTexts.EntryFindByName, new { kind, name })?.ToRow(), ct);

    /// <inheritdoc/>
    public Task<IReadOnlyList<CatalogueRow>> EntriesAsync(string kind, long? before, int limit, CancellationToken ct) =>
        RowsAsync<EntryData, CatalogueRow>(SqlTexts.EntriesOfKind, new { kind, before, limit }, row => row.ToRow(), ct);

    /// <inheritdoc/>
    public Task<bool> ReplaceEntryAsync(long id, long version, string document, CancellationToken ct) => WriteAsync(
        "replaceentry",
        turn => turn.Execute(SqlTexts.EntryReplace, new { id, version, document, now = turn.Now }) > 0,
        ct);

    /// <inheritdoc/>
    public Task<bool> RemoveEntryAsync(long id, CancellationToken ct) =>
        WriteAsync("removeentry", turn => turn.Execute(SqlTexts.EntryRemove, new { id }) > 0, ct);
}
