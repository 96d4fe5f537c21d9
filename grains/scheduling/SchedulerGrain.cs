// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using Orleans.Concurrency;
using Teravox.Contracts.Api;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;

namespace Teravox.Grains.Scheduling;

/// <summary>
/// Hands items out to devices that pull. It holds a queue for each stage that runs, never items: a queue knows which ranges may
/// have items, and asks them one after the other. It stores nothing: activated anew, it asks the experiments that the catalog
/// says run, and they offer their stages again.
/// </summary>
[Reentrant]
[KeepAlive]
[GrainType("scheduler")]
public sealed class SchedulerGrain(ICatalog catalog, IClusterMembers members, WorkKinds kinds, WorkEvents events) : Grain, ISchedulerGrain
{
    private const int PageSize = 200, LooksBetweenLists = 6;

    /// <summary>How long a pull waits for items.</summary>
    private static readonly TimeSpan LongestPull = TimeSpan.FromSeconds(2);

    /// <summary>How long an item that needs an idle device waits until nothing more is handed out beside it.</summary>
    private static readonly TimeSpan PatienceOfAlone = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5), ForgetAfter = TimeSpan.FromHours(1), SilentFor = TimeSpan.FromSeconds(15);
    private readonly WorkQueues _queues = new();
    private readonly Dictionary<string, KnownSilo> _silos = new(StringComparer.Ordinal);
    private readonly Dictionary<(long Experiment, string Stage), string?> _blocked = [];
    private TaskCompletionSource _news = NewSignal();
    private int _looks;
    private bool _gone;
    private RepeatedWork? _findsExperiments;

    private sealed class KnownSilo(SiloEntry entry)
    {
        public SiloEntry Entry { get; set; } = entry;

        public SiloLoad Status { get; set; } = new();

        public DateTimeOffset Started { get; } = DateTimeOffset.UtcNow;

        public DateTimeOffset LastSeen { get; set; } = DateTimeOffset.UtcNow;

        public long Heard { get; set; } = Stopwatch.GetTimestamp();

        public bool HasLeft { get; set; }

        /// <summary>Items that it has, by experiment: as it said last, and what it got since.</summary>
        public Dictionary<long, int> Holding { get; set; } = [];

        /// <summary>Since when an item that needs it idle is first for a device, by <see cref="Stopwatch"/>.</summary>
        public Dictionary<string, long> AloneSince { get; } = new(StringComparer.Ordinal);

        public bool IsAlive => !HasLeft && Stopwatch.GetElapsedTime(Heard) < SilentFor;
    }

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _findsExperiments = new RepeatedWork(StartExperimentsAsync, () => _gone, Report);
        _findsExperiments.Want();
        this.RegisterGrainTimer(LookAsync, new GrainTimerCreationOptions(LookEvery, LookEvery) { Interleave = true });

        // It lives as long as the activation: it is no part of the call that brought the activation about.
        Activity.Current = null;
        _ = FollowMembersAsync();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _gone = true;
        _news.TrySetResult();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task JoinAsync(SiloEntry silo)
    {
        ArgumentNullException.ThrowIfNull(silo);
        if (_silos.TryGetValue(silo.Name, out var known))
            (known.Entry, known.Status) = (silo, new SiloLoad());
        else
            _silos[silo.Name] = new KnownSilo(silo);
        Hear(_silos[silo.Name]);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task LeaveAsync(string silo)
    {
        _silos.Remove(silo);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<BeatAnswer> BeatAsync(SiloBeat beat)
    {
        ArgumentNullException.ThrowIfNull(beat);
        if (!_silos.TryGetValue(beat.Silo, out var silo))
            return Task.FromResult(new BeatAnswer(false, []));
        Hear(silo);
        silo.Status = beat.Status;
        silo.Holding = beat.Holding;
        var stopped = silo.Holding.Keys.Where(e => _queues.StateOf(e) is not (null or ExperimentState.Running)).ToDictionary(e => e, e => _queues.StateOf(e)!.Value);
        if (silo.Holding.Keys.Any(e => _queues.StateOf(e) is null))
            AskAbout(silo.Holding.Keys.Where(e => _queues.StateOf(e) is null));

        // Its calls that wait for items end at once.
        if (beat.Status.Draining)
            SignalNews();
        return Task.FromResult(new BeatAnswer(true, stopped));
    }

    /// <inheritdoc/>
    public Task OfferAsync(ExperimentOffer offer)
    {
        _queues.Offer(offer);
        SignalNews();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task RangeHasItemsAsync(long experiment, string stage, int range, long inMs)
    {
        if (inMs > 0)
            await Task.Delay(TimeSpan.FromMilliseconds(inMs));
        if (_queues.Find(experiment, stage) is not { } queue)
            return;
        queue.Return(range);
        SignalNews();
    }

    /// <inheritdoc/>
    public Task<SiloState[]> SilosAsync() => Task.FromResult(_silos.Values.OrderBy(s => s.Entry.Name, StringComparer.Ordinal)
        .Select(s => new SiloState(s.Entry, s.Status, s.Started, s.LastSeen, s.IsAlive)).ToArray());

    /// <inheritdoc/>
    public async Task<PullAnswer> PullAsync(PullRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!_silos.TryGetValue(request.Silo, out var silo) || silo.Entry.Devices.FirstOrDefault(d => d.Name == request.Device) is not { } device)
            return new PullAnswer(false, []);
        Hear(silo);
        silo.Holding = request.Holding;
        var since = Stopwatch.GetTimestamp();
        var items = new List<WorkItem>();
        var (room, idle) = (request.Room, request.IsIdle);
        while (true)
        {
            // 1. Taken before the look, so that no news falls between the look and the wait.
            var news = _news.Task;
            if (silo.Status.Draining || !ReferenceEquals(silo, _silos.GetValueOrDefault(request.Silo)))
                return new PullAnswer(items.Count > 0, [.. items]);

            // 2. The first that fits; several experiments of one priority share the room.
            var now = Stopwatch.GetTimestamp();
            var choice = Choose(silo, device, room, idle, now);
            if (choice is { Queue: { } queue })
            {
                var got = await TakeAsync(silo, queue, choice.Alone ? 1 : Math.Max(1, (room + choice.Sharers - 1) / choice.Sharers), choice.Alone, idle && items.Count == 0);
                items.AddRange(got);
                (room, idle) = (room - got.Length, idle && got.Length == 0);
                if (got.Any(i => i.Alone) || room <= 0)
                    return new PullAnswer(true, [.. items]);
                continue;
            }

            // 3. Nothing more: what there is goes at once, else it waits for news.
            var left = LongestPull - Stopwatch.GetElapsedTime(since);
            if (items.Count > 0 || left <= TimeSpan.Zero || _gone)
                return new PullAnswer(true, [.. items]);
            var due = _queues.NextDue(now) is { } next ? Stopwatch.GetElapsedTime(now, next) : left;
            await Task.WhenAny(news, Task.Delay(due < left ? due + TimeSpan.FromMilliseconds(1) : left));
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static void Hear(KnownSilo silo)
    {
        silo.Heard = Stopwatch.GetTimestamp();
        silo.LastSeen = DateTimeOffset.UtcNow;
        silo.HasLeft = false;
    }

    private void SignalNews() => Interlocked.Exchange(ref _news, NewSignal()).TrySetResult();

    /// <summary>
    /// The queue that a device gets items of. Overlapping items alone would never leave a device idle while there are any; so when one
    /// that needs it idle has been first for a while, nothing more is handed out until it is.
    /// </summary>
    private (WorkQueue? Queue, bool Alone, int Sharers) Choose(KnownSilo silo, DeviceInfo device, int room, bool idle, long now)
    {
        var held = _silos.Values.Where(s => s.IsAlive).SelectMany(s => s.Holding).GroupBy(h => h.Key).ToDictionary(g => g.Key, g => g.Sum(h => h.Value));
        WorkQueue? chosen = null;
        int sharers = 0, priority = 0;
        var aloneWaits = false;
        foreach (var experiment in _queues.InOrder(held))
        {
            if (chosen is not null && experiment.Priority != priority)
                break;
            foreach (var queue in experiment.Stages.Where(q => q.HasCandidates(now) && Fitting.Fits(q.Plan.Kind, q.Plan.Needs, silo.Entry, device)))
            {
                var overlaps = kinds.Overlaps(queue.Plan.Kind, device.Name);
                if (chosen is null && !overlaps)
                {
                    if (idle)
                    {
                        silo.AloneSince.Remove(device.Name);
                        return (queue, true, 1);
                    }

                    aloneWaits = true;
                    silo.AloneSince.TryAdd(device.Name, now);
                    if (Stopwatch.GetElapsedTime(silo.AloneSince[device.Name], now) > PatienceOfAlone)
                        return default;
                }

                if (!overlaps || room <= 0)
                    continue;
                chosen ??= queue;
                priority = experiment.Priority;
                sharers++;
                break;
            }
        }

        if (!aloneWaits)
            silo.AloneSince.Remove(device.Name);
        return (chosen, false, sharers);
    }

    private async Task<WorkItem[]> TakeAsync(KnownSilo silo, WorkQueue queue, int most, bool alone, bool idle)
    {
        var (plan, range) = (queue.Plan, queue.Next());
        try
        {
            var got = await GrainFactory.GetGrain<IWorkRangeGrain>(plan.RangeKey(range)).TakeAsync(plan, new TakeRequest(silo.Entry.Name, most, alone, idle));
            queue.Took(range, got.Status, got.Items.Length > 0);
            if (got.Status.Waiting > 0)
                SignalNews();
            if (got.Items.Length > 0)
            {
                silo.Holding[plan.Experiment] = silo.Holding.GetValueOrDefault(plan.Experiment) + got.Items.Length;
                _queues.Served(plan.Experiment);
            }

            return got.Items;
        }
        catch (Exception e)
        {
            // Its silo died or the database does not answer, for this time or until somebody mends it: others may have items meanwhile.
            Report(e);
            queue.Later(range, 250);
            return [];
        }
    }

    private async Task LookAsync(CancellationToken ct)
    {
        foreach (var silo in _silos.Values.Where(s => Stopwatch.GetElapsedTime(s.Heard) > ForgetAfter).ToList())
            _silos.Remove(silo.Entry.Name);

        // Queues that rest, or whose items are due, come up again with the look of those that wait.
        SignalNews();
        await LookForBlockedAsync();

        // The net below: experiments of the catalog that nobody offered, and ranges whose grains nobody woke.
        if (_looks++ % LooksBetweenLists == 0)
            _findsExperiments!.Want();
    }

    /// <summary>Work that no silo can run would wait in silence: its experiment says so.</summary>
    private async Task LookForBlockedAsync()
    {
        var alive = _silos.Values.Where(s => s.IsAlive && !s.Status.Draining).Select(s => s.Entry).ToList();
        if (alive.Count == 0)
            return;
        foreach (var queue in _queues.All.ToList())
        {
            var key = (queue.Plan.Experiment, queue.Plan.Name);
            var why = Fitting.WhyNot(queue.Plan.Kind, queue.Plan.Needs, alive);
            if (_blocked.TryGetValue(key, out var told) && told == why)
                continue;
            try
            {
                await Experiment(key.Experiment).BlockAsync(key.Name, why);
                _blocked[key] = why;
            }
            catch (Exception e) when (GrainCalls.MayPass(e))
            {
                // The next look tells it.
            }
        }

        foreach (var key in _blocked.Keys.Where(k => _queues.Find(k.Experiment, k.Stage) is null).ToList())
            _blocked.Remove(key);
    }

    private async Task StartExperimentsAsync()
    {
        long? before = null;
        while (!_gone)
        {
            var rows = await catalog.ListAsync(new ExperimentQuery(before, PageSize, ExperimentState.Running), CancellationToken.None);
            foreach (var row in rows.Where(r => _queues.StateOf(r.Id) is null))
                await Experiment(row.Id).StartAsync();
            if (rows.Count < PageSize)
                break;
            before = rows[^1].Id;
        }

        await WakeAsync();
    }

    private void AskAbout(IEnumerable<long> experiments)
    {
        foreach (var id in experiments.ToList())
            Experiment(id).StartAsync().Ignore();
    }

    /// <summary>When members come or go: grains that died with a silo are woken elsewhere, and ranges look for what it had.</summary>
    private async Task FollowMembersAsync()
    {
        long version = -1;
        while (!_gone)
        {
            try
            {
                version = await members.ChangedAsync(version, CancellationToken.None);
                await WakeAsync();
            }
            catch (Exception e)
            {
                // Whatever it was, it is tried again: nobody else follows the members.
                Report(e);
                version = -1;
                await Task.Delay(TimeSpan.FromMilliseconds(250));
            }
        }
    }

    private void Report(Exception e)
    {
        if (!GrainCalls.MayPass(e))
            events.Emit(new NoAnswer($"scheduler: {e.GetType().Name}: {e.Message}"));
    }

    private async Task WakeAsync()
    {
        var dead = await members.DeadAmongAsync([.. _silos.Keys]);
        foreach (var silo in _silos.Values.Where(s => dead.Contains(s.Entry.Name)))
        {
            silo.HasLeft = true;
            silo.Holding = [];
        }

        var calls = _queues.Experiments.Select(id => Experiment(id).StartAsync())
            .Concat(_queues.All.SelectMany(queue => queue.Open.Select(range => CheckAsync(queue, range)))).ToList();
        await Task.WhenAll(calls);
    }

    private async Task CheckAsync(WorkQueue queue, int range)
    {
        queue.Took(range, await GrainFactory.GetGrain<IWorkRangeGrain>(queue.Plan.RangeKey(range)).CheckAsync(queue.Plan), handedOut: true);
        SignalNews();
    }

    private IExperimentGrain Experiment(long id) => GrainFactory.GetGrain<IExperimentGrain>(id.ToString(CultureInfo.InvariantCulture));
}
