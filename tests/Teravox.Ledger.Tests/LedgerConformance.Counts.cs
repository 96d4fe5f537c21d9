// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;

namespace Teravox.Ledger.Tests;

// How much there is of what.
public abstract partial class LedgerConformance
{
    [Fact]
    public async Task CountsAsync_WhenItemsAreInEveryState_CountsEachOnce()
    {
        Assert.Empty((await Ledger.CountsAsync(Ct)).Items);
        var id = await SubmitItemsAsync(10, stage => stage with { MaxFailures = 2 });
        var leases = await Ledger.ClaimAsync(Claim(4), Ct);
        await Ledger.CommitAsync(leases[0], new WorkResult(), Ct);
        await Ledger.CommitAsync(leases[1], new WorkResult(), Ct);

        // Another experiment, of which nothing waits any more once it is cancelled.
        var other = await SubmitAsync(new NewStage("t", "another", []));
        await ExpandAsync(other, "t", 5);
        Assert.Equal([new KindCount("another", 5, 0, 0, 0), new KindCount("kind", 6, 2, 2, 0)], (await Ledger.CountsAsync(Ct)).Items);
        await Ledger.CancelAsync(other, Ct);
        await Ledger.PauseAsync(id, Ct);
        var paused = await Ledger.CountsAsync(Ct);
        Assert.Equal([new KindCount("another", 0, 0, 0, 0), new KindCount("kind", 6, 2, 2, 0)], paused.Items);
        Assert.Equal([(ExperimentState.Paused, 1), (ExperimentState.Cancelled, 1)], paused.Experiments.OrderBy(e => e.Key).Select(e => (e.Key, e.Value)));

        // A parked item fails its experiment, of which nothing is claimed then.
        await Ledger.FailAsync(leases[2], "bad", true, Ct);
        Assert.Equal(new KindCount("kind", 0, 1, 2, 1), (await Ledger.CountsAsync(Ct)).Items[1]);
    }
}
