// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Grains.Ledger;

namespace Teravox.Silo;

/// <summary>Gives ready stages their items.</summary>
internal sealed class StageExpander(ILedger ledger, IStagePlanner planner, IReadOnlyCollection<string> kinds, TimeSpan poll, Action<SiloEvent> emit)
{
    private const int PlanFailuresAllowed = 4;
    private readonly Dictionary<long, (int Failures, long At)> _planFailures = [];

    /// <summary>Expands what is ready, of one experiment or of all. True when there are new items.</summary>
    public async Task<bool> ExpandAsync(long? only, CancellationToken stop)
    {
        var any = false;
        foreach (var stage in await ledger.ReadyStagesAsync(CancellationToken.None))
        {
            if (stop.IsCancellationRequested)
            {
                return any;
            }

            if ((only is null || stage.ExperimentId == only) && kinds.Contains(stage.Kind) && PlanIsDue(stage))
            {
                any |= await ExpandAsync(stage, stop);
            }
        }

        return any;
    }

    private async Task<bool> ExpandAsync(StageRow stage, CancellationToken stop)
    {
        int count;
        try
        {
            count = await planner.CountItemsAsync(stage, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception e) when (e is not LedgerUnavailableException)
        {
            await PlanFailedAsync(stage, e);
            return false;
        }

        _planFailures.Remove(stage.Id);
        if (!await ledger.ExpandAsync(stage.Id, count, CancellationToken.None))
        {
            // Another silo did it, and its items may wait for this one.
            return true;
        }

        emit(new StageExpanded(stage.ExperimentId, stage.Name, count));
        if (count == 0)
        {
            emit(new StageDone(stage.ExperimentId, stage.Name, 0));
        }

        return true;
    }

    private bool PlanIsDue(StageRow stage) =>
        !_planFailures.TryGetValue(stage.Id, out var last) || Stopwatch.GetElapsedTime(last.At) > poll * last.Failures;

    /// <summary>Bad input fails the stage at once; anything else, a file server that hiccups say, after a few looks.</summary>
    private async Task PlanFailedAsync(StageRow stage, Exception e)
    {
        var failures = _planFailures.GetValueOrDefault(stage.Id).Failures + 1;
        _planFailures[stage.Id] = (failures, LeaseClock.Now);
        var expected = e is InputException;
        var final = expected || failures >= PlanFailuresAllowed;
        var error = expected ? e.Message : $"{e.GetType().Name}: {e.Message}";
        if (final)
        {
            await ledger.FailStageAsync(stage.Id, error, CancellationToken.None);
            _planFailures.Remove(stage.Id);
        }

        emit(new PlanFailed(stage.ExperimentId, stage.Name, error, final, expected ? null : e.ToString()));
    }
}
