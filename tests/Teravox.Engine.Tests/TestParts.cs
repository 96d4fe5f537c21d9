// SPDX-License-Identifier: Apache-2.0
using Orleans.Concurrency;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains;

namespace Teravox.Engine.Tests;

/// <summary>What the items of a test's silos do, and how many its stages have.</summary>
internal sealed class TestBench : IStagePlanner
{
    /// <summary>The kinds of <see cref="TestItem"/> and <see cref="WholeItem"/>.</summary>
    public const string Kind = "kind", Whole = "whole";

    public static WorkKinds Kinds => new WorkKinds().Add(Kind, overlaps: true).Add(Whole);

    /// <summary>A result that adds one to the sum "n".</summary>
    public static WorkResult One => new(Sums: new Dictionary<string, long[]> { ["n"] = [1] });

    public Func<WorkTurn, CancellationToken, Task<WorkResult>> Work { get; set; } = (_, _) => Task.FromResult(One);

    public Func<long, NewStage, int> Count { get; set; } = (_, _) => 1;

    public Task<int> CountItemsAsync(long experiment, NewStage stage, CancellationToken ct) => Task.FromResult(Count(experiment, stage));

    /// <summary>Works until it is asked to stop.</summary>
    public static async Task<WorkResult> UntilStoppedAsync(CancellationToken ct)
    {
        await Task.Delay(Timeout.Infinite, ct);
        return new WorkResult();
    }
}

/// <summary>An item whose work is the test's.</summary>
[StatelessWorker(1)]
[GrainType(TestBench.Kind)]
internal sealed class TestItem(RunningWork running, IStagePlanner bench) : ItemGrain(running), ITileGrain
{
    protected internal override Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct) => ((TestBench)bench).Work(turn, ct);
}

/// <summary>The same, for an item that has its device to itself.</summary>
[StatelessWorker(1)]
[GrainType(TestBench.Whole)]
internal sealed class WholeItem(RunningWork running, IStagePlanner bench) : ItemGrain(running), IStepGrain
{
    protected internal override Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct) => ((TestBench)bench).Work(turn, ct);
}

/// <summary>Remembers what happens and lets a test wait for it.</summary>
internal sealed class EventLog
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Lock _lock = new();
    private readonly List<WorkEvent> _events = [];
    private readonly List<(Func<WorkEvent, bool> Matches, TaskCompletionSource<WorkEvent> Seen)> _waits = [];

    public EventLog() => Events.Happened += Add;

    public WorkEvents Events { get; } = new();

    public IReadOnlyList<T> All<T>()
        where T : WorkEvent
    {
        lock (_lock)
            return [.. _events.OfType<T>()];
    }

    /// <summary>The first event that matches, be it past or to come.</summary>
    public async Task<T> WaitAsync<T>(Func<T, bool>? matches = null, TimeSpan? atMost = null)
        where T : WorkEvent
    {
        var seen = new TaskCompletionSource<WorkEvent>(TaskCreationOptions.RunContinuationsAsynchronously);
        bool Matches(WorkEvent what) => what is T one && (matches is null || matches(one));
        lock (_lock)
        {
            if (_events.Find(Matches) is { } past)
                return (T)past;
            _waits.Add((Matches, seen));
        }

        try
        {
            return (T)await seen.Task.WaitAsync(atMost ?? Patience, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            lock (_lock)
                throw new TimeoutException($"no {typeof(T).Name} that the test waits for came; the last events were\n{string.Join('\n', _events.TakeLast(20))}");
        }
    }

    private void Add(WorkEvent what)
    {
        lock (_lock)
        {
            _events.Add(what);
            foreach (var (_, seen) in _waits.Where(wait => wait.Matches(what)))
                seen.TrySetResult(what);
        }
    }
}

internal sealed class TempFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("teravox-engine-");

    public string this[string name] => Path.Combine(_folder.FullName, name);

    public void Dispose() => _folder.Delete(recursive: true);
}
