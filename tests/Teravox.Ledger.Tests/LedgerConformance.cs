// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;

namespace Teravox.Ledger.Tests;

/// <summary>
/// The rules of <see cref="ILedger"/>, for every ledger to pass. A derived class opens its ledger; the tests are in the
/// files <c>LedgerConformance.*.cs</c> by topic.
/// </summary>
public abstract partial class LedgerConformance : IAsyncLifetime
{
    private protected static readonly TimeSpan Ttl = TimeSpan.FromSeconds(30);
    private readonly FakeClock _clock = new();
    private ILedger? _ledger;

    private protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    private protected ILedger Ledger => _ledger!;

    private protected FakeClock Clock => _clock;

    public async ValueTask InitializeAsync() => _ledger = await OpenAsync("main", _clock, TimeSpan.FromSeconds(1));

    public virtual async ValueTask DisposeAsync()
    {
        if (_ledger is not null)
        {
            await _ledger.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the database <paramref name="name"/> of this test once more, making it the first time.</summary>
    private protected abstract Task<ILedger> OpenAsync(string name, TimeProvider time, TimeSpan retryDelay);

    private protected static NewStage Stage(string name, params string[] after) => new(name, "kind", after);

    private protected static ClaimRequest Claim(int slots, string holder = "silo-a") => new(holder, slots, Ttl);

    private protected async Task<long> SubmitAsync(params NewStage[] stages) =>
        await Ledger.SubmitAsync(new NewExperiment("experiment", "{}", stages), Ct);

    private protected async Task<StageRow> StageAsync(long experimentId, string name) =>
        (await Ledger.StagesAsync(experimentId, Ct)).Single(stage => stage.Name == name);

    private protected async Task<ExperimentState> StateAsync(long experimentId) => (await Ledger.FindAsync(experimentId, Ct))!.State;

    private protected async Task ExpandAsync(long experimentId, string stage, int count) =>
        Assert.True(await Ledger.ExpandAsync((await StageAsync(experimentId, stage)).Id, count, Ct));

    /// <summary>An experiment of one stage "s" with its items.</summary>
    private protected async Task<long> SubmitItemsAsync(int count, Func<NewStage, NewStage>? change = null)
    {
        var stage = Stage("s");
        var id = await SubmitAsync(change is null ? stage : change(stage));
        await ExpandAsync(id, "s", count);
        return id;
    }

    private protected async Task<WorkLease> ClaimOneAsync(string holder = "silo-a") =>
        Assert.Single(await Ledger.ClaimAsync(Claim(1, holder), Ct));

    private protected Task<WriteOutcome> CommitAsync(WorkLease lease, WorkResult? result = null) =>
        Ledger.CommitAsync(lease, result ?? new WorkResult(), Ct);

    private protected static WorkResult Counts(params long[] counts) => new(Sums: new Dictionary<string, long[]> { ["n"] = counts });

    private protected async Task<long[]> SumAsync(long experimentId, string stage)
    {
        var sums = await Ledger.SumsAsync((await StageAsync(experimentId, stage)).Id, Ct);
        return sums.TryGetValue("n", out var counts) ? counts : [];
    }

    private protected async Task RunAllAsync()
    {
        while (await Ledger.ClaimAsync(Claim(100), Ct) is { Count: > 0 } leases)
        {
            foreach (var lease in leases)
            {
                Assert.Equal(WriteOutcome.Written, await CommitAsync(lease, Counts(1)));
            }
        }
    }
}
