// SPDX-License-Identifier: Apache-2.0
using Teravox.Silo.Devices;

namespace Teravox.Engine.Tests;

public class DeviceQueueTests
{
    private const int Slots = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Look_WhenItemsHaveEndedButTheirReportsWait_HasRoomAndIsNotIdle()
    {
        var queue = New();
        for (var i = 0; i < Slots; i++)
        {
            queue.Take();
            Assert.True(await queue.EnterAsync(alone: false, CancellationToken.None));
        }

        Assert.Equal((false, 0), queue.Look());
        for (var i = 0; i < Slots; i++)
            queue.Leave(alone: false);

        var (idle, room) = queue.Look();
        Assert.False(idle);
        Assert.InRange(room, Slots, int.MaxValue);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Look_WhenItemsWereStoppedBeforeTheirTurns_HasRoomForOthers(bool beforeTheyCame)
    {
        var queue = New();
        for (var i = 0; i < Slots; i++)
            queue.Take();
        for (var i = 0; i < Slots; i++)
            Assert.True(await queue.EnterAsync(alone: false, CancellationToken.None));
        using var stop = new CancellationTokenSource();
        if (beforeTheyCame)
            await stop.CancelAsync();
        queue.Take();
        var waits = queue.EnterAsync(alone: false, stop.Token);
        await stop.CancelAsync();
        Assert.False(await waits);
        queue.Free();

        for (var i = 0; i < Slots; i++)
        {
            queue.Leave(alone: false);
            queue.Free();
        }

        var (idle, room) = queue.Look();
        Assert.True(idle);
        Assert.InRange(room, Slots, int.MaxValue);
    }

    [Fact]
    public async Task Emptied_WhenTheLastReportIsAnswered_Completes()
    {
        var queue = New();
        queue.Take();
        Assert.True(await queue.EnterAsync(alone: false, CancellationToken.None));
        var emptied = queue.Emptied;
        queue.Leave(alone: false);

        Assert.False(emptied.IsCompleted);
        queue.Free();

        await emptied.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task EnterAsync_WhenOneNeedsTheDeviceToItself_WaitsUntilItIsEmptyAndKeepsThoseBehindItWaiting()
    {
        var queue = New();
        for (var i = 0; i < Slots; i++)
            queue.Take();
        Assert.True(await queue.EnterAsync(alone: false, CancellationToken.None));
        var whole = queue.EnterAsync(alone: true, CancellationToken.None);
        var behind = queue.EnterAsync(alone: false, CancellationToken.None);
        Assert.Equal((1, 2), queue.Length);

        queue.Leave(alone: false);
        queue.Free();
        Assert.Equal((1, 1), queue.Length);
        Assert.True(await whole.WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.False(behind.IsCompleted);

        queue.Leave(alone: true);
        Assert.Equal(1, queue.Length.Running);
        Assert.True(await behind.WaitAsync(Patience, TestContext.Current.CancellationToken));
    }

    private static DeviceQueue New() => new(new Device("cpu", Slots, 1), TimeSpan.FromMilliseconds(500));
}
