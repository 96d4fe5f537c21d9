// SPDX-License-Identifier: Apache-2.0
using Npgsql;

namespace Teravox.Grains.Ledger.Postgres;

// How a stage ends. This is the one place where the two ledgers go different ways: SQLite has one writer, which sees all
// commits before its own and ends the stage in the very transaction of the last one. Here commits run side by side, and
// none sees another that is not yet visible, so of the last two each could think that the other is missing. Hence:
//
//  1. A commit looks, last of all, whether items of the stage still wait. If some do, it is not the end.
//  2. If none does, then after the commit, thus in a statement that sees it and every commit before it, stage_finish
//     compares the done items with all items, and ends the stage when they are equal. Of all commits of the stage one
//     becomes visible last; the look that follows it sees them all. Most that look find items still under way, which
//     costs them one short read; two that both find the stage done take turns at the experiment's row, and one ends it.
//  3. A silo may die between 1 and 2. Or a commit sees in 1 a last item wait which, before that commit is visible, is
//     claimed, done and committed by another. ReapAsync, which every silo calls a few times per ttl, ends such stages.
//  4. A commit that is repeated because its answer was lost does 2 as well.
public sealed partial class PostgresLedger
{
    private async Task FinishAsync(IReadOnlyList<long> stageIds)
    {
        foreach (var stageId in stageIds)
        {
            if (await CallAsync("finish", connection => FinishAsync(connection, stageId), CancellationToken.None, again: true))
            {
                _bell.Ring();
            }
        }
    }

    private async Task FinishForgottenAsync(CancellationToken ct) =>
        await FinishAsync(await RowsAsync<long, long>(PostgresTexts.StagesAtEnd, null, id => id, ct));

    private async Task<bool> FinishAsync(NpgsqlConnection connection, long stageId)
    {
        await using var command = new NpgsqlCommand(PostgresTexts.StageFinish, connection) { Parameters = { Big(stageId), Big(Given) } };
        return (bool)(await command.ExecuteScalarAsync(CancellationToken.None))!;
    }
}
