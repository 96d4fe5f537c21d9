// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;

namespace Teravox.Api.Tests;

/// <summary>Items of a stage that a test takes and reports, in the place of a device.</summary>
internal sealed class Items(Server server, IWorkRangeGrain range, WorkItem[] taken)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Takes items of a running stage's first range for the server's silo.</summary>
    public static async Task<Items> TakeAsync(Server server, long experiment, string stage, int most)
    {
        var status = (await server.Experiments.DescribeAsync(experiment, TestContext.Current.CancellationToken))!;
        var ordinal = Array.FindIndex(status.Stages, s => s.Name == stage);
        var row = status.Stages[ordinal];
        Assert.Equal(StageState.Running, row.State);
        var plan = new StagePlan(experiment, stage, ordinal, row.Kind, row.Arguments, row.Needs, row.Items, MaxFailures: 3, MaxDeaths: 5);
        var range = server.Grains.GetGrain<IWorkRangeGrain>(plan.RangeKey(0));
        var got = await range.TakeAsync(plan, new TakeRequest(server.Name, most, Alone: false, IsIdle: true));
        return new Items(server, range, got.Items);
    }

    /// <summary>Takes all items of a stage, reports them done, and waits until the stage is.</summary>
    public static async Task FinishAsync(Server server, long experiment, string stage)
    {
        var items = await TakeAsync(server, experiment, stage, StagePlan.RangeSize);
        for (var i = 0; i < items.Count; i++)
            await items.ReportAsync(i, ReportKind.Done, outcome: new RunOutcome(RunEnd.Done));
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        while ((await server.Experiments.DescribeAsync(experiment, CancellationToken.None))!.Stages.Single(s => s.Name == stage) is { State: not StageState.Done } row)
        {
            Assert.False(patience.IsCancellationRequested, $"stage {stage} is not done, but {row}");
            await Task.Delay(10, CancellationToken.None);
        }
    }

    public int Count => taken.Length;

    /// <summary>Reports one of them.</summary>
    public async Task ReportAsync(int which, ReportKind kind, WorkProgress? progress = null, RunOutcome? outcome = null)
    {
        var item = taken[which];
        var answer = Assert.Single(await range.ReportAsync(server.Name, [new ItemReport(item.Index, item.Attempt, kind, progress, outcome)]));
        Assert.Equal(ReportVerdict.Taken, answer.Verdict);
    }
}
