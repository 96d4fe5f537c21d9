// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains.Ledger.Postgres;

// Experiments and their stages: what users and planners do.
public sealed partial class PostgresLedger
{
    /// <inheritdoc/>
    public async Task<long> SubmitAsync(NewExperiment experiment, CancellationToken ct) => (await SubmitAsync([experiment], ct))[0];

    /// <inheritdoc/>
    public Task<IReadOnlyList<long>> SubmitAsync(IReadOnlyList<NewExperiment> experiments, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(experiments);
        foreach (var experiment in experiments)
        {
            NewExperimentRules.Check(experiment);
        }

        return WriteAsync<IReadOnlyList<long>>(
            "submit",
            async turn =>
            {
                // In one order for everyone: two submissions of the same keys wait for each other, and can not both wait.
                var keys = experiments.Select(experiment => experiment.IdempotencyKey).OfType<string>().Distinct(StringComparer.Ordinal).ToArray();
                if (keys.Length > 1)
                {
                    await turn.ExecuteAsync(PostgresTexts.ExperimentKeysLock, new { keys });
                }

                var ids = new List<long>(experiments.Count);
                foreach (var experiment in experiments)
                {
                    ids.Add(await SubmitAsync(turn, experiment));
                }

                return ids;
            },
            ct);
    }

    /// <inheritdoc/>
    public async Task<ExperimentRow?> FindAsync(long experimentId, CancellationToken ct) =>
        await RowsAsync<ExperimentData, ExperimentRow>(PostgresTexts.ExperimentFind, new { experimentId }, row => row.ToRow(), ct)
            is [var row] ? row : null;

