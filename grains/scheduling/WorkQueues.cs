// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;

namespace Teravox.Grains.Scheduling;

/// <summary>What the experiments have offered, in the order that it is handed out.</summary>
internal sealed class WorkQueues
{
    // Enough that a silo learns of an experiment that ended while it still had items of it.
    private const int MostEnded = 1000;
    private readonly Dictionary<long, OfferedExperiment> _experiments = [];
    private readonly Dictionary<long, ExperimentState> _ended = [];
    private readonly Dictionary<long, long> _served = [];
    private long _turns;

    public IEnumerable<long> Experiments => _experiments.Keys;

    public IEnumerable<WorkQueue> All => _experiments.Values.SelectMany(e => e.Stages);

    public ExperimentState? StateOf(long experiment) =>
        _experiments.ContainsKey(experiment) ? ExperimentState.Running : _ended.TryGetValue(experiment, out var state) ? state : null;

    public WorkQueue? Find(long experiment, string stage) =>
        _experiments.TryGetValue(experiment, out var known) ? known.Stages.FirstOrDefault(s => s.Plan.Name == stage) : null;

    /// <summary>
    /// By priority, then by how many items of it silos have, then by who has waited longest: experiments of one priority share, and
    /// where there are more of them than slots, they take turns.
    /// </summary>
    public IEnumerable<OfferedExperiment> InOrder(IReadOnlyDictionary<long, int> held) => _experiments.Values
        .OrderBy(e => e.Priority).ThenBy(e => held.GetValueOrDefault(e.Id)).ThenBy(e => _served.GetValueOrDefault(e.Id)).ThenBy(e => e.Id);

    /// <summary>An experiment had its turn.</summary>
    public void Served(long experiment)
    {
        if (_experiments.ContainsKey(experiment))
            _served[experiment] = ++_turns;
    }

    /// <summary>When a range that was put off beyond <paramref name="now"/> may have items again, by <see cref="Stopwatch"/>; none when only news can tell.</summary>
    public long? NextDue(long now) => All.Select(q => q.NextDue(now)).Min();

    /// <summary>Takes an offer in the place of the experiment's last one. A stage that was offered before keeps what is known of it.</summary>
    public void Offer(ExperimentOffer offer)
    {
        if (offer.State != ExperimentState.Running)
        {
            _experiments.Remove(offer.Experiment);
            _served.Remove(offer.Experiment);
            if (_ended.Count >= MostEnded)
                _ended.Clear();
            _ended[offer.Experiment] = offer.State;
            return;
        }

        _ended.Remove(offer.Experiment);
        var stages = offer.Stages.OrderBy(s => s.Plan.Ordinal).Select(s =>
        {
            var queue = Find(offer.Experiment, s.Plan.Name) ?? new WorkQueue(s.Plan);
            queue.Learn(s.RangesDone);
            return queue;
        }).ToList();
        _experiments[offer.Experiment] = new OfferedExperiment(offer.Experiment, offer.Priority, stages);
    }
}

/// <summary>An experiment that runs.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Priority">Lower is run first.</param>
/// <param name="Stages">Its stages that run, in their order.</param>
internal sealed record OfferedExperiment(long Id, int Priority, IReadOnlyList<WorkQueue> Stages);

/// <summary>
/// Which ranges of a stage may have items: those never asked, from the first on, and those that said so. It does not grow with the
/// number of items.
/// </summary>
internal sealed class WorkQueue(StagePlan plan)
{
    private readonly bool[] _done = new bool[plan.Ranges];
    private readonly SortedSet<int> _returned = [];
    private readonly Dictionary<int, long> _due = [];
    private int _cursor;

    public StagePlan Plan => plan;

    /// <summary>Ranges that have handed items out and are not known to be done.</summary>
    public HashSet<int> Open { get; } = [];

    /// <summary>When it may have something again after <paramref name="now"/>, by <see cref="Stopwatch"/>; none when only news can tell.</summary>
    public long? NextDue(long now) => _due.Values.Where(due => due > now).Select(due => (long?)due).Min();

    /// <summary>Whether a range may have items now.</summary>
    public bool HasCandidates(long now)
    {
        foreach (var range in _due.Where(d => d.Value <= now).Select(d => d.Key).ToList())
        {
            _due.Remove(range);
            _returned.Add(range);
        }

        while (_cursor < _done.Length && _done[_cursor])
            _cursor++;
        return _returned.Count > 0 || _cursor < _done.Length;
    }

    /// <summary>The first range that may have items. Nobody else gets it until <see cref="Took"/> says how it is.</summary>
    public int Next()
    {
        var range = _returned.Count > 0 && _returned.Min < _cursor ? _returned.Min : _cursor++;
        _returned.Remove(range);
        return range;
    }

    /// <summary>A range was asked, and this is how it is now.</summary>
    public void Took(int range, RangeStatus status, bool handedOut)
    {
        if (status.IsComplete || _done[range])
        {
            Finish(range);
            return;
        }

        Open.Add(range);
        if (status.Waiting > 0 && handedOut)
            _returned.Add(range);
        else if (status.Waiting > 0)
            Later(range, 250);
        if (status.NextInMs >= 0)
            Later(range, status.NextInMs);
    }

    /// <summary>The range has items again.</summary>
    public void Return(int range)
    {
        if (range < _cursor && !_done[range])
            _returned.Add(range);
    }

    /// <summary>The range is asked again after a while.</summary>
    public void Later(int range, long inMs)
    {
        var due = Stopwatch.GetTimestamp() + ((inMs + 1) * Stopwatch.Frequency / 1000);
        _due[range] = _due.TryGetValue(range, out var known) ? Math.Min(known, due) : due;
    }

    /// <summary>These ranges are done.</summary>
    public void Learn(byte[] done)
    {
        for (var range = 0; range < _done.Length; range++)
        {
            if ((done[range / 8] & (1 << (range % 8))) != 0)
                Finish(range);
        }
    }

    private void Finish(int range)
    {
        _done[range] = true;
        Open.Remove(range);
        _returned.Remove(range);
        _due.Remove(range);
    }
}
