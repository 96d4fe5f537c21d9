// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains.Ledger;

/// <summary>
/// What people keep by name: volumes, models, uploads, campaigns. The ledger knows only kind, name and owner of an entry;
/// its document is JSON of the kind's record.
/// </summary>
public interface ICatalogue
{
    /// <summary>
    /// Adds an entry. Null when the kind has an entry of this name already, and nothing was written. So a repeat after
    /// a lost answer gives null when the first call took effect; the entry of that name then has the same document.
    /// </summary>
    Task<CatalogueRow?> AddEntryAsync(string kind, string name, string? owner, string document, CancellationToken ct);

    /// <summary>An entry by its number, or null.</summary>
    Task<CatalogueRow?> FindEntryAsync(string kind, long id, CancellationToken ct);

    /// <summary>An entry by its name, or null.</summary>
    Task<CatalogueRow?> FindEntryAsync(string kind, string name, CancellationToken ct);

    /// <summary>Entries of a kind from the newest, those below <paramref name="before"/> when given.</summary>
    Task<IReadOnlyList<CatalogueRow>> EntriesAsync(string kind, long? before, int limit, CancellationToken ct);

    /// <summary>
    /// Replaces the document when the entry still has <paramref name="version"/>; false when it changed meanwhile or is
    /// gone. A repeat after a lost answer gives false when the first call took effect.
    /// </summary>
    Task<bool> ReplaceEntryAsync(long id, long version, string document, CancellationToken ct);

    /// <summary>Removes an entry; false when it is gone already.</summary>
    Task<bool> RemoveEntryAsync(long id, CancellationToken ct);
}

/// <summary>Kinds of catalogue entries.</summary>
public static class CatalogueKinds
{
    /// <summary>A volume that specs may name.</summary>
    public const string Volume = "volume";

    /// <summary>A model that specs may name.</summary>
    public const string Model = "model";

    /// <summary>Files on their way from a client.</summary>
    public const string Upload = "upload";

    /// <summary>A spec with a grid of parameters.</summary>
    public const string Campaign = "campaign";
}

/// <summary>An entry. Version grows with every replacement, from 1; times are UTC, database clock.</summary>
public sealed record CatalogueRow(
    long Id, string Kind, string Name, string? Owner, string Document, long Version, DateTimeOffset Created, DateTimeOffset Changed);
