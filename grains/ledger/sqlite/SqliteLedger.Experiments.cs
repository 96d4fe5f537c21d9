// SPDX-License-Identifier: Apache-2.0
using Dapper;

namespace Teravox.Grains.Ledger.Sqlite;

// Experiments and their stages: what users and planners do.
public sealed partial class SqliteLedger
{
    /// <inheritdoc/>
    public Task<long> SubmitAsync(NewExperiment experiment, CancellationToken ct)
    {
        NewExperimentRules.Check(experiment);
        return WriteAsync("submit", turn => Submit(turn, experiment), ct);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<long>> SubmitAsync(IReadOnlyList<NewExperiment> experiments, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(experiments);
        foreach (var experiment in experiments)
        {
            NewExperimentRules.Check(experiment);
        }

        return experiments.Count == 0
            ? []
            : await WriteAsync<long[]>("submit", turn => [.. experiments.Select(one => Submit(turn, one))], ct);
    }

    /// <inheritdoc/>
    public Task<ExperimentRow?> FindAsync(long experimentId, CancellationToken ct) => ReadAsync(
        reader => reader.QueryFirstOrDefault<ExperimentData>(SqlTexts.ExperimentFind, new { experimentId })?.ToRow(),
        ct);

    /// <inheritdoc/>
    public Task<IReadOnlyList<ExperimentRow>> ListAsync(ExperimentQuery query, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(query);
        return RowsAsync<ExperimentData, ExperimentRow>(
            query.Campaign is null ? SqlTexts.ExperimentList : SqlTexts.ExperimentListOfCampaign,
            new
            {
                before = query.Before,
                limit = query.Limit,
                state = query.State is { } state ? Words.Of(state) : null,
                campaign = query.Campaign,
                owner = query.Owner,
            },
            row => row.ToRow(),
            ct);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<StageRow>> StagesAsync(long experimentId, CancellationToken ct) =>
        RowsAsync<StageData, StageRow>(SqlTexts.StagesOfExperiment, new { experimentId }, row => row.ToRow(), ct);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StageRow>> ReadyStagesAsync(CancellationToken ct) =>
        RowsAsync<StageData, StageRow>(SqlTexts.StagesReady, null, row => row.ToRow(), ct);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StageRow>> WaitingStagesAsync(CancellationToken ct) =>
        RowsAsync<StageData, StageRow>(SqlTexts.StagesWaiting, null, row => row.ToRow(), ct);

    /// <inheritdoc/>
    public Task<bool> BlockAsync(long stageId, string? why, CancellationToken ct) => WriteAsync(
        "block",
        turn =>
        {
            if (turn.First<TouchedStageData>(SqlTexts.StageBlock, new { stageId, why }) is not { } stage)
            {
                return false;
            }

            LogBlock(turn, stage.ExperimentId, stage.Name, why);
            return true;
        },
        ct);

    /// <inheritdoc/>
    public Task<bool> ExpandAsync(long stageId, int count, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return WriteAsync(
            "expand",
            turn =>
            {
                if (turn.First<TouchedStageData>(SqlTexts.StageExpand, new { stageId, count, now = turn.Now }) is not { } stage)
                {
                    return false;
                }

                turn.Execute(SqlTexts.ItemsAdd, new { stageId, count, now = turn.Now });
                turn.Log(stage.ExperimentId, "expanded", stage.Name, Words.Items(count));
                FinishStageWhenDone(turn, stageId, stage);
                return true;
            },
            ct);
    }

    /// <inheritdoc/>
    public Task<bool> FailStageAsync(long stageId, string error, CancellationToken ct) => WriteAsync(
        "failstage",
        turn =>
        {
            var failed = turn.First<TouchedStageData>(SqlTexts.StageFailUnplanned, new { stageId, error, now = turn.Now });
            if (failed is not { } stage)
            {
                return false;
            }

            FailExperiment(turn, stage.ExperimentId, stage.Name, error);
            return true;
        },
        ct);

    /// <inheritdoc/>
    public Task<bool> PauseAsync(long experimentId, CancellationToken ct) =>
        ChangeAsync("pause", SqlTexts.ExperimentPause, experimentId, "paused", ct);

    /// <inheritdoc/>
    public Task<bool> ResumeAsync(long experimentId, CancellationToken ct) =>
        ChangeAsync("resume", SqlTexts.ExperimentResume, experimentId, "resumed", ct);

    /// <inheritdoc/>
    public Task<bool> CancelAsync(long experimentId, CancellationToken ct) => WriteAsync(
        "cancel",
        turn =>
        {
            if (turn.Execute(SqlTexts.ExperimentCancel, new { experimentId, now = turn.Now }) == 0)
            {
                return false;
            }

            turn.Execute(SqlTexts.ItemsUnlease, new { experimentId });
            turn.Execute(SqlTexts.StagesUnlease, new { experimentId });
            turn.Log(experimentId, "cancelled", null, "cancelled");
            return true;
        },
        ct);

    /// <inheritdoc/>
    public Task<int> RetryFailedAsync(long experimentId, CancellationToken ct) => WriteAsync(
        "retryfailed",
        turn =>
        {
            if (turn.Execute(SqlTexts.ExperimentRetry, new { experimentId }) == 0)
            {
                return 0;
            }

            var items = turn.Execute(SqlTexts.ItemsRetry, new { experimentId, now = turn.Now });
            var unplanned = turn.Scalar<int>(SqlTexts.StagesUnplannedCount, new { experimentId });
            turn.Execute(SqlTexts.StagesRetry, new { experimentId });
            turn.Log(experimentId, "retried", null, $"{items + unplanned} failed items retried");
            return items + unplanned;
        },
        ct);

    /// <inheritdoc/>
    public Task<IReadOnlyList<EventRow>> EventsAsync(long? experimentId, long after, int limit, CancellationToken ct) =>
        RowsAsync<EventData, EventRow>(
            SqlTexts.EventsAfter,
            new { experimentId, after, limit },
            row => new EventRow(row.Id, row.ExperimentId, Words.Time(row.At), row.Kind, row.Stage, row.Text),
            ct);

    private Task<bool> ChangeAsync(string operation, string sql, long experimentId, string kind, CancellationToken ct) =>
        WriteAsync(
            operation,
            turn =>
            {
                if (turn.Execute(sql, new { experimentId }) == 0)
                {
                    return false;
                }

                turn.Log(experimentId, kind, null, kind);
                return true;
            },
            ct);

    private static long Submit(WriteTurn turn, NewExperiment experiment)
    {
        if (experiment.IdempotencyKey is { } key && turn.First<long?>(SqlTexts.ExperimentByKey, new { key }) is { } first)
        {
            return first;
        }

        var experimentId = turn.Scalar<long>(
            SqlTexts.ExperimentAdd,
            new
            {
                name = experiment.Name,
                spec = experiment.SpecJson,
                priority = experiment.Priority,
                key = experiment.IdempotencyKey,
                owner = experiment.Owner,
                campaign = experiment.Campaign,
                parameters = experiment.ParametersJson,
                now = turn.Now,
            });
        var ids = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (ordinal, stage) in experiment.Stages.Index())
        {
            var needs = stage.Needs ?? new WorkNeeds();
            ids[stage.Name] = turn.Scalar<long>(
                SqlTexts.StageAdd,
                new
                {
                    experimentId,
                    ordinal,
                    name = stage.Name,
                    kind = stage.Kind,
                    arguments = stage.Arguments,
                    needsGpu = needs.Gpu,
                    needsMemory = needs.MemoryBytes,
                    needsTag = needs.Tag,
                    maxFailures = stage.MaxFailures,
                    maxDeaths = stage.MaxDeaths,
                    state = stage.After.Count == 0 ? "ready" : "waiting",
                });
        }

        foreach (var stage in experiment.Stages)
        {
            foreach (var after in stage.After.Distinct(StringComparer.Ordinal))
            {
                turn.Execute(SqlTexts.StageEdgeAdd, new { stageId = ids[stage.Name], afterId = ids[after] });
            }
        }

        turn.Log(experimentId, "submitted", null, $"{experiment.Name}: {experiment.Stages.Count} stages");
        return experimentId;
    }

    /// <summary>When all items of a stage are done: ends it, makes successors ready, and ends the experiment after its last.</summary>
    private static void FinishStageWhenDone(WriteTurn turn, long stageId, TouchedStageData stage)
    {
        if (turn.First<string>(SqlTexts.StageFinish, new { stageId, now = turn.Now }) is null)
        {
            return;
        }

        turn.Log(stage.ExperimentId, "done", stage.Name, "all items are done");
        foreach (var successor in turn.Query<string>(SqlTexts.StageSuccessorsReady, new { stageId }))
        {
            turn.Log(stage.ExperimentId, "ready", successor, "may start");
        }

        if (turn.Execute(SqlTexts.ExperimentSucceed, new { experimentId = stage.ExperimentId, now = turn.Now }) > 0)
        {
            turn.Log(stage.ExperimentId, "succeeded", null, "all stages are done");
        }
    }

    private static void LogBlock(WriteTurn turn, long experimentId, string stage, string? why) =>
        turn.Log(experimentId, why is null ? "unblocked" : "blocked", stage, why ?? "a silo can run it again");

    private static void FailExperiment(WriteTurn turn, long experimentId, string stage, string error)
    {
        turn.Log(experimentId, "parked", stage, error);
        if (turn.Execute(SqlTexts.ExperimentFail, new { experimentId, now = turn.Now }) > 0)
        {
            turn.Log(experimentId, "failed", null, $"stage '{stage}' failed");
        }
    }
}
