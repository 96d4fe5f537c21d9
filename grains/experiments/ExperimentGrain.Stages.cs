// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains.Telemetry;

namespace Teravox.Grains;

// What becomes of an experiment's stages, in memory; whoever calls this stores it then.
public sealed partial class ExperimentGrain
{
    private void End(ExperimentState state, string kind, string text)
    {
        _record = _record with { State = state };
        Log(kind, null, text);
        events.Emit(new ExperimentChanged(_id, state));
        foreach (var stage in _spans.Keys.ToList())
            EndSpan(stage, null);
        WorkTraces.End(_span?.SetTag("teravox.state", kind), state == ExperimentState.Failed ? text : null);
        _span = null;
    }

    private void EndSpan(string stage, string? error)
    {
        if (_spans.Remove(stage, out var span))
            WorkTraces.End(span, error);
    }

    private void FinishRange(StageRecord stage, RangeReport report)
    {
        var live = Live(stage);
        try
        {
            Merge(live.Sums, report.Sums!);
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException)
        {
            FailStage(stage, e.Message);
            return;
        }

        var bits = (byte[])stage.RangesDone.Clone();
        bits[report.Range / 8] |= (byte)(1 << (report.Range % 8));
        var parked = stage.Parked.Where(p => p.Key != report.Range).ToDictionary();
        stage = stage with { RangesDone = bits, Parked = parked, Sums = live.Sums.ToDictionary(s => s.Key, s => SumCodec.Pack(s.Value)) };
        live.Ranges.Remove(report.Range);
        Set(stage);
        if (stage.DoneRanges == StagePlan.RangesOf(stage.Items))
            FinishStage(stage);
    }

    private void FinishStage(StageRecord stage)
    {
        Set(stage with { State = StageState.Done, Ended = DateTimeOffset.UtcNow, Blocked = null });
        EndSpan(stage.Stage.Name, null);
        Log("done", stage.Stage.Name, "all items are done");
        events.Emit(new StageDone(_id, stage.Stage.Name, stage.Items));
        var done = _record.Stages.Where(s => s.State == StageState.Done).Select(s => s.Stage.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var next in _record.Stages.Where(s => s.State == StageState.Waiting && s.Stage.After.All(done.Contains)))
        {
            Set(next with { State = StageState.Ready });
            Log("ready", next.Stage.Name, "may start");
        }

        // A paused experiment whose last running item ends has succeeded, too.
        if (done.Count == _record.Stages.Count && _record.State is ExperimentState.Running or ExperimentState.Paused)
            End(ExperimentState.Succeeded, "succeeded", "all stages are done");
    }

    private void Park(StageRecord stage, RangeReport report)
    {
        foreach (var item in report.Parked.Except(stage.Parked.GetValueOrDefault(report.Range) ?? []))
            Log("parked", stage.Stage.Name, item.Error);
        Set(stage with { State = StageState.Failed, Ended = DateTimeOffset.UtcNow, Parked = new(stage.Parked) { [report.Range] = report.Parked } });
        Fail(stage);
    }

    private void FailStage(StageRecord stage, string error)
    {
        Set(stage with { State = StageState.Failed, Ended = DateTimeOffset.UtcNow, Error = error });
        Log("parked", stage.Stage.Name, error);
        Fail(stage);
    }

    private void Fail(StageRecord stage)
    {
        EndSpan(stage.Stage.Name, "the stage failed");
        if (!IsOver)
            End(ExperimentState.Failed, "failed", $"stage '{stage.Stage.Name}' failed");
    }

    /// <summary>Counts the items of stages that are ready; true when there was one. A stage without items is done at once.</summary>
    private async Task<bool> PlanReadyStagesAsync()
    {
        var any = false;
        while (!IsOver && _record.Stages.FirstOrDefault(s => s.State == StageState.Ready && !_toPlanAgain.Any(p => p.Stage.Ordinal == s.Ordinal)) is { } stage)
        {
            any = true;
            int items;
            try
            {
                items = await planner.CountItemsAsync(_id, stage.Stage, CancellationToken.None);
            }
            catch (Exception e) when (!GrainCalls.MayPass(e) || e is IOException)
            {
                PlanFailed(stage, e);
                continue;
            }

            if (Find(stage.Stage.Name) is not { State: StageState.Ready } still)
                continue;
            _planFailures.Remove(stage.Stage.Name);
            if (WorkTraces.Stage(_id, stage.Stage, items, _record.TraceParent) is { } span)
                _spans[stage.Stage.Name] = span;
            stage = still with
            {
                State = StageState.Running,
                Items = items,
                RangesDone = new byte[(StagePlan.RangesOf(items) + 7) / 8],
                Started = DateTimeOffset.UtcNow,
                TraceParent = _spans.GetValueOrDefault(stage.Stage.Name)?.Id ?? _record.TraceParent,
            };
            Set(stage);
            Log("expanded", stage.Stage.Name, items == 1 ? "1 item" : $"{items} items");
            events.Emit(new StagePlanned(_id, stage.Stage.Name, items));
            if (items == 0)
                FinishStage(stage);
        }

        return any;
    }

    /// <summary>Bad input fails the stage at once; anything else, a file server that hiccups say, after a few tries.</summary>
    private void PlanFailed(StageRecord stage, Exception e)
    {
        var failures = _planFailures.GetValueOrDefault(stage.Stage.Name) + 1;
        _planFailures[stage.Stage.Name] = failures;
        var expected = e is InputException;
        var final = expected || failures >= PlanFailuresAllowed;
        var error = expected ? e.Message : $"{e.GetType().Name}: {e.Message}";
        if (final)
        {
            FailStage(stage, error);
        }
        else
        {
            _toPlanAgain.Add((stage, e));
            _planning!.Want();
        }

        events.Emit(new PlanFailed(_id, stage.Stage.Name, error, final, expected ? null : e.ToString()));
    }

    private async Task PlanAgainAsync()
    {
        await Task.Delay(limits.BetweenWrites);
        _toPlanAgain.Clear();
        await StartAsync();
    }

    private static void Merge(Dictionary<string, long[]> into, Dictionary<string, byte[]> more)
    {
        var unpacked = more.ToDictionary(s => s.Key, s => SumCodec.Unpack(s.Value));
        if (unpacked.FirstOrDefault(s => into.TryGetValue(s.Key, out var known) && known.Length != s.Value.Length) is { Key: not null } misfit)
            throw new InvalidOperationException($"Sum '{misfit.Key}' has {into[misfit.Key].Length} counts in its stage, but an item brings {misfit.Value.Length}.");
        foreach (var (name, counts) in unpacked)
        {
            if (into.TryGetValue(name, out var sum))
                SumCodec.Add(name, sum, counts);
            else
                into[name] = counts;
        }
    }
}