    /// <inheritdoc/>
    public Task<IReadOnlyList<ExperimentRow>> ListAsync(ExperimentQuery query, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(query);
        return RowsAsync<ExperimentData, ExperimentRow>(
            PostgresTexts.ExperimentList,
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
        RowsAsync<StageData, StageRow>(PostgresTexts.StagesOfExperiment, new { experimentId }, row => row.ToRow(), ct);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StageRow>> ReadyStagesAsync(CancellationToken ct) =>
        RowsAsync<StageData, StageRow>(PostgresTexts.StagesReady, null, row => row.ToRow(), ct);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StageRow>> WaitingStagesAsync(CancellationToken ct) =>
        RowsAsync<StageData, StageRow>(PostgresTexts.StagesWaiting, null, row => row.ToRow(), ct);

    /// <inheritdoc/>
    public async Task<bool> ExpandAsync(long stageId, int count, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var expanded = await WriteAsync("expand", turn => ExpandAsync(turn, stageId, count), ct);
        if (expanded && count == 0)
        {
            await FinishAsync([stageId]);
        }

        return expanded;
    }

    /// <inheritdoc/>
    public Task<bool> FailStageAsync(long stageId, string error, CancellationToken ct) => WriteAsync(
        "failstage",
        async turn =>
        {
            await LockExperimentOfAsync(turn, stageId);
            var failed = await turn.FirstAsync<TouchedStageData>(PostgresTexts.StageFailUnplanned, new { stageId, error, given = turn.Given });
            if (failed is not { } stage)
            {
                return false;
            }

            await FailExperimentAsync(turn, stage.ExperimentId, stage.Name, error);
            return true;
        },
        ct);

    /// <inheritdoc/>
    public Task<bool> BlockAsync(long stageId, string? why, CancellationToken ct) => WriteAsync(
        "block",
        async turn =>
        {
            await LockExperimentOfAsync(turn, stageId);
            if (await turn.FirstAsync<TouchedStageData>(PostgresTexts.StageBlock, new { stageId, why }) is not { } stage)
            {
                return false;
            }

            LogBlock(turn, stage, why);
            return true;
        },
        ct);

    /// <inheritdoc/>
    public Task<bool> PauseAsync(long experimentId, CancellationToken ct) =>
        ChangeAsync("pause", PostgresTexts.ExperimentPause, experimentId, "paused", ct);

    /// <inheritdoc/>
    public Task<bool> ResumeAsync(long experimentId, CancellationToken ct) =>
        ChangeAsync("resume", PostgresTexts.ExperimentResume, experimentId, "resumed", ct);

    /// <inheritdoc/>
    public Task<bool> CancelAsync(long experimentId, CancellationToken ct) => WriteAsync(
        "cancel",
        async turn =>
        {
            await turn.ExecuteAsync(PostgresTexts.ClaimsStop);
            if (await turn.ExecuteAsync(PostgresTexts.ExperimentCancel, new { experimentId, given = turn.Given }) == 0)
            {
                return false;
            }

            await turn.ExecuteAsync(PostgresTexts.ItemsUnlease, new { experimentId });
            turn.Log(experimentId, "cancelled", null, "cancelled");
            return true;
        },
        ct);

    /// <inheritdoc/>
    public Task<int> RetryFailedAsync(long experimentId, CancellationToken ct) => WriteAsync(
        "retryfailed",
        async turn =>
        {
            if (await turn.ExecuteAsync(PostgresTexts.ExperimentRetry, new { experimentId }) == 0)
            {
                return 0;
            }

            var items = await turn.ExecuteAsync(PostgresTexts.ItemsRetry, new { experimentId, given = turn.Given });
            var unplanned = await turn.ScalarAsync<int>(PostgresTexts.StagesUnplannedCount, new { experimentId });
            await turn.ExecuteAsync(PostgresTexts.StagesRetry, new { experimentId });
            turn.Log(experimentId, "retried", null, $"{items + unplanned} failed items retried");
            return items + unplanned;
        },
        ct);

    /// <inheritdoc/>
    public Task<IReadOnlyList<EventRow>> EventsAsync(long? experimentId, long after, int limit, CancellationToken ct) =>
        RowsAsync<EventData, EventRow>(PostgresTexts.EventsAfter, new { experimentId, after, limit }, row => row.ToRow(), ct);

    private Task<bool> ChangeAsync(string operation, string sql, long experimentId, string kind, CancellationToken ct) =>
        WriteAsync(
            operation,
            async turn =>
            {
                if (await turn.ExecuteAsync(sql, new { experimentId }) == 0)
                {
                    return false;
                }

                turn.Log(experimentId, kind, null, kind);
                return true;
            },
            ct);

    private static async Task<long> SubmitAsync(PostgresTurn turn, NewExperiment experiment)
    {
        var added = await turn.FirstAsync<long?>(
            PostgresTexts.ExperimentAdd,
            new
            {
                name = experiment.Name,
                spec = experiment.SpecJson,
                priority = experiment.Priority,
                key = experiment.IdempotencyKey,
                owner = experiment.Owner,
                campaign = experiment.Campaign,
                parameters = experiment.ParametersJson,
                given = turn.Given,
            });
        if (added is not { } experimentId)
        {
            return await turn.ScalarAsync<long>(PostgresTexts.ExperimentByKey, new { key = experiment.IdempotencyKey });
        }

        var stages = experiment.Stages;
        var needs = stages.Select(stage => stage.Needs ?? new WorkNeeds()).ToList();
        await turn.ExecuteAsync(
            PostgresTexts.StagesAdd,
            new
            {
                experimentId,
                names = stages.Select(stage => stage.Name).ToArray(),
                kinds = stages.Select(stage => stage.Kind).ToArray(),
                arguments = stages.Select(stage => stage.Arguments).ToArray(),
                gpus = needs.Select(need => need.Gpu).ToArray(),
                memories = needs.Select(need => need.MemoryBytes).ToArray(),
                tags = needs.Select(need => need.Tag).ToArray(),
                failures = stages.Select(stage => stage.MaxFailures).ToArray(),
                deaths = stages.Select(stage => stage.MaxDeaths).ToArray(),
                states = stages.Select(stage => Words.Of(stage.After.Count == 0 ? StageState.Ready : StageState.Waiting)).ToArray(),
            });
        var edges = stages.SelectMany(stage => stage.After.Distinct(StringComparer.Ordinal).Select(after => (stage.Name, after))).ToList();
        if (edges.Count > 0)
        {
            var both = new { experimentId, names = edges.Select(edge => edge.Name).ToArray(), afters = edges.Select(edge => edge.after).ToArray() };
            await turn.ExecuteAsync(PostgresTexts.StageEdgesAdd, both);
        }

        turn.Log(experimentId, "submitted", null, $"{experiment.Name}: {stages.Count} stages");
        return experimentId;
    }

    /// <summary>
    /// The items first and the stage last: a million items take seconds, in which the experiment must not be locked for
    /// everyone else. When the stage is not to be expanded any more by then, the items are rolled back.
    /// </summary>
    private async Task<bool> ExpandAsync(PostgresTurn turn, long stageId, int count)
    {
        if (!await turn.ScalarAsync<bool>(PostgresTexts.StageExpandTurn, new { stageId }))
        {
            return false;
        }

        await turn.AllowAsync(_options.LongTimeout);
        await turn.ExecuteAsync(PostgresTexts.ItemsAdd, new { stageId, count, given = turn.Given });
        await LockExperimentOfAsync(turn, stageId);
        if (await turn.FirstAsync<TouchedStageData>(PostgresTexts.StageExpand, new { stageId, count, given = turn.Given }) is not { } stage)
        {
            turn.IsVoid = true;
            return false;
        }

        turn.Log(stage.ExperimentId, "expanded", stage.Name, Words.Items(count));
        return true;
    }

    private static void LogBlock(PostgresTurn turn, TouchedStageData stage, string? why) =>
        turn.Log(stage.ExperimentId, why is null ? "unblocked" : "blocked", stage.Name, why ?? "a silo can run it again");

    private static async Task FailExperimentAsync(PostgresTurn turn, long experimentId, string stage, string error)
    {
        turn.Log(experimentId, "parked", stage, error);
        if (await turn.ExecuteAsync(PostgresTexts.ExperimentFail, new { experimentId, given = turn.Given }) > 0)
        {
            turn.Log(experimentId, "failed", null, $"stage '{stage}' failed");
        }
    }

    private static async Task LockExperimentOfAsync(PostgresTurn turn, long stageId)
    {
        if (await turn.FirstAsync<long?>(PostgresTexts.StageExperiment, new { stageId }) is { } experimentId)
        {
            await LockExperimentsAsync(turn, [experimentId]);
        }
    }

    private static Task LockExperimentsAsync(PostgresTurn turn, long[] experimentIds) =>
        turn.ExecuteAsync(PostgresTexts.ExperimentLock, new { experimentIds });
}
