// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Dapper;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Work;

namespace Teravox.Grains.Catalog;

/// <summary>The catalog over a database of either dialect.</summary>
internal sealed class SqlCatalog(CatalogDatabase database) : ICatalog
{
    public CatalogDatabase Database => database;

    private static DateTimeOffset Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);

    public Task MigrateAsync(CancellationToken ct) => database.MigrateAsync(ct);

    public Task WaitForNewsAsync(TimeSpan atMost, CancellationToken ct) => database.WaitForNewsAsync(atMost, ct);

    public Task Unusable => database.Unusable;

    public ValueTask DisposeAsync() => database.DisposeAsync();

    // Experiments and events.
    public async Task<IReadOnlyList<long>> SubmitAsync(IReadOnlyList<NewExperiment> experiments, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(experiments);
        foreach (var experiment in experiments)
            NewExperimentRules.Check(experiment);
        if (experiments.Count == 0)
            return [];
        return await database.WriteAsync<IReadOnlyList<long>>(
            "submit",
            async turn =>
            {
                // In one order for everyone: two submissions of the same keys wait for each other, and can not both wait.
                var keys = experiments.Select(experiment => experiment.IdempotencyKey).OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
                foreach (var key in keys)
                    await turn.ExecuteAsync("experiments.lock", new { key });
                var ids = new List<long>(experiments.Count);
                foreach (var experiment in experiments)
                    ids.Add(await SubmitAsync(turn, experiment));
                return ids;
            },
            ct);
    }

    public async Task<ExperimentRow?> FindAsync(long experimentId, CancellationToken ct) =>
        await RowsAsync<ExperimentData, ExperimentRow>("experiments.find", new { id = experimentId }, row => row.ToRow(), ct) is [var row] ? row : null;

    public Task<IReadOnlyList<ExperimentRow>> ListAsync(ExperimentQuery query, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(query);
        var arguments = new
        {
            before = query.Before,
            limit = query.Limit,
            state = query.State is { } state ? Code(state) : null,
            campaign = query.Campaign,
            owner = query.Owner,
        };
        return RowsAsync<ExperimentData, ExperimentRow>("experiments.list", arguments, row => row.ToRow(), ct);
    }

    public async Task<IReadOnlyDictionary<ExperimentState, long>> CountAsync(CancellationToken ct) =>
        (await RowsAsync<CountData, CountData>("experiments.count", null, row => row, ct)).ToDictionary(row => Parse<ExperimentState>(row.State), row => row.Count);

    public Task RecordAsync(long experimentId, ExperimentState? state, IReadOnlyList<NewEvent> events, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(events);
        return database.WriteAsync(
            "record",
            async turn =>
            {
                if (state is { } now)
                    await turn.ExecuteAsync("experiments.state", new { id = experimentId, state = Code(now) });
                await AddEventsAsync(turn, experimentId, events);
                return true;
            },
            ct);
    }

    public Task<IReadOnlyList<EventRow>> EventsAsync(long? experimentId, long after, int limit, CancellationToken ct) =>
        RowsAsync<EventData, EventRow>("events.after", new { experimentId, after, limit }, row => row.ToRow(), ct);

    // Named entries.
    public Task<EntryRow?> AddEntryAsync(string kind, string name, string? owner, string document, CancellationToken ct) => database.WriteAsync(
        "addentry",
        async turn => (await turn.FirstAsync<EntryData>("entries.add", new { kind, name, owner, document }))?.ToRow(),
        ct);

    public async Task<EntryRow?> FindEntryAsync(string kind, long id, CancellationToken ct) =>
        await RowsAsync<EntryData, EntryRow>("entries.find", new { kind, id }, row => row.ToRow(), ct) is [var row] ? row : null;

    public async Task<EntryRow?> FindEntryAsync(string kind, string name, CancellationToken ct) =>
        await RowsAsync<EntryData, EntryRow>("entries.findByName", new { kind, name }, row => row.ToRow(), ct) is [var row] ? row : null;

    public Task<IReadOnlyList<EntryRow>> EntriesAsync(string kind, long? before, int limit, CancellationToken ct) =>
        RowsAsync<EntryData, EntryRow>("entries.ofKind", new { kind, before, limit }, row => row.ToRow(), ct);

    public Task<bool> ReplaceEntryAsync(long id, long version, string document, CancellationToken ct) =>
        database.WriteAsync("replaceentry", async turn => await turn.ExecuteAsync("entries.replace", new { id, version, document }) > 0, ct);

    public Task<bool> RemoveEntryAsync(long id, CancellationToken ct) =>
        database.WriteAsync("removeentry", async turn => await turn.ExecuteAsync("entries.remove", new { id }) > 0, ct);

    // API keys.
    public Task<KeyRow?> AddKeyAsync(string name, ApiRole role, string secretHash, CancellationToken ct) => database.WriteAsync(
        "addkey",
        async turn =>
        {
            if (await turn.FirstAsync<KeyData>("keys.add", new { name, role = Code(role), hash = secretHash }) is { } added)
                return added.ToRow();

            // The same secret for the same name: the caller's first answer was lost on the way.
            var there = (await turn.FirstAsync<KeyData>("keys.find", new { hash = secretHash }))?.ToRow();
            return there is not null && there.Name == name && there.Role == role ? there : null;
        },
        ct);

    public async Task<KeyRow?> FindKeyAsync(string secretHash, CancellationToken ct) =>
        await RowsAsync<KeyData, KeyRow>("keys.find", new { hash = secretHash }, row => row.ToRow(), ct) is [var row] ? row : null;

    public Task<IReadOnlyList<KeyRow>> KeysAsync(CancellationToken ct) => RowsAsync<KeyData, KeyRow>("keys.all", null, row => row.ToRow(), ct);

    public Task<bool> RevokeKeyAsync(string name, CancellationToken ct) =>
        database.WriteAsync("revokekey", async turn => await turn.ExecuteAsync("keys.revoke", new { name }) > 0, ct);

    private static async Task<long> SubmitAsync(CatalogTransaction turn, NewExperiment experiment)
    {
        if (experiment.IdempotencyKey is { } key && await turn.FirstAsync<long?>("experiments.byKey", new { key }) is { } first)
            return first;
        var id = await turn.ScalarAsync<long>("experiments.add", new
        {
            name = experiment.Name,
            spec = experiment.SpecJson,
            stages = JsonSerializer.Serialize(experiment.Stages, TeravoxJson.Compact),
            priority = experiment.Priority,
            key = experiment.IdempotencyKey,
            owner = experiment.Owner,
            campaign = experiment.Campaign,
            parameters = experiment.ParametersJson,
        });
        await AddEventsAsync(turn, id, [new NewEvent("submitted", "submitted", null, $"{experiment.Name}: {experiment.Stages.Count} stages")]);
        return id;
    }

    // Last in its transaction: on PostgreSQL other writers of events wait for it, so that their numbers become visible in order.
    private static async Task AddEventsAsync(CatalogTransaction turn, long experimentId, IReadOnlyList<NewEvent> events)
    {
        if (events.Count > 0)
            await turn.ExecuteAsync("events.lock");
        foreach (var one in events)
            await turn.ExecuteAsync("events.add", new { experimentId, mark = one.Mark, kind = one.Kind, stage = one.Stage, text = one.Text });
        turn.HasNews = true;
    }

    private Task<IReadOnlyList<TRow>> RowsAsync<TData, TRow>(string name, object? arguments, Func<TData, TRow> toRow, CancellationToken ct) =>
        database.ReadAsync<IReadOnlyList<TRow>>(
            async connection => [.. (await connection.QueryAsync<TData>(new CommandDefinition(database.Texts[name], arguments, cancellationToken: ct))).Select(toRow)], ct);

    private static string Code<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static T Parse<T>(string code)
        where T : struct, Enum => Enum.Parse<T>(code, ignoreCase: true);

    // Rows as both databases give them: times are milliseconds, states and roles are words.
    [SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
    private sealed record ExperimentData
    {
        public long Id { get; init; }

        public string Name { get; init; } = "";

        public string Spec { get; init; } = "";

        public string Stages { get; init; } = "";

        public string State { get; init; } = "";

        public int Priority { get; init; }

        public string? IdempotencyKey { get; init; }

        public string? Owner { get; init; }

        public string? Campaign { get; init; }

        public string? Parameters { get; init; }

        public long Created { get; init; }

        public long? Ended { get; init; }

        public ExperimentRow ToRow() => new(
            Id,
            Name,
            Spec,
            JsonSerializer.Deserialize<NewStage[]>(Stages, TeravoxJson.Compact)!,
            Parse<ExperimentState>(State),
            Priority,
            IdempotencyKey,
            Owner,
            Campaign,
            Parameters,
            Time(Created),
            Ended is { } ended ? Time(ended) : null);
    }

    [SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
    private sealed record CountData
    {
        public string State { get; init; } = "";

        public long Count { get; init; }
    }

    [SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
    private sealed record EventData
    {
        public long Id { get; init; }

        public long ExperimentId { get; init; }

        public long At { get; init; }

        public string Kind { get; init; } = "";

        public string? Stage { get; init; }

        public string Text { get; init; } = "";

        public EventRow ToRow() => new(Id, ExperimentId, Time(At), Kind, Stage, Text);
    }

    [SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
    private sealed record EntryData
    {
        public long Id { get; init; }

        public string Kind { get; init; } = "";

        public string Name { get; init; } = "";

        public string? Owner { get; init; }

        public string Document { get; init; } = "";

        public long Version { get; init; }

        public long Created { get; init; }

        public long Changed { get; init; }

        public EntryRow ToRow() => new(Id, Kind, Name, Owner, Document, Version, Time(Created), Time(Changed));
    }

    [SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
    private sealed record KeyData
    {
        public long Id { get; init; }

        public string Name { get; init; } = "";

        public string Role { get; init; } = "";

        public long Created { get; init; }

        public long? Revoked { get; init; }

        public KeyRow ToRow() => new(Id, Name, Parse<ApiRole>(Role), Time(Created), Revoked is { } revoked ? Time(revoked) : null);
    }
}
