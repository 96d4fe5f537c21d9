// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains.Ledger;

/// <summary>
/// The database that holds every grain's state. Two ledgers stand behind this interface: SQLite (embedded, one
/// machine) and PostgreSQL (a cluster).
/// <para>
/// Rules that every implementation keeps:
/// <list type="number">
/// <item>A claim is one statement: it takes available items into free slots only, raises attempt and lease epoch, and names the holder.</item>
/// <item>Every later write names (item, epoch). A write whose epoch is no longer the row's own changes nothing and says <see cref="WriteOutcome.LeaseLost"/>.</item>
/// <item>A commit is one transaction: the item's result, its share of the stage's sums, and, when it is the stage's last, the stage's end and its successors' readiness.</item>
/// <item>Deaths (a lease that lapsed) and failures (work that threw) are counted apart; either past its limit parks the item as failed, its error kept.</item>
/// <item>An experiment with a failed item ends failed, never succeeded; the stages after it never start. It is failed
/// from the moment an item is parked: its other items are not claimed any more, those under lease may still commit.</item>
/// <item>A cancelled experiment changes no more: its leases are void from the moment of the cancel.</item>
/// <item>Times are the database's own; tests pass time in.</item>
/// </list>
/// </para>
/// <para>
/// Every method throws <see cref="LedgerUnavailableException"/> when the database did not answer in time: whether a
/// write took effect is then unknown, and repeating it is safe (a submission without an idempotency key alone may then be
/// there twice). It throws <see cref="Contracts.InputException"/> when the
/// database can not be used at all (disk full, not a ledger, written by a newer teravox).
/// </para>
/// </summary>
public interface ILedger : IRoster, ICatalogue, IKeyRing, IAsyncDisposable
{
    /// <summary>Brings the schema to the newest version by numbered migrations; does nothing when it is.</summary>
    Task MigrateAsync(CancellationToken ct);

    /// <summary>
    /// Writes an experiment with its stages in one transaction; stages that wait for nothing are ready at once.
    /// The same idempotency key twice gives the first experiment's id and writes nothing.
    /// </summary>
    Task<long> SubmitAsync(NewExperiment experiment, CancellationToken ct);

    /// <summary>
    /// Writes many experiments in one transaction, all or none; ids in their order. One whose idempotency key is there
    /// already, or comes twice among them, is not written again and gives the id of the first. So a repeat after a lost answer
    /// gives the same ids when all have keys, and writes those without one again.
    /// </summary>
    Task<IReadOnlyList<long>> SubmitAsync(IReadOnlyList<NewExperiment> experiments, CancellationToken ct);

    /// <summary>One experiment, or null.</summary>
    Task<ExperimentRow?> FindAsync(long experimentId, CancellationToken ct);

    /// <summary>Experiments from the newest that meet the query.</summary>
    Task<IReadOnlyList<ExperimentRow>> ListAsync(ExperimentQuery query, CancellationToken ct);

    /// <summary>The experiment's stages in the order they were submitted, with counts of their items.</summary>
    Task<IReadOnlyList<StageRow>> StagesAsync(long experimentId, CancellationToken ct);

    /// <summary>Stages that run and have items no silo has claimed, of experiments that run.</summary>
    Task<IReadOnlyList<StageRow>> WaitingStagesAsync(CancellationToken ct);

    /// <summary>Stages whose predecessors are done and that have no items yet, of experiments that run.</summary>
    Task<IReadOnlyList<StageRow>> ReadyStagesAsync(CancellationToken ct);

    /// <summary>
    /// Gives a ready stage its items 0..count-1 in one transaction; with 0 items the stage is done at once. False
    /// when the stage was not ready any more: another silo did it, which is fine, as an expansion depends on the
    /// experiment alone.
    /// </summary>
    Task<bool> ExpandAsync(long stageId, int count, CancellationToken ct);

    /// <summary>
    /// Ends a ready stage that can not be expanded as failed, and with it its experiment. A retry makes the stage
    /// ready again. False when the stage was not ready any more.
    /// </summary>
    Task<bool> FailStageAsync(long stageId, string error, CancellationToken ct);

    /// <summary>Takes up to <see cref="ClaimRequest.Slots"/> items, by (priority, experiment, stage, index).</summary>
    Task<IReadOnlyList<WorkLease>> ClaimAsync(ClaimRequest request, CancellationToken ct);

    /// <summary>
    /// Items of the experiment that nobody has claimed, in claim order, those that are put off too; none when it does not
    /// run. For a host that hands items out one by one, see <see cref="ClaimRequest.Item"/>.
    /// </summary>
    Task<IReadOnlyList<WaitingItem>> WaitingItemsAsync(long experimentId, int limit, CancellationToken ct);

    /// <summary>Extends the lease by its ttl and stores progress.</summary>
    Task<LeaseState> HeartbeatAsync(WorkLease lease, WorkProgress? progress, CancellationToken ct);

