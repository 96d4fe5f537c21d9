// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;

namespace Teravox.Ledger.Tests;

/// <summary>
/// One generated sequence: each step does the same to a ledger and to the model and compares the answers. Now and then the
/// answer to a write is lost right after its commit, and the write is done again, as silos and clients do.
/// </summary>
internal sealed class LedgerSequence(ILedger ledger, FakeClock clock, int seed, CancellationToken ct)
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(10);
    private static readonly string[] Holders = ["a", "b", "c"];
    private readonly Random _random = new(seed);
    private readonly LedgerModel _model = new();
    private readonly List<(WorkLease Lease, LedgerModel.Item Item)> _leases = [];

    /// <summary>What was done, for the message of a failure.</summary>
    public List<string> Trace { get; } = [];

    /// <summary>Answers that were lost.</summary>
    public int Lost { get; private set; }

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
        < 3 => SubmitAsync(),
        < 4 => SubmitManyAsync(),
        < 18 => ExpandAsync(),
        < 20 => FailStageAsync(),
        < 40 => ClaimAsync(),
        < 48 => HeartbeatAsync(),
        < 50 => BlockAsync(),
        < 60 => CommitAsync(),
        < 66 => CommitManyAsync(),
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
        var spec = MakeExperiment();
        var experiment = _model.Submit(spec);
        long id = 0;

        // Without a key a repeat makes a second experiment, so there is none.
        await RepeatWhenLostAsync(spec.IdempotencyKey is null ? "" : "submit", async () => id = await ledger.SubmitAsync(spec, ct));
        await IdentifyAsync(experiment, id);
        Check("submit", experiment.Id, id);
    }

    private async Task SubmitManyAsync()
    {
        var specs = Enumerable.Range(0, _random.Next(4)).Select(_ => MakeExperiment()).ToList();
        var experiments = specs.Select(_model.Submit).ToList();
        var ids = await ledger.SubmitAsync(specs, ct);
        foreach (var (experiment, id) in experiments.Zip(ids))
        {
            await IdentifyAsync(experiment, id);
        }

        CheckAll("submit many", experiments.Select(one => one.Id), ids);
    }

    private NewExperiment MakeExperiment()
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
        return new NewExperiment("e", "{}", stages, key, _random.Next(3));
    }

    private async Task IdentifyAsync(LedgerModel.Experiment experiment, long id)
    {
        if (experiment.Id == 0)
        {
            experiment.Id = id;
            foreach (var (stage, row) in experiment.Stages.Zip(await ledger.StagesAsync(id, ct)))
            {
                stage.Id = row.Id;
            }
        }
    }

    private async Task ExpandAsync()
    {
        var stage = Prefer(AllStages, stage => stage.State == StageState.Ready);
        var count = _random.Next(4);
        await DoAsync($"expand {stage.Id} into {count}", "expand", () => _model.Expand(stage, count), () => ledger.ExpandAsync(stage.Id, count, ct));
    }

    private async Task FailStageAsync()
    {
        var stage = Prefer(AllStages, stage => stage.State == StageState.Ready);
        await DoAsync($"fail stage {stage.Id}", "failstage", () => _model.FailStage(stage, "plan"), () => ledger.FailStageAsync(stage.Id, "plan", ct));
    }

    private async Task ClaimAsync()
    {
        var request = new ClaimRequest(Pick(Holders), _random.Next(1, 4), Ttl, HasGpu: _random.Next(2) == 0);
        List<LedgerModel.Item> expected = [];
        IReadOnlyList<WorkLease> leases = [];

        // Of a claim whose answer was lost nobody knows: its items come back when their leases lapse.
        await DoAsync(
            $"claim {request.Slots} for {request.Holder}",
            "claim",
            () => string.Join(' ', (expected = _model.Claim(request)).Select(item => (item.Stage.Experiment.Id, item.Stage.Id, item.Index, item.Epoch, item.Attempt))),
            async () => string.Join(' ', (leases = await ledger.ClaimAsync(request, ct)).Select(lease => (lease.ExperimentId, lease.StageId, lease.Index, lease.Epoch, lease.Attempt))));
        _leases.AddRange(leases.Zip(expected));
    }

    private async Task HeartbeatAsync()
    {
        if (PickLease() is var (lease, item))
        {
            var progress = _random.Next(3) == 0
                ? null
                : new WorkProgress(_random.Next(5) / 4.0, $"note {_random.Next(9)}", _random.Next(2) == 0 ? _random.Next(5) : null);
            await DoAsync($"heartbeat {Name(lease)} {progress}", "heartbeat", () => _model.Heartbeat(item, lease.Epoch, Ttl, progress), () => ledger.HeartbeatAsync(lease, progress, ct));
        }
    }

    private async Task BlockAsync()
    {
        var stage = Prefer(AllStages, LedgerModel.Waits);
        var why = _random.Next(3) == 0 ? null : $"why {_random.Next(2)}";
        await DoAsync($"block {stage.Id}: {why}", "block", () => LedgerModel.Block(stage, why), () => ledger.BlockAsync(stage.Id, why, ct));
    }

    private async Task CommitAsync()
    {
        if (PickLease() is var (lease, item))
        {
            var result = MakeResult();
            await DoAsync($"commit {Name(lease)}", "commit", () => _model.Commit(item, lease.Epoch, result), () => ledger.CommitAsync(lease, result, ct));
        }
    }

    /// <summary>Some leases at once, one of them perhaps twice.</summary>
    private async Task CommitManyAsync()
    {
        var picked = Enumerable.Range(0, _random.Next(5)).Select(_ => PickLease()).OfType<(WorkLease Lease, LedgerModel.Item Item)>().ToList();
        var commits = picked.ConvertAll(pair => new WorkCommit(pair.Lease, MakeResult()));
        await DoAsync(
            $"commit {string.Join(", ", picked.Select(pair => Name(pair.Lease)))}",
            "commit",
            () => string.Join(", ", picked.Zip(commits).Select(pair => _model.Commit(pair.First.Item, pair.First.Lease.Epoch, pair.Second.Result))),
            async () => string.Join(", ", await ledger.CommitAsync(commits, ct)));
    }

    private WorkResult MakeResult()
    {
        var sums = new Dictionary<string, long[]> { ["n"] = [1, _random.Next(1000)], [$"of{_random.Next(2)}"] = [_random.NextInt64() >> 8] };
        return new WorkResult(_random.Next(3) == 0 ? null : $"{_random.Next()}", sums);
    }

    private async Task FailAsync()
    {
        if (PickLease() is var (lease, item))
        {
            var error = $"error {_random.Next(100)}";
            var final = _random.Next(6) == 0;
            await DoAsync($"fail {Name(lease)} final={final}", "fail", () => _model.Fail(item, lease.Epoch, error, final), () => ledger.FailAsync(lease, error, final, ct));
        }
    }

    private async Task ReleaseAsync()
    {
        if (PickLease() is var (lease, item))
        {
            await DoAsync($"release {Name(lease)}", "release", () => _model.Release(item, lease.Epoch), () => ledger.ReleaseAsync(lease, ct));
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

    private Task ReapAsync() => DoAsync("reap", "reap", ReapModel, () => ledger.ReapAsync(ct));

    private int ReapModel() => _model.Reap(item => item.LeaseUntil <= _model.Now);

    private Task ReapOthersAsync()
    {
        var survivor = Pick(Holders);
        return DoAsync($"reap others than {survivor}", "reapothers", () => _model.Reap(item => item.Holder != survivor), () => ledger.ReapOthersAsync(survivor, ct));
    }

    private Task RetryAsync()
    {
        var experiment = Prefer(_model.Experiments, one => one.State == ExperimentState.Failed);
        return DoAsync($"retry {experiment.Id}", "retryfailed", () => _model.Retry(experiment), () => ledger.RetryFailedAsync(experiment.Id, ct));
    }

    private Task MoveAsync(string what, Func<long, CancellationToken, Task<bool>> move, ExperimentState from, ExperimentState to)
    {
        var experiment = Prefer(_model.Experiments, one => one.State == from);
        return DoAsync($"{what} {experiment.Id}", what, () => _model.Move(experiment, from, to), () => move(experiment.Id, ct));
    }

    private Task CancelAsync()
    {
        var experiment = Pick(_model.Experiments);
        return DoAsync($"cancel {experiment.Id}", "cancel", () => _model.Cancel(experiment), () => ledger.CancelAsync(experiment.Id, ct));
    }

    /// <summary>
    /// Does it to both and compares the answers. When the ledger's was lost, both do it once more and those answers are
    /// compared; then both are reaped, as what the lost call left to do behind its commit is done at a silo's next look.
    /// </summary>
    private async Task DoAsync<T>(string what, string operation, Func<T> model, Func<Task<T>> act)
        where T : notnull
    {
        var expected = model();
        T? actual = default;
        var lost = await RepeatWhenLostAsync(
            operation,
            async () => actual = await act(),
            () =>
            {
                Trace.Add($"{what}: the answer is lost");
                expected = model();
            });
        Check(what, expected, actual!);
        if (lost)
        {
            Check("reap", ReapModel(), await ledger.ReapAsync(ct));
        }
    }

    /// <summary>One time in eight the answer is lost right after the operation's commit, and it is done again. True when it was.</summary>
    private async Task<bool> RepeatWhenLostAsync(string operation, Func<Task> act, Action? again = null)
    {
        if (_random.Next(8) > 0)
        {
            await act();
            return false;
        }

        var lost = false;
        using (new FaultScope(point =>
        {
            if (!lost && point == "ledger.after-commit:" + operation)
            {
                lost = true;
                throw new LedgerUnavailableException("the answer is lost");
            }
        }))
        {
            try
            {
                await act();
                return false;
            }
            catch (LedgerUnavailableException) when (lost)
            {
                Lost++;
            }
        }

        again?.Invoke();
        await act();
        return true;
    }

    private async Task CompareAsync()
    {
        var running = _model.Experiments.Where(one => one.State == ExperimentState.Running);
        CheckAll(
            "ready stages",
            running.OrderBy(one => one.Spec.Priority).ThenBy(one => one.Number).SelectMany(one => one.Stages).Where(stage => stage.State == StageState.Ready).Select(stage => stage.Id),
            (await ledger.ReadyStagesAsync(ct)).Select(row => row.Id));
        CheckAll(
            "waiting stages",
            running.OrderBy(one => one.Spec.Priority).ThenBy(one => one.Number).SelectMany(one => one.Stages).Where(LedgerModel.Waits).Select(stage => stage.Id),
            (await ledger.WaitingStagesAsync(ct)).Select(row => row.Id));
        CheckAll("experiments", _model.Experiments.Select(one => one.Id).Reverse(), (await ledger.ListAsync(new ExperimentQuery(Limit: 1000), ct)).Select(row => row.Id));
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
            experiment.Stages.Select(stage => (stage.Spec.Name, stage.State, stage.Items.Count, stage.Count(LedgerModel.ItemState.Done), stage.Count(LedgerModel.ItemState.Failed), stage.Count(LedgerModel.ItemState.Leased), stage.Blocked)),
            (await ledger.StagesAsync(experiment.Id, ct)).Select(stage => (stage.Name, stage.State, stage.Items, stage.Done, stage.Failed, stage.Leased, stage.Blocked)));
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
