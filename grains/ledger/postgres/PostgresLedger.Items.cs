// SPDX-License-Identifier: Apache-2.0
using Npgsql;
using NpgsqlTypes;
using Teravox.Contracts;

namespace Teravox.Grains.Ledger.Postgres;

// Work items: what silos do, but for their commits.
public sealed partial class PostgresLedger
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<WorkLease>> ClaimAsync(ClaimRequest request, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Slots, 1);
        if (request.Item is not null)
        {
            return await ClaimOneAsync(request, ct);
        }

        var (from, turn) = _cursor.Begin();
        var (leases, blocked) = await CallAsync("claim", connection => ClaimAsync(connection, request, from), ct);
        if (leases.Count == request.Slots)
        {
            _cursor.MoveTo(new(leases[^1].StageId, leases[^1].Index + 1), turn);
        }
        else if (from != default)
        {
            await ClaimFromTheBeginningAsync(request with { Slots = request.Slots - leases.Count }, leases, blocked, ct);
        }

        foreach (var stageId in blocked)
        {
            await UnblockAsync(stageId);
        }

        return leases;
    }

    /// <inheritdoc/>
    public Task<LeaseState> HeartbeatAsync(WorkLease lease, WorkProgress? progress, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(lease);
        return CallAsync("heartbeat", connection => HeartbeatAsync(connection, lease, progress), ct, again: true);
    }

    /// <inheritdoc/>
    public Task<WriteOutcome> FailAsync(WorkLease lease, string error, bool final, CancellationToken ct) => FencedAsync(
        "fail",
        lease,
        async (turn, item) =>
        {
            var failures = item.Failures + 1;
            if (final || failures >= item.MaxFailures)
            {
                await ParkAsync(turn, item, error, failures: 1, deaths: 0);
                return;
            }

            await PutBackAsync(turn, item, RetryDelay(failures), error, failures: 1);
            var text = $"item {item.Idx}, failure {failures} of {item.MaxFailures}: {error}";
            turn.Log(item.ExperimentId, "error", item.StageName, text);
        },
        ct);

    /// <inheritdoc/>
    public Task<WriteOutcome> ReleaseAsync(WorkLease lease, CancellationToken ct) => FencedAsync(
        "release",
        lease,
        (turn, item) => PutBackAsync(turn, item, delay: 0, error: null, attempts: 1),
        ct);

    /// <inheritdoc/>
    public async Task<int> ReapAsync(CancellationToken ct)
    {
        var buried = await BuryAsync("reap", holder: null, survivor: null, ct);
        await FinishForgottenAsync(ct);
        return buried;
    }

    /// <inheritdoc/>
    public Task<int> ReapOthersAsync(string survivor, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(survivor);
        return BuryAsync("reapothers", holder: null, survivor, ct);
    }

    /// <inheritdoc/>
    public Task<int> ReapHolderAsync(string holder, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(holder);
        return BuryAsync("reapholder", holder, survivor: null, ct);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<WaitingItem>> WaitingItemsAsync(long experimentId, int limit, CancellationToken ct) =>
        RowsAsync<WaitingData, WaitingItem>(PostgresTexts.ItemsWaiting, new { experimentId, limit, given = Given }, row => row.ToRow(), ct);

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<int, string>> ResultsAsync(long stageId, CancellationToken ct) =>
        (await RowsAsync<(int Idx, string Result), (int Idx, string Result)>(PostgresTexts.ResultsOfStage, new { stageId }, row => row, ct))
        .ToDictionary(row => row.Idx, row => row.Result);

    /// <inheritdoc/>
    public Task<IReadOnlyList<FailedItem>> FailuresAsync(long experimentId, int limit, CancellationToken ct) =>
        RowsAsync<FailedData, FailedItem>(
            PostgresTexts.FailuresOfExperiment,
            new { experimentId, limit },
            row => new FailedItem(row.Id, row.StageName, row.Idx, row.Failures, row.Deaths, row.Error),
            ct);

    /// <inheritdoc/>
    public Task<IReadOnlyList<RunningItem>> RunningAsync(long experimentId, CancellationToken ct) =>
        RowsAsync<RunningData, RunningItem>(
            PostgresTexts.RunningOfExperiment,
            new { experimentId },
            row => new RunningItem(row.Id, row.StageName, row.Idx, row.Holder, row.Attempt, row.Fraction, row.Note),
            ct);

    private async Task<IReadOnlyList<WorkLease>> ClaimOneAsync(ClaimRequest request, CancellationToken ct)
    {
        var (leases, blocked) = await CallAsync("claim", connection => ClaimAsync(connection, request, from: default), ct);
        foreach (var stageId in blocked)
        {
            await UnblockAsync(stageId);
        }

        return leases;
    }

    /// <summary>What is left behind the cursor is not enough: something may have come back before it.</summary>
    private async Task ClaimFromTheBeginningAsync(ClaimRequest request, List<WorkLease> leases, HashSet<long> blocked, CancellationToken ct)
    {
        _cursor.Reset();
        try
        {
            var (more, moreBlocked) = await CallAsync("claim", connection => ClaimAsync(connection, request, from: default), ct);
            leases.AddRange(more);
            blocked.UnionWith(moreBlocked);
        }
        catch (LedgerUnavailableException) when (leases.Count > 0)
        {
            // The leases of the first look are the caller's and must not be lost.
        }
    }

    // Positional parameters from here on: Npgsql sends such texts as they are, prepared, without looking through them.
    private async Task<(List<WorkLease> Leases, HashSet<long> Blocked)> ClaimAsync(
        NpgsqlConnection connection, ClaimRequest request, ClaimCursor.Place from)
    {
        FaultPoints.Hit("ledger.before-commit:claim");
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(PostgresTexts.ClaimsShare),
                request.Item is { } item ? ClaimOf(request, item) : ClaimFrom(request, from),
            },
        };
        var leases = new List<WorkLease>(request.Slots);
        var blocked = new HashSet<long>();
        await using (var reader = await batch.ExecuteReaderAsync(CancellationToken.None))
        {
            await reader.NextResultAsync(CancellationToken.None);
            while (await reader.ReadAsync(CancellationToken.None))
            {
                leases.Add(new WorkLease(
                    reader.GetInt64(0),
                    reader.GetInt64(1),
                    reader.GetInt64(2),
                    reader.GetInt64(3),
                    reader.GetString(4),
                    reader.GetString(5),
                    reader.GetInt32(6),
                    reader.GetInt32(7),
                    request.Holder,
                    request.Ttl,
                    reader.IsDBNull(8) ? null : reader.GetString(8)));
                if (reader.GetBoolean(9))
                {
                    blocked.Add(leases[^1].StageId);
                }
            }
        }

        FaultPoints.Hit("ledger.after-commit:claim");
        return (leases, blocked);
    }

    private NpgsqlBatchCommand ClaimFrom(ClaimRequest request, ClaimCursor.Place from) => new(PostgresTexts.ItemsClaim)
    {
        Parameters =
        {
            Text(request.Holder),
            new NpgsqlParameter<int> { TypedValue = request.Slots },
            Big((long)request.Ttl.TotalMilliseconds),
            new NpgsqlParameter<bool> { TypedValue = request.HasGpu },
            Big(request.MemoryBytes),
            Texts(request.Tags ?? []),
            Texts(request.Kinds),
            Big(request.ExperimentId),
            Big(Given),
            new NpgsqlParameter<long> { TypedValue = from.StageId },
            new NpgsqlParameter<int> { TypedValue = from.Index },
        },
    };

    private NpgsqlBatchCommand ClaimOf(ClaimRequest request, ItemPlace item) => new(PostgresTexts.ItemClaim)
    {
        Parameters =
        {
            Text(request.Holder),
            Big((long)request.Ttl.TotalMilliseconds),
            new NpgsqlParameter<bool> { TypedValue = request.HasGpu },
            Big(request.MemoryBytes),
            Texts(request.Tags ?? []),
            Texts(request.Kinds),
            Big(Given),
            new NpgsqlParameter<long> { TypedValue = item.StageId },
            new NpgsqlParameter<int> { TypedValue = item.Index },
        },
    };

    /// <summary>A stage that was said to wait in vain did not: here are leases of it.</summary>
    private async Task UnblockAsync(long stageId)
    {
        try
        {
            await WriteAsync(
                "unblock",
                async turn =>
                {
                    if (await turn.FirstAsync<TouchedStageData>(PostgresTexts.StageUnblock, new { stageId }) is { } stage)
                    {
                        LogBlock(turn, stage, why: null);
                    }

                    return true;
                },
                CancellationToken.None);
        }
        catch (LedgerUnavailableException)
        {
            // The leases are what was asked for and must not be lost; the next claim or the stage's end unblocks it.
        }
    }

    private async Task<LeaseState> HeartbeatAsync(NpgsqlConnection connection, WorkLease lease, WorkProgress? progress)
    {
        FaultPoints.Hit("ledger.before-commit:heartbeat");
        double? fraction = progress is null ? null : Math.Clamp(double.IsNaN(progress.Fraction) ? 0 : progress.Fraction, 0, 1);
        await using var command = new NpgsqlCommand(PostgresTexts.ItemHeartbeat, connection)
        {
            Parameters =
            {
                Big(lease.ItemId),
                Big(lease.Epoch),
                Text(lease.Holder),
                Big((long)lease.Ttl.TotalMilliseconds),
                new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Double, Value = (object?)fraction ?? DBNull.Value },
                Text(progress?.Note),
                Big(progress?.Checkpoint),
                Big(Given),
            },
        };
        var held = await command.ExecuteNonQueryAsync(CancellationToken.None) > 0;
        FaultPoints.Hit("ledger.after-commit:heartbeat");
        if (held)
        {
            return LeaseState.Held;
        }

        await using var ask = new NpgsqlCommand(PostgresTexts.ItemExperimentState, connection) { Parameters = { Big(lease.ItemId) } };
        var state = (string?)await ask.ExecuteScalarAsync(CancellationToken.None);
        return state == Words.Of(ExperimentState.Cancelled) ? LeaseState.Cancelled : LeaseState.Lost;
    }

    private static NpgsqlParameter Text(string? value) => new() { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)value ?? DBNull.Value };

    private static NpgsqlParameter Big(long? value) => new() { NpgsqlDbType = NpgsqlDbType.Bigint, Value = (object?)value ?? DBNull.Value };

    private static NpgsqlParameter Texts(IReadOnlyList<string>? values) =>
        new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text, Value = values is null ? DBNull.Value : values.ToArray() };

    /// <summary>
    /// A write that may change the experiment's state: its row is locked before the item's, as everywhere, so that none
    /// waits in a circle.
    /// </summary>
    private Task<WriteOutcome> FencedAsync(
        string operation, WorkLease lease, Func<PostgresTurn, LeasedData, Task> body, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(lease);
        return WriteAsync(
            operation,
            async turn =>
            {
                await LockExperimentsAsync(turn, [lease.ExperimentId]);
                var fence = new { itemId = lease.ItemId, epoch = lease.Epoch, holder = lease.Holder };
                if (await turn.FirstAsync<LeasedData>(PostgresTexts.ItemLeased, fence) is not { } item)
                {
                    return WriteOutcome.LeaseLost;
                }

                await body(turn, item);
                return WriteOutcome.Written;
            },
            ct);
    }

    private Task<int> BuryAsync(string operation, string? holder, string? survivor, CancellationToken ct) => WriteAsync(
        operation,
        async turn =>
        {
            var lapsed = await turn.QueryAsync<LapsedData>(PostgresTexts.ItemsLapsed, new { holder, survivor, given = turn.Given });
            if (lapsed.Count == 0)
            {
                return 0;
            }

            await LockExperimentsAsync(turn, [.. lapsed.Select(item => item.ExperimentId).Distinct()]);
            var dead = await turn.QueryAsync<LeasedData>(
                PostgresTexts.ItemsLapsedLock,
                new { ids = lapsed.Select(item => item.Id).ToArray(), holder, survivor, given = turn.Given });
            foreach (var item in dead)
            {
                await BuryAsync(turn, item);
            }

            return dead.Count;
        },
        ct);

    private static async Task BuryAsync(PostgresTurn turn, LeasedData item)
    {
        var deaths = item.Deaths + 1;
        var error = $"lease of {item.Holder} lapsed, death {deaths} of {item.MaxDeaths}";
        if (deaths >= item.MaxDeaths)
        {
            await ParkAsync(turn, item, error, failures: 0, deaths: 1);
            return;
        }

        await PutBackAsync(turn, item, delay: 0, error: null, deaths: 1);
        turn.Log(item.ExperimentId, "death", item.StageName, $"item {item.Idx}: {error}");
    }

    private static async Task PutBackAsync(
        PostgresTurn turn, LeasedData item, long delay, string? error, int failures = 0, int deaths = 0, int attempts = 0)
    {
        await turn.ExecuteAsync(PostgresTexts.ItemPutBack, new { id = item.Id, delay, error, failures, deaths, attempts, given = turn.Given });
        turn.Rings = true;
    }

    private static async Task ParkAsync(PostgresTurn turn, LeasedData item, string error, int failures, int deaths)
    {
        await turn.ExecuteAsync(PostgresTexts.ItemPark, new { id = item.Id, error, failures, deaths, given = turn.Given });
        await turn.ExecuteAsync(PostgresTexts.StageFail, new { stageId = item.StageId, given = turn.Given });
        await FailExperimentAsync(turn, item.ExperimentId, item.StageName, $"item {item.Idx}: {error}");
    }

    private long RetryDelay(int failures)
    {
        var factor = Math.Min(Math.Pow(2, failures - 1), 60) * (0.5 + Random.Shared.NextDouble());
        return (long)(_options.RetryDelay.TotalMilliseconds * factor);
    }
}
