// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;

namespace Teravox.Ledger.Tests;

/// <summary>One generated sequence: each step does the same to a ledger and to the model and compares the answers.</summary>
internal sealed class LedgerSequence(ILedger ledger, FakeClock clock, int seed, CancellationToken ct)
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(10);
    private static readonly string[] Holders = ["a", "b", "c"];
    private readonly Random _random = new(seed);
    private readonly LedgerModel _model = new();
    private readonly List<(WorkLease Lease, LedgerModel.Item Item)> _leases = [];

    /// <summary>What was done, for the message of a failure.</summary>
    public List<string> Trace { get; } = [];

    public async Task RunAsync(int steps)
    {
        await SubmitAsync();
        for (var step = 0; step < steps; step++)
        {
            await StepAsync();
            if (step % 5 == 4 || step == steps - 1)
            {
                await CompareAsync();
            }
        }
    }

    private Task StepAsync() => _random.Next(100) switch
    {
        < 4 => SubmitAsync(),
        < 18 => ExpandAsync(),
        < 20 => FailStageAsync(),
        < 40 => ClaimAsync(),
        < 50 => HeartbeatAsync(),
        < 66 => CommitAsync(),
        < 73 => FailAsync(),
        < 76 => ReleaseAsync(),
        < 83 => AdvanceAsync(),
        < 89 => ReapAsync(),
        < 90 => ReapOthersAsync(),
        < 93 => RetryAsync(),
        < 95 => MoveAsync("pause", ledger.PauseAsync, ExperimentState.Running, ExperimentState.Paused),
        < 98 => MoveAsync("resume", ledger.ResumeAsync, ExperimentState.Paused, ExperimentState.Running),
        _ => CancelAsync(),
    };

    private async Task SubmitAsync()
    {
        var count = _random.Next(1, 5);
        var stages = Enumerable.Range(0, count).Select(ordinal => new NewStage(
            $"s{ordinal}",
            "kind",
            [.. Enumerable.Range(0, ordinal).Where(_ => _random.Next(2) == 0).Select(before => $"s{before}")],
            Needs: new WorkNeeds(Gpu: _random.Next(5) == 0),
            MaxFailures: _random.Next(1, 4),
            MaxDeaths: _random.Next(1, 4))).ToList();
        var key = _random.Next(2) == 0 ? $"key{_random.Next(3)}" : null;
        var spec = new NewExperiment("e", "{}", stages, key, _random.Next(3));

        var experiment = _model.Submit(spec);
        var id = await ledger.SubmitAsync(spec, ct);
        if (experiment.Id == 0)
        {
            experiment.Id = id;
            foreach (var (stage, row) in experiment.Stages.Zip(await ledger.StagesAsync(id, ct)))
            {
                stage.Id = row.Id;
            }
        }

        Check("submit", experiment.Id, id);
    }

    private async Task ExpandAsync()
    {
        var stage = Prefer(AllStages, stage => stage.State == StageState.Ready);
        var count = _random.Next(4);
        Check($"expand {stage.Id} into {count}", _model.Expand(stage, count), await ledger.ExpandAsync(stage.Id, count, ct));
    }

    private async Task FailStageAsync()
    {
        var stage = Prefer(AllStages, stage => stage.State == StageState.Ready);
        Check($"fail stage {stage.Id}", _model.FailStage(stage, "plan"), await ledger.FailStageAsync(stage.Id, "plan", ct));
    }

    private async Task ClaimAsync()
    {
        var request = new ClaimRequest(Pick(Holders), _random.Next(1, 4), Ttl, HasGpu: _random.Next(2) == 0);
        var expected = _model.Claim(request);
        var leases = await ledger.ClaimAsync(request, ct);
        Check(
            $"claim {request.Slots} for {request.Holder}",
            string.Join(' ', expected.Select(item => (item.Stage.Experiment.Id, item.Stage.Id, item.Index, item.Epoch, item.Attempt))),
            string.Join(' ', leases.Select(lease => (lease.ExperimentId, lease.StageId, lease.Index, lease.Epoch, lease.Attempt))));
        _leases.AddRange(leases.Zip(expected));
    }

    private async Task HeartbeatAsync()
    {
        if (PickLease() is var (lease, item))
        {
            var progress = _random.Next(3) == 0
                ? null
                : new WorkProgress(_random.Next(5) / 4.0, $"note {_random.Next(9)}", _random.Next(2) == 0 ? _random.Next(5) : null);
            Check($"heartbeat {Name(lease)} {progress}", _model.Heartbeat(item, lease.Epoch, Ttl, progress), await ledger.HeartbeatAsync(lease, progress, ct));
        }
    }

    private async Task CommitAsync()
    {
        if (PickLease() is var (lease, item))
        {
            var sums = new Dictionary<string, long[]> { ["n"] = [1, _random.Next(1000)], [$"of{_random.Next(2)}"] = [_random.NextInt64() >> 8] };
            var result = new WorkResult(_random.Next(3) == 0 ? null : $"{_random.Next()}", sums);
            Check($"commit {Name(lease)}", _model.Commit(item, lease.Epoch, result), await ledger.CommitAsync(lease, result, ct));
        }
    }

    private async Task FailAsync()
    {
        if (PickLease() is var (lease, item))
        {
            var error = $"error {_random.Next(100)}";
            var final = _random.Next(6) == 0;
            Check($"fail {Name(lease)} final={final}", _model.Fail(item, lease.Epoch, error, final), await ledger.FailAsync(lease, error, final, ct));
        }
    }

    private async Task ReleaseAsync()
    {
        if (PickLease() is var (lease, item))
        {
            Check($"release {Name(lease)}", _model.Release(item, lease.Epoch), await ledger.ReleaseAsync(lease, ct));
        }
    }

    private Task AdvanceAsync()
    {
        var time = TimeSpan.FromMilliseconds(_random.Next((int)Ttl.TotalMilliseconds));
        clock.Advance(time);
        _model.Now += (long)time.TotalMilliseconds;
        Trace.Add($"advance {time}");
        return Task.CompletedTask;
    }

    private async Task ReapAsync() => Check("reap", _model.Reap(item => item.LeaseUntil <= _model.Now), await ledger.ReapAsync(ct));

    private async Task ReapOthersAsync()
    {
        var survivor = Pick(Holders);
        Check($"reap others than {survivor}", _model.Reap(item => item.Holder != survivor), await ledger.ReapOthersAsync(survivor, ct));
    }

    private async Task RetryAsync()
    {
        var experiment = Prefer(_model.Experiments, one => one.State == ExperimentState.Failed);
        Check($"retry {experiment.Id}", _model.Retry(experiment), await ledger.RetryFailedAsync(experiment.Id, ct));
    }

    private async Task MoveAsync(string what, Func<long, CancellationToken, Task<bool>> move, ExperimentState from, ExperimentState to)
    {
        var experiment = Prefer(_model.Experiments, one => one.State == from);
        Check($"{what} {experiment.Id}", _model.Move(experiment, from, to), await move(experiment.Id, ct));
    }

    private async Task CancelAsync()
    {
        var experiment = Pick(_model.Experiments);
        Check($"cancel {experiment.Id}", _model.Cancel(experiment), await ledger.CancelAsync(experiment.Id, ct));
    }

    private async Task CompareAsync()
    {
        var running = _model.Experiments.Where(one => one.State == ExperimentState.Running);
        CheckAll(
            "ready stages",
            running.OrderBy(one => one.Spec.Priority).ThenBy(one => one.Number).SelectMany(one => one.Stages).Where(stage => stage.State == StageState.Ready).Select(stage => stage.Id),
            (await ledger.ReadyStagesAsync(ct)).Select(row => row.Id));
        CheckAll("experiments", _model.Experiments.Select(one => one.Id).Reverse(), (await ledger.ListAsync(null, 1000, ct)).Select(row => row.Id));
        foreach (var experiment in _model.Experiments)
        {
            await CompareAsync(experiment);
        }
    }

    private async Task CompareAsync(LedgerModel.Experiment experiment)
    {
        var row = (await ledger.FindAsync(experiment.Id, ct))!;
        Check($"state of {experiment.Id}", experiment.State, row.State);
        Check($"end of {experiment.Id}", experiment.State is ExperimentState.Succeeded or ExperimentState.Failed or ExperimentState.Cancelled, row.Ended is not null);
        CheckAll(
            $"stages of {experiment.Id}",
            experiment.Stages.Select(stage => (stage.Spec.Name, stage.State, stage.Items.Count, stage.Count(LedgerModel.ItemState.Done), stage.Count(LedgerModel.ItemState.Failed), stage.Count(LedgerModel.ItemState.Leased))),
            (await ledger.StagesAsync(experiment.Id, ct)).Select(stage => (stage.Name, stage.State, stage.Items, stage.Done, stage.Failed, stage.Leased)));
        CheckAll(
            $"running of {experiment.Id}",
            Items(experiment, LedgerModel.ItemState.Leased).Select(item => (item.Stage.Spec.Name, item.Index, item.Holder, item.Attempt, item.Fraction, item.Note)),
            (await ledger.RunningAsync(experiment.Id, ct)).Select(item => (item.StageName, item.Index, (string?)item.Holder, item.Attempt, item.Fraction, item.Note)));

        var failures = await ledger.FailuresAsync(experiment.Id, 1000, ct);
        CheckAll(
            $"failures of {experiment.Id}",
            experiment.Stages.SelectMany(stage => stage.Error is { } error
                ? [(stage.Spec.Name, -1, 0, 0)]
                : stage.Items.Where(item => item.State == LedgerModel.ItemState.Failed).Select(item => (stage.Spec.Name, item.Index, item.Failures, item.Deaths))),
            failures.Select(item => (item.StageName, item.Index, item.Failures, item.Deaths)));
        foreach (var (item, failed) in Items(experiment, LedgerModel.ItemState.Failed).Zip(failures.Where(failed => failed.Index >= 0)))
        {
            Check("its error", item.Error ?? failed.Error, failed.Error);
        }

        foreach (var stage in experiment.Stages)
        {
            CheckAll(
                $"sums of stage {stage.Id}",
                stage.Sums.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key}: {string.Join(' ', pair.Value)}"),
                (await ledger.SumsAsync(stage.Id, ct)).OrderBy(pair => pair.Key).Select(pair => $"{pair.Key}: {string.Join(' ', pair.Value)}"));
            CheckAll(
                $"results of stage {stage.Id}",
                stage.Items.Where(item => item.Result is not null).Select(item => (item.Index, item.Result!)),
                (await ledger.ResultsAsync(stage.Id, ct)).OrderBy(pair => pair.Key).Select(pair => (pair.Key, pair.Value)));
        }
    }

    private IEnumerable<LedgerModel.Stage> AllStages => _model.Experiments.SelectMany(experiment => experiment.Stages);

    private static IEnumerable<LedgerModel.Item> Items(LedgerModel.Experiment experiment, LedgerModel.ItemState state) =>
        experiment.Stages.SelectMany(stage => stage.Items).Where(item => item.State == state);

    private static string Name(WorkLease lease) => $"item {lease.ItemId} epoch {lease.Epoch}";

    /// <summary>Mostly a lease that is held, now and then one that was lost or used long ago.</summary>
    private (WorkLease Lease, LedgerModel.Item Item)? PickLease() => _leases.Count == 0
        ? null
        : Prefer(_leases, pair => pair.Item.State == LedgerModel.ItemState.Leased && pair.Item.Epoch == pair.Lease.Epoch);

    private T Prefer<T>(IEnumerable<T> all, Func<T, bool> likely)
    {
        var better = all.Where(likely).ToList();
        return Pick(better.Count > 0 && _random.Next(8) > 0 ? better : [.. all]);
    }

    private T Pick<T>(IReadOnlyList<T> all) => all[_random.Next(all.Count)];

    private void CheckAll<T>(string what, IEnumerable<T> expected, IEnumerable<T> actual) =>
        Check(what, string.Join(", ", expected), string.Join(", ", actual));

    private void Check(string what, object expected, object actual)
    {
        Trace.Add($"{what}: {actual}");
        Assert.True(Equals(expected, actual), $"{what}: the model has '{expected}', the ledger '{actual}'");
    }
}
