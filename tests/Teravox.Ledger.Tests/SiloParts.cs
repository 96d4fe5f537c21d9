// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Silo;

namespace Teravox.Ledger.Tests;

/// <summary>A grain whose work is the test's.</summary>
internal sealed class TestGrain(Func<WorkTurn, CancellationToken, Task<WorkResult>> work, string kind = "kind", bool overlaps = true) : IWorkGrain
{
    public string Kind => kind;

    public bool Overlaps => overlaps;

    public Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct) => work(turn, ct);

    /// <summary>Works until it is cancelled.</summary>
    public static async Task<WorkResult> UntilCancelledAsync(CancellationToken ct)
    {
        await Task.Delay(Timeout.Infinite, ct);
        return new WorkResult();
    }
}

/// <summary>A planner that asks the test.</summary>
internal sealed class TestPlanner(Func<StageRow, int> count) : IStagePlanner
{
    public Task<int> CountItemsAsync(StageRow stage, CancellationToken ct) => Task.FromResult(count(stage));
}

/// <summary>Remembers a silo's events and lets a test wait for one.</summary>
internal sealed class SiloLog
{
    private readonly Lock _lock = new();
    private readonly List<SiloEvent> _events = [];
    private readonly List<(Func<SiloEvent, bool> Matches, TaskCompletionSource<SiloEvent> Seen)> _waits = [];

    public SiloLog(SiloHost silo) => silo.Happened += Add;

    public IReadOnlyList<T> All<T>()
        where T : SiloEvent
    {
        lock (_lock)
        {
            return [.. _events.OfType<T>()];
        }
    }

    /// <summary>The first event that matches, be it past or to come.</summary>
    public async Task<T> WaitAsync<T>(Func<T, bool>? matches = null)
        where T : SiloEvent
    {
        var seen = new TaskCompletionSource<SiloEvent>(TaskCreationOptions.RunContinuationsAsynchronously);
        bool Matches(SiloEvent what) => what is T one && (matches is null || matches(one));
        lock (_lock)
        {
            if (_events.Find(Matches) is { } past)
            {
                return (T)past;
            }

            _waits.Add((Matches, seen));
        }

        return (T)await seen.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
    }

    private void Add(SiloEvent what)
    {
        lock (_lock)
        {
            _events.Add(what);
            foreach (var (_, seen) in _waits.Where(wait => wait.Matches(what)))
            {
                seen.TrySetResult(what);
            }
        }
    }
}
