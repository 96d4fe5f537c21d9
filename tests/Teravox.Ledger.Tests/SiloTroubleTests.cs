// SPDX-License-Identifier: Apache-2.0
using Microsoft.Data.Sqlite;
using Teravox.Contracts;
using Teravox.Grains.Ledger;
using Teravox.Silo;

namespace Teravox.Ledger.Tests;

/// <summary>Lost leases, stops, cancels, and a ledger that does not answer.</summary>
public sealed class SiloTroubleTests : SiloFixture
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task Item_WhenItsLeaseIsLost_IsCancelledAndItsLateResultIsDropped()
    {
        var id = await SubmitAsync(Stage("s"));
        await using var other = await OpenAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var silo = Silo(
            async (turn, ct) =>
            {
                await lost.Task;
                turn.Report(new WorkProgress(0, Checkpoint: 1));
                await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return One;
            },
            _ => 1,
            options => OneSlot(options) with { Ttl = Long });
        var log = new SiloLog(silo);
        var running = silo.RunAsync(stop.Token);
        await log.WaitAsync<ItemStarted>();

        Assert.Equal(1, await other.ReapOthersAsync("thief", Ct));
        var stolen = await ClaimAsync(other, "thief");
        lost.SetResult();

        Assert.Equal(StopCause.LeaseLost, (await log.WaitAsync<ItemStopped>()).Cause);
        await stop.CancelAsync();
        await running;
        Assert.Equal(0, await SumAsync(id, "s"));
        Assert.Equal(WriteOutcome.Written, await other.CommitAsync(stolen, One, Ct));
        Assert.Equal(1, await SumAsync(id, "s"));
    }

    [Fact]
    public async Task Item_WhenNoHeartbeatGetsThrough_IsCancelledBeforeItsLeaseLapsesAndRunsAgain()
    {
        await using var impatient = await OpenAsync(busyTimeout: TimeSpan.FromMilliseconds(20));
        var id = await SubmitAsync(Stage("s"));
        var silo = Silo(
            (turn, ct) => turn.Lease.Attempt == 1 ? TestGrain.UntilCancelledAsync(ct) : Task.FromResult(One),
            _ => 1,
            options => OneSlot(options) with { Ttl = TimeSpan.FromSeconds(1) },
            impatient);
        var log = new SiloLog(silo);
        var running = silo.RunToEndAsync(id, Ct);
        await log.WaitAsync<ItemStarted>();

        using (Lock())
        {
            Assert.Equal(StopCause.LeaseExpired, (await log.WaitAsync<ItemStopped>()).Cause);
        }

        Assert.Equal(ExperimentState.Succeeded, await running);
        Assert.True(log.All<ItemStarted>()[^1].Attempt > 1);
        Assert.Equal(1, await SumAsync(id, "s"));
        Assert.Contains(await Ledger.EventsAsync(id, 0, 100, Ct), row => row.Kind == "death");
    }

    [Fact]
    public async Task Item_WhenItsWorkGetsNoAnswerFromTheLedger_RunsAgainAndHasNotFailed()
    {
        var id = await SubmitAsync(Stage("s") with { MaxFailures = 1 });
        var turns = 0;
        var silo = Silo(
            (_, _) => Interlocked.Increment(ref turns) == 1 ? throw new LedgerUnavailableException("silent") : Task.FromResult(One),
            _ => 1,
            OneSlot);
        var log = new SiloLog(silo);

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));
        Assert.Equal(StopCause.LedgerSilent, Assert.Single(log.All<ItemStopped>()).Cause);
        Assert.Equal(2, turns);
        Assert.Empty(log.All<ItemFailed>());
    }

    [Fact]
    public async Task RunToEndAsync_WhenLedgerIsLockedForAWhile_GoesOnAfterwards()
    {
        await using var impatient = await OpenAsync(busyTimeout: TimeSpan.FromMilliseconds(20));
        var id = await SubmitAsync(Stage("a"), Stage("b", "a"));
        var finish = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var silo = Silo(
            async (_, _) =>
            {
                await finish.Task;
                return One;
            },
            _ => 3,
            ledger: impatient);
        var log = new SiloLog(silo);
        var running = silo.RunToEndAsync(id, Ct);
        await log.WaitAsync<ItemStarted>(item => item.Index == 2);

        using (Lock())
        {
            // The items end while nobody can write: their commits are tried again.
            finish.SetResult();
            await log.WaitAsync<LedgerSilent>();
        }

        Assert.Equal(ExperimentState.Succeeded, await running);
        Assert.Equal((3, 3), (await SumAsync(id, "a"), await SumAsync(id, "b")));
        Assert.Equal(6, log.All<ItemStarted>().Count);
    }

    [Theory]
    [InlineData("ledger.before-commit:commit")]
    [InlineData("ledger.after-commit:commit")]
    [InlineData("ledger.after-commit:expand")]
    [InlineData("ledger.before-commit:claim")]
    public async Task RunToEndAsync_WhenAnAnswerIsLost_CountsEveryItemOnce(string point)
    {
        var id = await SubmitAsync(Stage("s"));
        var silo = Silo((_, _) => Task.FromResult(One), _ => 5);
        var log = new SiloLog(silo);
        using var fault = FaultScope.Once(point, new LedgerUnavailableException("connection lost"));

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));

        Assert.Equal(5, await SumAsync(id, "s"));
        Assert.Equal(5, log.All<ItemStarted>().Count);
        Assert.Equal("connection lost", Assert.Single(log.All<LedgerSilent>()).Message);
    }

    [Theory]
    [InlineData("ledger.before-commit:commit")]
    [InlineData("ledger.before-commit:claim")]
    [InlineData("ledger.before-commit:expand")]
    public async Task RunToEndAsync_WhenLedgerCanNotBeUsed_ThrowsItsSentence(string point)
    {
        var id = await SubmitAsync(Stage("s"));
        var silo = Silo((_, _) => Task.FromResult(One), _ => 2);
        using var fault = FaultScope.Once(point, new InputException("The disk is full."));

        var error = await Assert.ThrowsAsync<InputException>(() => silo.RunToEndAsync(id, Ct));

        Assert.Equal("The disk is full.", error.Message);
    }

    [Fact]
    public async Task Stop_WhenItemsRun_LetsThemEndThenGivesTheRestBack()
    {
        var id = await SubmitAsync(Stage("s") with { MaxFailures = 1, MaxDeaths = 1 });
        var stopping = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var silo = Silo(
            async (turn, ct) =>
            {
                if (turn.Lease.Index == 0)
                {
                    await stopping.Task;
                    return One;
                }

                return await TestGrain.UntilCancelledAsync(ct);
            },
            _ => 5,
            options => options with { Devices = [new SiloDevice("cpu", 2, 1)], GracePeriod = Long });
        var log = new SiloLog(silo);
        using var stop = new CancellationTokenSource();
        using var stopNow = new CancellationTokenSource();
        var running = silo.RunToEndAsync(id, stop.Token, stopNow.Token);
        await log.WaitAsync<ItemStarted>(item => item.Index == 1);

        await stop.CancelAsync();
        await stop.CancelAsync();
        stopping.SetResult();
        await log.WaitAsync<ItemCommitted>();
        Assert.False(running.IsCompleted);
        Assert.Empty(log.All<ItemStopped>());
        await stopNow.CancelAsync();

        Assert.Equal(ExperimentState.Running, await running);
        Assert.Equal((1, StopCause.Stopping), Assert.Single(log.All<ItemStopped>()) is var item ? (item.Index, item.Cause) : default);
        Assert.Equal(2, log.All<ItemStarted>().Count);
        Assert.Equal((1, 0, 0), await StageAsync(id) is var stage ? (stage.Done, stage.Leased, stage.Failed) : default);
        Assert.Equal((1, 1), await ClaimAsync(Ledger, "next") is var lease ? (lease.Index, lease.Attempt) : default);
    }

    [Fact]
    public async Task Stop_WhenGraceEnds_CancelsWhatRuns()
    {
        var id = await SubmitAsync(Stage("s"));
        var silo = Silo((_, ct) => TestGrain.UntilCancelledAsync(ct), _ => 3, options => options with { GracePeriod = TimeSpan.FromMilliseconds(20) });
        var log = new SiloLog(silo);
        using var stop = new CancellationTokenSource();
        var running = silo.RunAsync(stop.Token);
        await log.WaitAsync<ItemStarted>(item => item.Index == 2);

        await stop.CancelAsync();
        await running;

        Assert.Equal(0, (await StageAsync(id)).Leased);
        Assert.Equal(3, (await Ledger.ClaimAsync(new ClaimRequest("next", 9, Long), Ct)).Count(lease => lease.Attempt == 1));
    }

    [Fact]
    public async Task Stop_WhenWorkIgnoresTheCancelAndEnds_ItsResultIsKept()
    {
        var id = await SubmitAsync(Stage("s"));
        var silo = Silo(
            async (_, ct) =>
            {
                await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return One;
            },
            _ => 1,
            options => options with { GracePeriod = TimeSpan.Zero });
        var log = new SiloLog(silo);
        using var stop = new CancellationTokenSource();
        var running = silo.RunToEndAsync(id, stop.Token);
        await log.WaitAsync<ItemStarted>();

        await stop.CancelAsync();

        Assert.Equal(ExperimentState.Succeeded, await running);
        Assert.Equal(1, await SumAsync(id, "s"));
    }

    [Fact]
    public async Task Stop_WhenAClaimIsInFlight_ItsItemsGoBackUnbegun()
    {
        var id = await SubmitAsync(Stage("s"));
        var silo = Silo((_, _) => Task.FromResult(One), _ => 3);
        var log = new SiloLog(silo);
        using var stop = new CancellationTokenSource();
        using var fault = new FaultScope(name =>
        {
            if (name == "ledger.after-commit:claim")
            {
                stop.Cancel();
            }
        });

        Assert.Equal(ExperimentState.Running, await silo.RunToEndAsync(id, stop.Token));

        Assert.Empty(log.All<ItemStarted>());
        Assert.Equal((3, 0), await StageAsync(id) is var stage ? (stage.Items, stage.Leased) : default);
    }

    [Fact]
    public async Task RunAsync_WhenItRunsAlready_ThrowsAndCanRunAgainLater()
    {
        var silo = Silo((_, _) => Task.FromResult(One), _ => 1);
        using var stop = new CancellationTokenSource();
        var running = silo.RunAsync(stop.Token);

        await Assert.ThrowsAsync<InvalidOperationException>(() => silo.RunAsync(Ct));

        await stop.CancelAsync();
        await running;
        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(await SubmitAsync(Stage("s")), Ct));
    }

    [Fact]
    public async Task Cancel_WhenItemsRun_StopsTheirWork()
    {
        var id = await SubmitAsync(Stage("s"));
        var silo = Silo(
            (_, ct) => TestGrain.UntilCancelledAsync(ct),
            _ => 4,
            options => options with { Ttl = Long, GracePeriod = Long });
        var log = new SiloLog(silo);
        var running = silo.RunToEndAsync(id, Ct);
        await log.WaitAsync<ItemStarted>(item => item.Index == 2);

        Assert.True(await Ledger.CancelAsync(id, Ct));

        Assert.Equal(ExperimentState.Cancelled, await running.WaitAsync(TimeSpan.FromSeconds(60), Ct));
        Assert.Equal(3, log.All<ItemStopped>().Count(item => item.Cause == StopCause.Cancelled));
    }

    [Fact]
    public async Task Cancel_WhenSiloLearnsOfItByHeartbeat_StopsTheWork()
    {
        var id = await SubmitAsync(Stage("s"));
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var silo = Silo(
            async (turn, ct) =>
            {
                await cancelled.Task;
                turn.Report(new WorkProgress(0, Checkpoint: 1));
                return await TestGrain.UntilCancelledAsync(ct);
            },
            _ => 1,
            options => options with { Ttl = Long });
        var log = new SiloLog(silo);
        using var stop = new CancellationTokenSource();
        var running = silo.RunAsync(stop.Token);
        await log.WaitAsync<ItemStarted>();

        Assert.True(await Ledger.CancelAsync(id, Ct));
        cancelled.SetResult();

        Assert.Equal(StopCause.Cancelled, (await log.WaitAsync<ItemStopped>()).Cause);
        await stop.CancelAsync();
        await running;
    }

    [Fact]
    public async Task RunToEndAsync_WhenAnItemParksWhileAnotherRuns_TheOtherMayEnd()
    {
        var id = await SubmitAsync(Stage("s"));
        var parked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var silo = Silo(
            async (turn, _) =>
            {
                if (turn.Lease.Index == 0)
                {
                    await parked.Task;
                    return One;
                }

                throw new InputException("bad");
            },
            _ => 3,
            options => options with { Devices = [new SiloDevice("cpu", 2, 1)], GracePeriod = Long });
        silo.Happened += what =>
        {
            if (what is ItemFailed)
            {
                parked.TrySetResult();
            }
        };

        Assert.Equal(ExperimentState.Failed, await silo.RunToEndAsync(id, Ct));

        Assert.Equal((1, 1, 0), await StageAsync(id) is var stage ? (stage.Done, stage.Failed, stage.Leased) : default);
    }

    [Fact]
    public async Task RunAsync_WhenAlone_TakesBackWhatADeadPredecessorHeld()
    {
        var id = await SubmitAsync(Stage("s"));
        await Ledger.ExpandAsync((await StageAsync(id)).Id, 2, Ct);
        await Ledger.ClaimAsync(new ClaimRequest("killed", 1, Long), Ct);
        var silo = Silo((_, _) => Task.FromResult(One), _ => 2, options => options with { Alone = true });

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));
        Assert.Equal(2, await SumAsync(id, "s"));
    }

    [Fact]
    public async Task Report_WhenCheckpointGrows_IsStoredBeforeTheNextHeartbeatIsDue()
    {
        var id = await SubmitAsync(Stage("s"));
        var stored = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var fault = new FaultScope(name =>
        {
            if (name == "ledger.after-commit:heartbeat")
            {
                stored.TrySetResult();
            }
        });
        RunningItem? seen = null;
        var silo = Silo(
            async (turn, ct) =>
            {
                turn.Report(new WorkProgress(0.1, "no checkpoint yet"));
                turn.Report(new WorkProgress(0.5, "iteration 300", 300));
                await stored.Task.WaitAsync(TimeSpan.FromSeconds(60), ct);
                seen = Assert.Single(await Ledger.RunningAsync(id, ct));
                return One;
            },
            _ => 1,
            options => options with { Ttl = Long });
        var log = new SiloLog(silo);

        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));

        Assert.Equal((0.5, "iteration 300"), (seen!.Fraction, seen.Note));
        Assert.Equal([0.1, 0.5], log.All<ItemProgressed>().Select(item => item.Fraction));
    }

    private static async Task<WorkLease> ClaimAsync(ILedger ledger, string holder) =>
        Assert.Single(await ledger.ClaimAsync(new ClaimRequest(holder, 1, Long), Ct));

    /// <summary>Holds the file's write lock, as a process that hangs in a transaction would.</summary>
    private SqliteConnection Lock()
    {
        var connection = new SqliteConnection($"Data Source={LedgerPath};Pooling=false");
        connection.Open();
        connection.BeginTransaction();
        return connection;
    }
}
