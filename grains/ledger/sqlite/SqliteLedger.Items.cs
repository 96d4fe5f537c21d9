// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Dapper;

namespace Teravox.Grains.Ledger.Sqlite;

// Work items: what silos do.
public sealed partial class SqliteLedger
{
    /// <inheritdoc/>
    public Task<IReadOnlyList<WorkLease>> ClaimAsync(ClaimRequest request, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Slots, 1);
        return WriteAsync("claim", turn => Claim(turn, request), ct);
    }

    /// <inheritdoc/>
    public Task<LeaseState> HeartbeatAsync(WorkLease lease, WorkProgress? progress, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(lease);
        var arguments = new DynamicParameters(new
        {
            itemId = lease.ItemId,
            epoch = lease.Epoch,
            ttl = (long)lease.Ttl.TotalMilliseconds,
            fraction = progress is null ? (double?)null : Math.Clamp(double.IsNaN(progress.Fraction) ? 0 : progress.Fraction, 0, 1),
            note = progress?.Note,
            checkpoint = progress?.Checkpoint,
        });
        return WriteAsync(
            "heartbeat",
            turn =>
            {
                arguments.Add("now", turn.Now);
                if (turn.Execute(SqlTexts.ItemHeartbeat, arguments) > 0)
                {
                    return LeaseState.Held;
                }

                var state = turn.First<string>(SqlTexts.ItemExperimentState, new { itemId = lease.ItemId });
                var cancelled = state is not null && Words.Experiment(state) == ExperimentState.Cancelled;
                return cancelled ? LeaseState.Cancelled : LeaseState.Lost;
            },
            ct);
    }

    /// <inheritdoc/>
    public Task<WriteOutcome> CommitAsync(WorkLease lease, WorkResult result, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(lease);
        ArgumentNullException.ThrowIfNull(result);
        return WriteAsync("commit", turn => Commit(turn, lease, result), ct);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<WriteOutcome>> CommitAsync(IReadOnlyList<WorkCommit> commits, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(commits);
        return commits.Count == 0
            ? []
            : await WriteAsync<WriteOutcome[]>("commit", turn => [.. commits.Select(one => Commit(turn, one.Lease, one.Result))], ct);
    }

    /// <inheritdoc/>
    public Task<WriteOutcome> FailAsync(WorkLease lease, string error, bool final, CancellationToken ct) => FencedAsync(
        "fail",
        lease,
        (turn, item) =>
        {
            var failures = item.Failures + 1;
            if (final || failures >= item.MaxFailures)
            {
                Park(turn, item, error, failures: 1, deaths: 0);
                return;
            }

            PutBack(turn, item, turn.Now + RetryDelay(failures), error, failures: 1);
            var text = $"item {item.Idx}, failure {failures} of {item.MaxFailures}: {error}";
            turn.Log(item.ExperimentId, "error", item.StageName, text);
        },
        ct);

    /// <inheritdoc/>
    public Task<WriteOutcome> ReleaseAsync(WorkLease lease, CancellationToken ct) => FencedAsync(
        "release",
        lease,
        (turn, item) => PutBack(turn, item, turn.Now, error: null, attempts: 1),
        ct);

    /// <inheritdoc/>
    public Task<int> ReapAsync(CancellationToken ct) => WriteAsync(
        "reap",
        turn => Bury(turn, turn.Query<LeasedData>(SqlTexts.ItemsLapsed, new { now = turn.Now })),
        ct);

    /// <inheritdoc/>
    public Task<int> ReapOthersAsync(string survivor, CancellationToken ct) => WriteAsync(
        "reapothers",
        turn => Bury(turn, turn.Query<LeasedData>(SqlTexts.ItemsOfOthers, new { survivor })),
        ct);

    /// <inheritdoc/>
    public Task<int> ReapHolderAsync(string holder, CancellationToken ct) => WriteAsync(
        "reapholder",
        turn => Bury(turn, turn.Query<LeasedData>(SqlTexts.ItemsOfHolder, new { holder })),
        ct);

    /// <inheritdoc/>
    public Task<IReadOnlyList<WaitingItem>> WaitingItemsAsync(long experimentId, int limit, CancellationToken ct) =>
        RowsAsync<WaitingData, WaitingItem>(SqlTexts.ItemsWaiting, new { experimentId, limit, given = GivenTime }, row => row.ToRow(), ct);

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, long[]>> SumsAsync(long stageId, CancellationToken ct) =>
        ReadAsync<IReadOnlyDictionary<string, long[]>>(
            reader => reader.Query<(string Name, byte[] Counts)>(SqlTexts.SumsOfStage, new { stageId })
                .ToDictionary(row => row.Name, row => Sums.Decode(row.Counts), StringComparer.Ordinal),
            ct);

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<int, string>> ResultsAsync(long stageId, CancellationToken ct) =>
        ReadAsync<IReadOnlyDictionary<int, string>>(
            reader => reader.Query<(int Idx, string Result)>(SqlTexts.ResultsOfStage, new { stageId })
                .ToDictionary(row => row.Idx, row => row.Result),
            ct);

    /// <inheritdoc/>
    public Task<IReadOnlyList<FailedItem>> FailuresAsync(long experimentId, int limit, CancellationToken ct) =>
        RowsAsync<FailedData, FailedItem>(
            SqlTexts.FailuresOfExperiment,
            new { experimentId, limit },
            row => new FailedItem(row.Id, row.StageName, row.Idx, row.Failures, row.Deaths, row.Error),
            ct);

    /// <inheritdoc/>
    public Task<IReadOnlyList<RunningItem>> RunningAsync(long experimentId, CancellationToken ct) =>
        RowsAsync<RunningData, RunningItem>(
            SqlTexts.RunningOfExperiment,
            new { experimentId },
            row => new RunningItem(row.Id, row.StageName, row.Idx, row.Holder, row.Attempt, row.Fraction, row.Note),
            ct);

    private static IReadOnlyList<WorkLease> Claim(WriteTurn turn, ClaimRequest request)
    {
        var items = turn.Query<ClaimedData>(
            SqlTexts.ItemsClaim,
            new
            {
                holder = request.Holder,
                slots = request.Slots,
                ttl = (long)request.Ttl.TotalMilliseconds,
                hasGpu = request.HasGpu,
                memory = request.MemoryBytes,
                tags = JsonSerializer.Serialize(request.Tags ?? []),
                kinds = request.Kinds is null ? null : JsonSerializer.Serialize(request.Kinds),
                experimentId = request.ExperimentId,
                stageId = request.Item?.StageId,
                idx = request.Item?.Index,
                now = turn.Now,
            });

        // RETURNING promises no order.
        var claimed = new List<(ClaimedStageData Stage, ClaimedData Item)>(items.Count);
        foreach (var group in items.GroupBy(item => item.StageId))
        {
            var counted = new { stageId = group.Key, count = group.Count() };
            var stage = turn.First<ClaimedStageData>(SqlTexts.StageCountClaimed, counted)!;
            if (stage.Blocked is not null)
            {
                turn.Execute(SqlTexts.StageUnblock, new { stageId = group.Key });
                LogBlock(turn, stage.ExperimentId, stage.Name, why: null);
            }

            claimed.AddRange(group.Select(item => (stage, item)));
        }

        return [.. claimed
            .OrderBy(pair => (pair.Stage.Priority, pair.Stage.ExperimentId, pair.Stage.Ordinal, pair.Item.Idx))
            .Select(pair => new WorkLease(
                pair.Item.Id,
                pair.Item.Epoch,
                pair.Stage.ExperimentId,
                pair.Item.StageId,
                pair.Stage.Name,
                pair.Stage.Kind,
                pair.Item.Idx,
                pair.Item.Attempt,
                request.Holder,
                request.Ttl,
                pair.Stage.Arguments))];
    }

    private static WriteOutcome Commit(WriteTurn turn, WorkLease lease, WorkResult result)
    {
        var commit = new { itemId = lease.ItemId, epoch = lease.Epoch, result = result.Json, now = turn.Now };
        if (turn.First<long?>(SqlTexts.ItemCommit, commit) is not { } stageId)
        {
            // Done under this very epoch: the caller's first answer was lost on the way.
            var done = turn.Scalar<bool>(SqlTexts.ItemIsDone, new { itemId = lease.ItemId, epoch = lease.Epoch });
            return done ? WriteOutcome.Written : WriteOutcome.LeaseLost;
        }

        foreach (var (name, counts) in result.Sums ?? new Dictionary<string, long[]>())
        {
            var stored = turn.First<byte[]>(SqlTexts.PartialRead, new { stageId, name });
            var sum = stored is null ? counts : Sums.Add(name, Sums.Decode(stored), counts);
            turn.Execute(SqlTexts.PartialWrite, new { stageId, name, counts = Sums.Encode(sum) });
        }

        var stage = turn.First<TouchedStageData>(SqlTexts.StageCountDone, new { stageId })!;
        foreach (var line in result.Events ?? [])
        {
            turn.Log(stage.ExperimentId, "log", stage.Name, line);
        }

        FinishStageWhenDone(turn, stageId, stage);
        turn.Rings = true;
        return WriteOutcome.Written;
    }

    private Task<WriteOutcome> FencedAsync(
        string operation, WorkLease lease, Action<WriteTurn, LeasedData> body, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(lease);
        return WriteAsync(
            operation,
            turn =>
            {
                var fence = new { itemId = lease.ItemId, epoch = lease.Epoch };
                if (turn.First<LeasedData>(SqlTexts.ItemLeased, fence) is not { } item)
                {
                    return WriteOutcome.LeaseLost;
                }

                body(turn, item);
                return WriteOutcome.Written;
            },
            ct);
    }

    private static int Bury(WriteTurn turn, List<LeasedData> lapsed)
    {
        foreach (var item in lapsed)
        {
            var deaths = item.Deaths + 1;
            var error = $"lease of {item.Holder} lapsed, death {deaths} of {item.MaxDeaths}";
            if (deaths >= item.MaxDeaths)
            {
                Park(turn, item, error, failures: 0, deaths: 1);
                continue;
            }

            PutBack(turn, item, turn.Now, error: null, deaths: 1);
            turn.Log(item.ExperimentId, "death", item.StageName, $"item {item.Idx}: {error}");
        }

        return lapsed.Count;
    }

    private static void PutBack(
        WriteTurn turn, LeasedData item, long availableAt, string? error, int failures = 0, int deaths = 0, int attempts = 0)
    {
        turn.Execute(SqlTexts.ItemPutBack, new { id = item.Id, availableAt, error, failures, deaths, attempts });
        turn.Execute(SqlTexts.StageCountPutBack, new { stageId = item.StageId });
        turn.Rings = true;
    }

    private static void Park(WriteTurn turn, LeasedData item, string error, int failures, int deaths)
    {
        turn.Execute(SqlTexts.ItemPark, new { id = item.Id, error, failures, deaths, now = turn.Now });
        turn.Execute(SqlTexts.StageCountParked, new { stageId = item.StageId, now = turn.Now });
        FailExperiment(turn, item.ExperimentId, item.StageName, $"item {item.Idx}: {error}");
    }

    private long RetryDelay(int failures)
    {
        var factor = Math.Min(Math.Pow(2, failures - 1), 60) * (0.5 + Random.Shared.NextDouble());
        return (long)(_options.RetryDelay.TotalMilliseconds * factor);
    }
}
