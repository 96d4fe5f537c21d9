// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains.Ledger.Postgres;

// How much there is of what.
public sealed partial class PostgresLedger
{
    /// <inheritdoc/>
    public async Task<LedgerCounts> CountsAsync(CancellationToken ct)
    {
        var experiments = await RowsAsync<StateCountData, StateCountData>(PostgresTexts.CountsOfExperiments, null, row => row, ct);
        var items = await RowsAsync<KindCountData, KindCount>(PostgresTexts.CountsOfItems, null, row => row.ToRow(), ct);
        return new LedgerCounts(experiments.ToDictionary(row => Words.Experiment(row.State), row => row.Count), items);
    }
}
