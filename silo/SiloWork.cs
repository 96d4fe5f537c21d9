// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;

namespace Teravox.Silo;

/// <summary>What the items of a silo share: the ledger, commits and looks that go together, and whom to tell.</summary>
internal sealed class SiloWork
{
    private const int MostCommits = 256;
    private readonly Gathering<WorkCommit, WriteOutcome> _commits;
    private readonly Gathering<long, IReadOnlyList<StageRow>> _looks;
    private readonly RateMeter _rate = new();

    public SiloWork(ILedger ledger, SiloOptions options, Action<SiloEvent> emit, Action freed)
    {
        Ledger = ledger;
        Options = options;
        Emit = emit;
        Freed = freed;
        _commits = new(CommitAsync, MostCommits);
        _looks = new(LookAsync, int.MaxValue);
    }

    public ILedger Ledger { get; }

    public SiloOptions Options { get; }

    public Action<SiloEvent> Emit { get; }

    /// <summary>A place on a device is free.</summary>
    public Action Freed { get; }

    /// <summary>Items committed since the start.</summary>
    public long Done => _rate.Total;

    /// <summary>Items committed per second over the last minute.</summary>
    public double PerSecond => _rate.PerSecond;

    /// <summary>Commits the item: alone, or with those that arrived while an earlier commit was in flight.</summary>
    public Task<WriteOutcome> CommitAsync(WorkLease lease, WorkResult result) => _commits.AskAsync(new WorkCommit(lease, result));

    /// <summary>The experiment's stages, not older than the call.</summary>
    public Task<IReadOnlyList<StageRow>> StagesAsync(long experimentId) => _looks.AskAsync(experimentId);

    public void Committed() => _rate.Add();

    private async Task<IReadOnlyList<WriteOutcome>> CommitAsync(IReadOnlyList<WorkCommit> commits) => commits is [var alone]
        ? [await Ledger.CommitAsync(alone.Lease, alone.Result, CancellationToken.None)]
        : await Ledger.CommitAsync(commits, CancellationToken.None);

    private async Task<IReadOnlyList<IReadOnlyList<StageRow>>> LookAsync(IReadOnlyList<long> experiments)
    {
        var seen = new Dictionary<long, IReadOnlyList<StageRow>>();
        foreach (var id in experiments.Distinct())
        {
            seen[id] = await Ledger.StagesAsync(id, CancellationToken.None);
        }

        return [.. experiments.Select(id => seen[id])];
    }
}
