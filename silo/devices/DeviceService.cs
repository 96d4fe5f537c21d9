// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Teravox.Contracts.Api;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Silo.Telemetry;

namespace Teravox.Silo.Devices;

/// <summary>
/// A silo's devices at work. For each device, again and again:
/// <list type="number">
/// <item>pull as many items from the scheduler as the device has room for;</item>
/// <item>run each, in its grain, which is activated in this process;</item>
/// <item>report its end to its range, together with others'.</item>
/// </list>
/// Once a second it reports what it has to the ranges, and how it is to the scheduler, and learns of experiments that were
/// paused or cancelled. It stops in two phases: it pulls no more, gives back what has not begun, and lets running items end; after
/// the grace period it stops them and gives them back.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A source without a timer holds nothing, and it may be cancelled at any time.")]
public sealed class DeviceService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200), LongestGoodbye = TimeSpan.FromSeconds(2);
    private readonly ISchedulerGrain _scheduler;
    private readonly WorkEvents _events;
    private readonly DeviceOptions _options;
    private readonly SiloEntry _entry;
    private readonly DeviceQueue[] _devices;
    private readonly ItemRunParts _parts;
    private readonly ConcurrentDictionary<ItemRun, Task> _runs = [];
    private readonly RateMeter _rate = new();
    private readonly CancellationTokenSource _giveUp = new();
    private volatile bool _draining;

    /// <summary>Devices that do not work yet.</summary>
    /// <exception cref="ArgumentException">No device, or a device without slots or threads.</exception>
    public DeviceService(IGrainFactory grains, WorkKinds kinds, RunningWork running, WorkEvents events, DeviceOptions options, string? url = null)
    {
        ArgumentNullException.ThrowIfNull(grains);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Devices.Count == 0 || options.Devices.Any(device => device.Slots < 1 || device.Threads < 1))
            throw new ArgumentException("A silo needs a device, and every device a slot and a thread.", nameof(options));
        _scheduler = grains.GetGrain<ISchedulerGrain>(ISchedulerGrain.Key);
        (_events, _options, _entry) = (events, options, options.Entry(url, kinds));
        _devices = [.. options.Devices.Select(device => new DeviceQueue(device, options.Ahead))];
        _parts = new ItemRunParts(grains, running, new ReportBatcher(grains, options.Name, NoAnswer, _giveUp.Token), events, options, _rate.Add);
    }

    /// <summary>How the work goes at this moment.</summary>
    public SiloLoad Load => new()
    {
        Draining = _draining,
        ItemsDone = _rate.Total,
        ItemsPerSecond = _rate.PerSecond,
        MemoryBytes = Environment.WorkingSet,
        Running = [.. _runs.Keys.Where(r => r.HasBegun).Select(r => r.Shown)],
    };

    /// <summary>Works until <paramref name="stop"/>; returns when nothing runs any more.</summary>
    /// <param name="stop">Begins the stop.</param>
    /// <param name="stopNow">Ends the grace period.</param>
    public async Task RunAsync(CancellationToken stop, CancellationToken stopNow)
    {
        _draining = false;
        using var figures = new DeviceMetrics(_devices);
        using var beating = new CancellationTokenSource();
        var beats = BeatAsync(beating.Token);
        var pulling = Task.WhenAll(_devices.Select(device => PullAsync(device, stop)));
        await Task.Delay(-1, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // What has not begun goes back at once; what runs may end. The scheduler hands nothing more out when it knows, and what it
        // has handed out meanwhile is waited for: it goes back, too.
        _draining = true;
        GiveBackUnbegun();
        await TryAsync(() => _scheduler.BeatAsync(Beat()).WaitAsync(LongestGoodbye, _giveUp.Token));
        await pulling.WaitAsync(LongestGoodbye, _giveUp.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        GiveBackUnbegun();
        try
        {
            await Task.WhenAll(_runs.Values).WaitAsync(_options.GracePeriod, stopNow);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            foreach (var run in _runs.Keys)
                run.Stop(StopCause.Stopping);

            // Reports of work that was given back are tried for a while only: a silo that is gone is found out in any case.
            _giveUp.CancelAfter(_options.GracePeriod + TimeSpan.FromSeconds(5));
            await Task.WhenAll(_runs.Values);
        }

        await beating.CancelAsync();
        await beats;
        await TryAsync(() => _scheduler.LeaveAsync(_entry.Name).WaitAsync(LongestGoodbye, CancellationToken.None));
    }

    /// <summary>Everything that runs stops at once and is not reported: the cluster takes this silo for dead, and others have its items.</summary>
    public async Task AbandonAsync()
    {
        await _giveUp.CancelAsync();
        foreach (var run in _runs.Keys)
            run.Stop(StopCause.Superseded);
        await Task.WhenAll(_runs.Values);
    }

    private void GiveBackUnbegun()
    {
        foreach (var run in _runs.Keys.Where(r => !r.HasBegun))
            run.Stop(StopCause.Stopping);
    }

    private SiloBeat Beat() => new(_entry.Name, Load, Holding());

    private Dictionary<long, int> Holding() => _runs.Keys.GroupBy(r => r.Item.Stage.Experiment).ToDictionary(g => g.Key, g => g.Count());

    /// <summary>Pulls until <paramref name="stop"/>; completes when every call has been answered.</summary>
    private async Task PullAsync(DeviceQueue device, CancellationToken stop)
    {
        var pulls = new List<Task>();
        var stopped = Task.Delay(-1, stop);
        while (!stop.IsCancellationRequested)
        {
            // 1. Taken before the look, so that nothing leaves between the look and the wait.
            var wanting = device.Wanting;
            var (idle, room) = device.Look();
            if (!idle && room == 0)
            {
                await Task.WhenAny(wanting, Task.Delay(_options.Ahead, stop));
                continue;
            }

            // 2. The scheduler answers when it has something. A device that becomes idle meanwhile says so by a new call: some items
            // are for idle devices alone.
            var pull = PullAsync(device, idle, room, stop);
            for (var emptied = device.Emptied; !pull.IsCompleted && !stop.IsCancellationRequested && !(device.Look().IsIdle && !idle); emptied = device.Emptied)
                await Task.WhenAny(pull, emptied, stopped);
            pulls.RemoveAll(p => p.IsCompleted);
            pulls.Add(pull);
        }

        await Task.WhenAll(pulls);
    }

    private async Task PullAsync(DeviceQueue device, bool idle, int room, CancellationToken stop)
    {
        var answer = await TryAsync(() => _scheduler.PullAsync(new PullRequest(_entry.Name, device.Device.Name, room, idle, Holding())));
        if (answer is not { IsKnown: true } && stop.IsCancellationRequested)
            return;
        if (answer is not { IsKnown: true })
        {
            if (answer is null || !await TryAsync(() => _scheduler.JoinAsync(_entry)))
                await Task.Delay(Jitter.Around(Pause), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        foreach (var item in answer.Items)
            Start(item, device, stop);
    }

    private void Start(WorkItem item, DeviceQueue device, CancellationToken stop)
    {
        var run = new ItemRun(_parts, item, device);
        device.Take();
        if (stop.IsCancellationRequested)
            run.Stop(StopCause.Stopping);
        _runs[run] = Task.CompletedTask;
        _runs[run] = Task.Run(async () =>
        {
            try
            {
                await run.RunAsync();
            }
            catch (Exception e)
            {
                // A defect of this code: the item is unheard of from now on, and goes to another.
                NoAnswer(e);
            }
            finally
            {
                _runs.TryRemove(run, out _);
                device.Free();
            }
        }, CancellationToken.None);
    }

    private async Task BeatAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var reports = _runs.Keys.Select(r => r.BeatAsync()).ToList();
            if (await TryAsync(() => _scheduler.BeatAsync(Beat())) is { } answer)
            {
                if (!answer.IsKnown)
                    await TryAsync(() => _scheduler.JoinAsync(_entry));
                foreach (var run in _runs.Keys)
                    Heed(run, answer.Stopped);
            }

            // Not awaited longer: a range that does not answer now is asked again with the next beat.
            await Task.WhenAny(Task.WhenAll(reports), Task.Delay(_options.ReportEvery, stop));
            await Task.Delay(Jitter.Below(_options.ReportEvery), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static void Heed(ItemRun run, Dictionary<long, ExperimentState> stopped)
    {
        if (!stopped.TryGetValue(run.Item.Stage.Experiment, out var state))
            return;
        if (state == ExperimentState.Cancelled)
            run.Stop(StopCause.Cancelled);
        else if (!run.HasBegun)
            run.Stop(StopCause.Stopping);
    }

    private async Task<bool> TryAsync(Func<Task> call) => await TryAsync<object>(async () =>
    {
        await call();
        return call;
    }) is not null;

    private async Task<T?> TryAsync<T>(Func<Task<T>> call)
        where T : class
    {
        try
        {
            return await call();
        }
        catch (Exception e)
        {
            NoAnswer(e);
            return null;
        }
    }

    private void NoAnswer(Exception e) => _events.Emit(new NoAnswer($"{e.GetType().Name}: {e.Message}"));
}
