// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains.Ledger.Sqlite;

// How much there is of what.
public sealed partial class SqliteLedger
{
    /// <inheritdoc/>
    public async Task<LedgerCounts> CountsAsync(CancellationToken ct)
    {
        var experiments = await RowsAsync<StateCountData, StateCountData>(SqlTexts.CountsOfExperiments, null, row => row, ct);
        var items = await RowsAsync<KindCountData, KindCount>(SqlTexts.CountsOfItems, null, row => row.ToRow(), ct);
        return new LedgerCounts(experiments.ToDictionary(row => Words.Experiment(row.State), row => row.Count), items);
    }
}
