// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Work;

namespace Teravox.Grains.Catalog;

/// <summary>
/// Plain tables of what can be listed, searched and named: experiments, their events, volumes, models, uploads, campaigns, API
/// keys. SQLite embedded, PostgreSQL in a cluster. How far an experiment is, its grain knows; the catalog has what lists show.
/// <para>
/// Every method throws <see cref="DatabaseUnavailableException"/> when the database did not answer in time: whether a
/// write took effect is then unknown, and repeating it is safe (a submission without an idempotency key alone may then be
/// there twice). It throws <see cref="Contracts.InputException"/> when the database can not be used at all (disk full, not a
/// catalog, written by a newer Teravox). Times are UTC, the database's clock.
/// </para>
/// </summary>
public interface ICatalog : INamedEntries, IKeyRing, IAsyncDisposable
{
    /// <summary>Brings the schema to the newest version by numbered migrations; does nothing when it is.</summary>
    Task MigrateAsync(CancellationToken ct);

    /// <summary>
    /// Enters experiments in one transaction, all or none; ids in their order. One whose idempotency key is there already, or
    /// comes twice among them, is not entered again and gives the id of the first.
    /// </summary>
    /// <exception cref="Contracts.InputException">The stages of one are no graph; see <see cref="NewExperimentRules"/>.</exception>
    Task<IReadOnlyList<long>> SubmitAsync(IReadOnlyList<NewExperiment> experiments, CancellationToken ct);

    /// <summary>One experiment, or null.</summary>
    Task<ExperimentRow?> FindAsync(long experimentId, CancellationToken ct);

    /// <summary>Experiments from the newest that meet the query.</summary>
    Task<IReadOnlyList<ExperimentRow>> ListAsync(ExperimentQuery query, CancellationToken ct);

    /// <summary>Number of experiments by state; states without one are left out.</summary>
    Task<IReadOnlyDictionary<ExperimentState, long>> CountAsync(CancellationToken ct);

    /// <summary>
    /// Enters an experiment's state and events in one transaction. An event whose mark the experiment has already is left out, so a
    /// repeat changes nothing.
    /// </summary>
    Task RecordAsync(long experimentId, ExperimentState? state, IReadOnlyList<NewEvent> events, CancellationToken ct);

    /// <summary>
    /// Events of one experiment, or of all with null, after <paramref name="after"/>, oldest first. An event comes only when
    /// no event before it can come any more, so a reader that goes on from the last one misses none.
    /// </summary>
    Task<IReadOnlyList<EventRow>> EventsAsync(long? experimentId, long after, int limit, CancellationToken ct);

    /// <summary>
    /// Returns when another writer tells of news, or after <paramref name="atMost"/>. Only a hint: callers look in any case.
    /// </summary>
    Task WaitForNewsAsync(TimeSpan atMost, CancellationToken ct);

    /// <summary>
    /// Fails with <see cref="Contracts.InputException"/> when a write has found that the database of one machine can not be written
    /// any more: its disk is full or broken. Never completes otherwise, nor for a server.
    /// </summary>
    Task Unusable { get; }
}

/// <summary>Which experiments.</summary>
/// <param name="Before">Only those with a smaller number.</param>
/// <param name="Limit">At most so many, 1 or more.</param>
/// <param name="State">Only those in this state.</param>
/// <param name="Campaign">Only those of this campaign.</param>
/// <param name="Owner">Only those of this key.</param>
public sealed record ExperimentQuery(
    long? Before = null, int Limit = 50, ExperimentState? State = null, string? Campaign = null, string? Owner = null);

/// <summary>An experiment as the catalog has it.</summary>
public sealed record ExperimentRow(
    long Id,
    string Name,
    string SpecJson,
    IReadOnlyList<NewStage> Stages,
    ExperimentState State,
    int Priority,
    string? IdempotencyKey,
    string? Owner,
    string? Campaign,
    string? ParametersJson,
    DateTimeOffset Created,
    DateTimeOffset? Ended);

/// <summary>A line for an experiment's log.</summary>
/// <param name="Mark">Unique in the experiment: the same line is entered once however often it comes.</param>
/// <param name="Kind">What it is: "done", "failed", "log", ...</param>
/// <param name="Stage">The stage that it is of, or null.</param>
/// <param name="Text">For people.</param>
public sealed record NewEvent(string Mark, string Kind, string? Stage, string Text);

/// <summary>A line of an experiment's log.</summary>
public sealed record EventRow(long Id, long ExperimentId, DateTimeOffset At, string Kind, string? Stage, string Text);

/// <summary>What people keep by name. The catalog knows only kind, name and owner; the document is JSON of the kind's record.</summary>
public interface INamedEntries
{
    /// <summary>
    /// Adds an entry. Null when the kind has an entry of this name already, and nothing was written. So a repeat after
    /// a lost answer gives null when the first call took effect; the entry of that name then has the same document.
    /// </summary>
    Task<EntryRow?> AddEntryAsync(string kind, string name, string? owner, string document, CancellationToken ct);

    /// <summary>An entry by its number, or null.</summary>
    Task<EntryRow?> FindEntryAsync(string kind, long id, CancellationToken ct);

    /// <summary>An entry by its name, or null.</summary>
    Task<EntryRow?> FindEntryAsync(string kind, string name, CancellationToken ct);

    /// <summary>Entries of a kind from the newest, those below <paramref name="before"/> when given.</summary>
    Task<IReadOnlyList<EntryRow>> EntriesAsync(string kind, long? before, int limit, CancellationToken ct);

    /// <summary>
    /// Replaces the document when the entry still has <paramref name="version"/>; false when it changed meanwhile or is
    /// gone. A repeat after a lost answer gives false when the first call took effect.
    /// </summary>
    Task<bool> ReplaceEntryAsync(long id, long version, string document, CancellationToken ct);

    /// <summary>Removes an entry; false when it is gone already.</summary>
    Task<bool> RemoveEntryAsync(long id, CancellationToken ct);
}

/// <summary>Kinds of named entries.</summary>
public static class EntryKinds
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

/// <summary>A named entry. Version grows with every replacement, from 1.</summary>
public sealed record EntryRow(
    long Id, string Kind, string Name, string? Owner, string Document, long Version, DateTimeOffset Created, DateTimeOffset Changed);

/// <summary>API keys. The catalog has their hashes only: who reads the database learns no key.</summary>
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

/// <summary>A key as the catalog has it.</summary>
public sealed record KeyRow(long Id, string Name, ApiRole Role, DateTimeOffset Created, DateTimeOffset? Revoked);
