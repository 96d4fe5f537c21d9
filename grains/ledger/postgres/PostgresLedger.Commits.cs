// SPDX-License-Identifier: Apache-2.0
using Npgsql;
using NpgsqlTypes;
using Teravox.Contracts;

namespace Teravox.Grains.Ledger.Postgres;

// The ends of work items, and the sums they bring.
public sealed partial class PostgresLedger
{
    /// <inheritdoc/>
    public async Task<WriteOutcome> CommitAsync(WorkLease lease, WorkResult result, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(lease);
        ArgumentNullException.ThrowIfNull(result);
        var answer = await CallAsync("commit", connection => CommitAsync(connection, lease, result), ct, again: true);
        if (answer == Answer.MayEnd)
        {
            await FinishAsync([lease.StageId]);
        }

        return answer == Answer.Lost ? WriteOutcome.LeaseLost : WriteOutcome.Written;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<WriteOutcome>> CommitAsync(IReadOnlyList<WorkCommit> commits, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(commits);
        if (commits.Count == 0)
        {
            return [];
        }

        var (outcomes, mayEnd) = await WriteAsync("commit", turn => CommitAsync(turn, commits), ct);
        await FinishAsync(mayEnd);
        return outcomes;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, long[]>> SumsAsync(long stageId, CancellationToken ct)
    {
        var parts = await RowsAsync<(string Name, long[] Counts), (string Name, long[] Counts)>(
            PostgresTexts.SumsOfStage, new { stageId }, row => row, ct);
        return parts.GroupBy(part => part.Name, StringComparer.Ordinal).ToDictionary(
            group => group.Key,
            group => group.Select(part => part.Counts).Aggregate((a, b) => Sums.Add(group.Key, a, b)),
            StringComparer.Ordinal);
    }

    private async Task<Answer> CommitAsync(NpgsqlConnection connection, WorkLease lease, WorkResult result)
    {
        FaultPoints.Hit("ledger.before-commit:commit");
        var (names, lengths, counts) = Flatten(result.Sums);
        await using var command = new NpgsqlCommand(PostgresTexts.ItemCommit, connection)
        {
            Parameters =
            {
                Big(lease.ItemId),
                Big(lease.Epoch),
                Text(lease.Holder),
                Text(result.Json),
                Texts(names),
                new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer, Value = (object?)lengths ?? DBNull.Value },
                new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint, Value = (object?)counts ?? DBNull.Value },
                Texts(result.Events is { Count: > 0 } events ? events : null),
                Big(Given),
            },
        };
        var answer = (Answer)(int)(await command.ExecuteScalarAsync(CancellationToken.None))!;
        FaultPoints.Hit("ledger.after-commit:commit");
        return answer;
    }

    private async Task<(IReadOnlyList<WriteOutcome> Outcomes, long[] MayEnd)> CommitAsync(PostgresTurn turn, IReadOnlyList<WorkCommit> commits)
    {
        // Twice in the list: the first stands.
        var first = commits.DistinctBy(commit => (commit.Lease.ItemId, commit.Lease.Epoch)).ToList();
        var fence = new
        {
            items = first.Select(commit => commit.Lease.ItemId).ToArray(),
            epochs = first.Select(commit => commit.Lease.Epoch).ToArray(),
            holders = first.Select(commit => commit.Lease.Holder).ToArray(),
            results = first.Select(commit => commit.Result.Json).ToArray(),
            given = turn.Given,
        };
        var written = (await turn.QueryAsync<DoneData>(PostgresTexts.ItemsCommit, fence)).Select(item => (item.Id, item.Epoch)).ToHashSet();

        // Done before under these very leases: an answer was lost on the way, and maybe a stage's end with it.
        var done = written.Count == first.Count ? [] : (await turn.QueryAsync<DoneData>(PostgresTexts.ItemsDone, fence))
            .Where(item => !written.Contains((item.Id, item.Epoch))).ToList();
        var mayEnd = done.Select(item => item.StageId).ToHashSet();
        var stages = first
            .Where(commit => written.Contains((commit.Lease.ItemId, commit.Lease.Epoch)))
            .GroupBy(commit => commit.Lease.StageId)
            .OrderBy(group => group.Key);
        foreach (var stage in stages)
        {
            if (await CountAsync(turn, stage.Key, [.. stage]))
            {
                mayEnd.Add(stage.Key);
            }
        }

        written.UnionWith(done.Select(item => (item.Id, item.Epoch)));
        var outcomes = commits.Select(commit =>
            written.Contains((commit.Lease.ItemId, commit.Lease.Epoch)) ? WriteOutcome.Written : WriteOutcome.LeaseLost);
        return ([.. outcomes], [.. mayEnd]);
    }

    private async Task<bool> CountAsync(PostgresTurn turn, long stageId, List<WorkCommit> commits)
    {
        var sums = new Dictionary<string, long[]>(StringComparer.Ordinal);
        foreach (var (lease, result) in commits)
        {
            foreach (var (name, more) in result.Sums ?? new Dictionary<string, long[]>())
            {
                sums[name] = sums.TryGetValue(name, out var sum) ? Sums.Add(name, sum, more) : more;
            }

            foreach (var line in result.Events ?? [])
            {
                turn.Log(lease.ExperimentId, "log", lease.StageName, line);
            }
        }

        var (names, lengths, counts) = Flatten(sums);
        return await turn.ScalarAsync<bool>(PostgresTexts.StageCount, new { stageId, more = commits.Count, names, lengths, counts });
    }

    /// <summary>Sums as arrays; by name, so that two commits lock the rows of the names in one order.</summary>
    private static (string[]? Names, int[]? Lengths, long[]? Counts) Flatten(IReadOnlyDictionary<string, long[]>? sums)
    {
        if (sums is not { Count: > 0 })
        {
            return (null, null, null);
        }

        var pairs = sums.OrderBy(pair => pair.Key, StringComparer.Ordinal).ToList();
        return ([.. pairs.Select(pair => pair.Key)], [.. pairs.Select(pair => pair.Value.Length)], [.. pairs.SelectMany(pair => pair.Value)]);
    }

    /// <summary>What the function item_commit answers.</summary>
    private enum Answer
    {
        Lost = 0,
        Written = 1,
        MayEnd = 2,
    }
}
