// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;
using Teravox.Grains.Ledger;
using Teravox.Silo;

namespace Teravox.Ledger.Tests;

/// <summary>A silo in the roster, and the work that nobody there can run.</summary>
public sealed class PresenceTests : SiloFixture
{
    [Fact]
    public async Task RunAsync_WhenNoSiloHasWhatAStageNeeds_SaysWhyUntilOneHas()
    {
        var id = await SubmitAsync(Stage("s") with { Needs = new WorkNeeds(Gpu: true, MemoryBytes: 20L << 30) });
        var silo = Silo((_, _) => Task.FromResult(new WorkResult()), _ => 2);
        var log = new SiloLog(silo);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var working = silo.RunAsync(stop.Token);
        var present = Presence(silo).RunAsync(stop.Token, stop.Token);

        var blocked = await log.WaitAsync<StageBlocked>();
        Assert.Equal((id, "s", "needs a CUDA device with 20 GiB of memory; no silo has one"), (blocked.ExperimentId, blocked.Stage, blocked.Why));
        Assert.Equal(blocked.Why, (await StageAsync(id)).Blocked);

        await Ledger.SignOnAsync(silo.Entry(null) with { Name = "gpu", Devices = [new DeviceInfo("cuda:0", 3, 1, 24L << 30)] }, Ct);
        await log.WaitAsync<StageBlocked>(stage => stage.Why is null);
        Assert.Null((await StageAsync(id)).Blocked);

        await stop.CancelAsync();
        await working;
        await present;
        Assert.Equal(["gpu"], (await Ledger.SilosAsync(TimeSpan.FromHours(1), Ct)).Select(row => row.Entry.Name));
    }

    [Fact]
    public async Task RunAsync_WhenItsEntryWasRemoved_SignsOnAgain()
    {
        var silo = Silo((_, _) => Task.FromResult(new WorkResult()), _ => 1);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var present = Presence(silo).RunAsync(stop.Token, stop.Token);
        var name = (await SignedOnAsync()).Entry.Name;

        await Ledger.SignOffAsync(name, Ct);

        Assert.Equal(name, (await SignedOnAsync()).Entry.Name);
        await stop.CancelAsync();
        await present;
    }

    [Fact]
    public async Task RunAsync_WhenTheSiloDrains_SaysSoAndWhatItHasDone()
    {
        var id = await SubmitAsync(Stage("s"));
        var silo = Silo((_, _) => Task.FromResult(new WorkResult()), _ => 7);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var present = Presence(silo).RunAsync(stop.Token, leave.Token);
        Assert.Equal(ExperimentState.Succeeded, await silo.RunToEndAsync(id, Ct));

        await stop.CancelAsync();

        var status = (await SignedOnAsync(row => row.Status is { Draining: true, ItemsDone: 7 })).Status;
        Assert.True(status.ItemsPerSecond > 0);
        Assert.True(status.MemoryBytes > 0);
        Assert.Empty(status.Running);
        await leave.CancelAsync();
        await present;
    }

    private Presence Presence(SiloHost silo) =>
        new(Ledger, silo, null) { BeatEvery = TimeSpan.FromMilliseconds(30), LookEvery = TimeSpan.FromMilliseconds(60) };

    private async Task<SiloRow> SignedOnAsync(Func<SiloRow, bool>? matches = null)
    {
        for (var deadline = Environment.TickCount64 + 30_000; Environment.TickCount64 < deadline; await Task.Delay(10, Ct))
        {
            if ((await Ledger.SilosAsync(TimeSpan.FromHours(1), Ct)).FirstOrDefault(row => matches is null || matches(row)) is { } row)
            {
                return row;
            }
        }

        throw new TimeoutException("no silo is in the roster as it should be");
    }
}
