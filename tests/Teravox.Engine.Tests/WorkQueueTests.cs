// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains.Scheduling;

namespace Teravox.Engine.Tests;

/// <summary>What the scheduler knows of stages: which ranges to ask, and in which order.</summary>
public class WorkQueueTests
{
    private static readonly RangeStatus Empty = new(0, -1, false), More = new(5, -1, false), Complete = new(0, -1, true);

    private static long Now => Stopwatch.GetTimestamp();

    [Fact]
    public void InOrder_WhenExperimentsDiffer_GoesByPriorityThenByWhatTheyHaveThenByNumber()
    {
        var queues = new WorkQueues();
        foreach (var (id, priority) in new[] { (1, 100), (2, 100), (3, 5), (4, 100) })
            queues.Offer(Offer(id, priority));

        Assert.Equal([3, 2, 4, 1], queues.InOrder(new Dictionary<long, int> { [1] = 7, [3] = 9 }).Select(e => e.Id));
    }

    [Fact]
    public void InOrder_WhenTheyHaveEquallyMany_TheyTakeTurns()
    {
        var queues = new WorkQueues();
        var (order, none) = (new List<long>(), new Dictionary<long, int>());
        foreach (var id in new[] { 1, 2, 3 })
            queues.Offer(Offer(id));
        for (var turn = 0; turn < 6; turn++)
        {
            order.Add(queues.InOrder(none).First().Id);
            queues.Served(order[^1]);
        }

        Assert.Equal([1, 2, 3, 1, 2, 3], order);
    }

    [Fact]
    public void Offer_WhenStagesComeInAnyOrder_PutsThemInTheirs()
    {
        var queues = new WorkQueues();
        queues.Offer(new ExperimentOffer(1, ExperimentState.Running, 1, [new(Plan(1, "b", 1), [0]), new(Plan(1, "a", 0), [0])]));

        Assert.Equal(["a", "b"], queues.InOrder(new Dictionary<long, int>()).Single().Stages.Select(s => s.Plan.Name));
    }

    [Fact]
    public void Offer_WhenAnExperimentRunsNoMore_ForgetsItsStagesAndKeepsItsState()
    {
        var queues = new WorkQueues();
        Assert.Null(queues.StateOf(1));
        queues.Offer(Offer(1));
        Assert.Equal(ExperimentState.Running, queues.StateOf(1));

        queues.Offer(new ExperimentOffer(1, ExperimentState.Paused, 1, []));

        Assert.Equal(ExperimentState.Paused, queues.StateOf(1));
        Assert.Null(queues.Find(1, "s"));
        queues.Offer(Offer(1));
        Assert.Equal(ExperimentState.Running, queues.StateOf(1));
    }

    [Fact]
    public void Offer_WhenAStageIsOfferedAgain_KeepsWhatIsKnownOfIt()
    {
        var queues = new WorkQueues();
        queues.Offer(Offer(1));
        var queue = queues.Find(1, "s")!;
        queue.Took(queue.Next(), Empty, handedOut: true);

        queues.Offer(Offer(1));

        Assert.Same(queue, queues.Find(1, "s"));
        Assert.Equal(1, queue.Next());
    }

    [Fact]
    public void Next_WhenNothingCameBack_GoesThroughTheRangesThatAreNotDone()
    {
        var queue = new WorkQueue(Plan(1, "s", 0, ranges: 5));
        queue.Learn([0b00011]);

        Assert.Equal([2, 3, 4], Drain(queue));
    }

    [Fact]
    public void Next_WhenARangeStillHasItems_AsksItBeforeLaterOnes()
    {
        var queue = new WorkQueue(Plan(1, "s", 0, ranges: 3));
        Assert.True(queue.HasCandidates(Now));
        queue.Took(queue.Next(), More, handedOut: true);

        Assert.Equal([0, 1, 2], Drain(queue));
    }

    [Fact]
    public void Return_WhenARangeWasAskedBefore_ComesFirst()
    {
        var queue = new WorkQueue(Plan(1, "s", 0, ranges: 4));
        for (var i = 0; i < 2; i++)
            queue.Took(queue.Next(), Empty, handedOut: true);

        queue.Return(1);
        queue.Return(3);

        // The one that was not asked yet comes up in any case, and once.
        Assert.Equal([1, 2, 3], Drain(queue));
    }

    [Fact]
    public void Return_WhenTheRangeIsDone_IsIgnored()
    {
        var queue = new WorkQueue(Plan(1, "s", 0, ranges: 1));
        queue.Took(queue.Next(), Complete, handedOut: false);

        queue.Return(0);

        Assert.False(queue.HasCandidates(Now));
        Assert.Empty(queue.Open);
    }

    [Fact]
    public void Took_WhenARangeThatIsDoneAnswersLate_IsIgnored()
    {
        var queue = new WorkQueue(Plan(1, "s", 0, ranges: 1));
        var range = queue.Next();
        queue.Learn([1]);

        queue.Took(range, More, handedOut: true);

        Assert.False(queue.HasCandidates(Now));
        Assert.Empty(queue.Open);
    }

    [Fact]
    public void Later_WhenItIsDue_ComesBackAndNotBefore()
    {
        var queue = new WorkQueue(Plan(1, "s", 0, ranges: 1));
        var before = Now;
        queue.Took(queue.Next(), new RangeStatus(0, 5000, false), handedOut: true);
        var (due, tooSoon) = (queue.NextDue(before)!.Value, before + (4 * Stopwatch.Frequency));

        Assert.False(queue.HasCandidates(tooSoon));
        Assert.InRange(Stopwatch.GetElapsedTime(before, due), TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1));
        Assert.Null(queue.NextDue(due));
        Assert.True(queue.HasCandidates(due));
        Assert.Equal(0, queue.Next());
        Assert.False(queue.HasCandidates(due));
    }

    [Fact]
    public void Later_WhenItIsPutOffTwice_TheEarlierStands()
    {
        var queue = new WorkQueue(Plan(1, "s", 0, ranges: 1));
        queue.Next();
        queue.Later(0, 60_000);
        queue.Later(0, 10);
        queue.Later(0, 60_000);

        Assert.InRange(Stopwatch.GetElapsedTime(Now, queue.NextDue(0)!.Value), TimeSpan.FromHours(-1), TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void Took_WhenItHadItemsButGaveNone_IsAskedAgainAfterAWhile()
    {
        var queue = new WorkQueue(Plan(1, "s", 0, ranges: 1));
        queue.Took(queue.Next(), More, handedOut: false);

        Assert.NotNull(queue.NextDue(0));
        Assert.True(queue.HasCandidates(queue.NextDue(0)!.Value));
    }

    private static List<int> Drain(WorkQueue queue)
    {
        var ranges = new List<int>();
        while (queue.HasCandidates(Now))
        {
            ranges.Add(queue.Next());
            queue.Took(ranges[^1], Empty, handedOut: true);
        }

        return ranges;
    }

    private static ExperimentOffer Offer(long id, int priority = 100) => new(id, ExperimentState.Running, priority, [new(Plan(id, "s", 0), [0])]);

    private static StagePlan Plan(long id, string name, int ordinal, int ranges = 2) =>
        new(id, name, ordinal, TestBench.Kind, null, new WorkNeeds(), ranges * StagePlan.RangeSize, 3, 5);
}