    /// <summary>The item is done: result and sums in one transaction. Twice with the same lease is <see cref="WriteOutcome.Written"/> both times, and counts once.</summary>
    /// <exception cref="InvalidOperationException">An array of the sums has another length than the stage's; nothing is written.</exception>
    Task<WriteOutcome> CommitAsync(WorkLease lease, WorkResult result, CancellationToken ct);

    /// <summary>
    /// Many commits in one transaction, outcomes in their order; one whose lease is lost changes nothing and does not
    /// keep the others from being written. A repeat with the same leases gives the same outcomes and counts nothing twice;
    /// of a lease that comes twice in one call the first result counts.
    /// </summary>
    /// <exception cref="InvalidOperationException">As for one; nothing of any is written.</exception>
    Task<IReadOnlyList<WriteOutcome>> CommitAsync(IReadOnlyList<WorkCommit> commits, CancellationToken ct);

    /// <summary>
    /// The work threw: the item goes back, to be claimed after a delay that grows with its failures, or is parked
    /// when its failures are used up or <paramref name="final"/> says a repeat is in vain.
    /// </summary>
    Task<WriteOutcome> FailAsync(WorkLease lease, string error, bool final, CancellationToken ct);

    /// <summary>The silo stops: the item goes back with its attempt.</summary>
    Task<WriteOutcome> ReleaseAsync(WorkLease lease, CancellationToken ct);

    /// <summary>Items whose lease lapsed go back (deaths + 1) or are parked. Returns how many lapsed.</summary>
    Task<int> ReapAsync(CancellationToken ct);

    /// <summary>
    /// As if every lease of a holder other than <paramref name="survivor"/> had lapsed just now. For an embedded
    /// ledger whose file lock proves that no other process is alive.
    /// </summary>
    Task<int> ReapOthersAsync(string survivor, CancellationToken ct);

    /// <summary>
    /// As if every lease of <paramref name="holder"/> had lapsed just now, for a host whose silos tell of each other's
    /// deaths. Safe when it lives after all: what it still writes is refused by the fence.
    /// </summary>
    Task<int> ReapHolderAsync(string holder, CancellationToken ct);

    /// <summary>The stage's sums by name, merged over its partial rows.</summary>
    Task<IReadOnlyDictionary<string, long[]>> SumsAsync(long stageId, CancellationToken ct);

    /// <summary>Results of the stage's committed items by index; items without a result are left out.</summary>
    Task<IReadOnlyDictionary<int, string>> ResultsAsync(long stageId, CancellationToken ct);

    /// <summary>The experiment's failed items with their errors, at most <paramref name="limit"/>.</summary>
    Task<IReadOnlyList<FailedItem>> FailuresAsync(long experimentId, int limit, CancellationToken ct);

    /// <summary>Items under lease with their progress.</summary>
    Task<IReadOnlyList<RunningItem>> RunningAsync(long experimentId, CancellationToken ct);

    /// <summary>How much there is of what, over all experiments; its cost does not grow with the items that wait.</summary>
    Task<LedgerCounts> CountsAsync(CancellationToken ct);

    /// <summary>No more claims for it; what runs may end. False when it was not running.</summary>
    Task<bool> PauseAsync(long experimentId, CancellationToken ct);

    /// <summary>Undoes a pause. False when it was not paused.</summary>
    Task<bool> ResumeAsync(long experimentId, CancellationToken ct);

    /// <summary>Ends it as cancelled; holders learn of it with their next heartbeat. False when it had ended.</summary>
    Task<bool> CancelAsync(long experimentId, CancellationToken ct);

    /// <summary>
    /// Failed items become available again with fresh counts and the experiment runs again. Returns how many items and
    /// unplanned stages that were; 0 when the experiment is not failed.
    /// </summary>
    Task<int> RetryFailedAsync(long experimentId, CancellationToken ct);

    /// <summary>
    /// Says why no silo can run the stage, or with null that one can again; a change is an event of the experiment
    /// ("blocked" or "unblocked"). False when the stage said so already or is not one of <see cref="WaitingStagesAsync"/>.
    /// A claim of one of its items unblocks the stage, too.
    /// </summary>
    Task<bool> BlockAsync(long stageId, string? why, CancellationToken ct);

    /// <summary>
    /// Events of one experiment, or of all with null, after <paramref name="after"/>, oldest first. An event comes only when
    /// no event before it can come any more, so a reader that goes on from the last one misses none.
    /// </summary>
    Task<IReadOnlyList<EventRow>> EventsAsync(long? experimentId, long after, int limit, CancellationToken ct);

    /// <summary>
    /// Returns when another writer hinted that there may be work or news, or after <paramref name="atMost"/>. Only
    /// a hint: callers poll in any case.
    /// </summary>
    Task WaitForHintAsync(TimeSpan atMost, CancellationToken ct);
}
