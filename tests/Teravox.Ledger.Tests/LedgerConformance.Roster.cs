// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Ledger;

namespace Teravox.Ledger.Tests;

// The roster of silos.
public abstract partial class LedgerConformance
{
    private static readonly TimeSpan Forget = TimeSpan.FromMinutes(10);

    private static SiloEntry Silo(string name) => new(
        name, $"http://{name}:7070", "node-1", "0.1.0", [new DeviceInfo("cuda:0", 2, 8, 80L << 30)], ["disk=fast"], ["train", "tile"]);

    [Fact]
    public async Task SignOnAsync_WhenRead_KeepsEveryField()
    {
        await Ledger.SignOnAsync(Silo("b"), Ct);
        await Ledger.SignOnAsync(Silo("a") with { Url = null, Devices = [], Tags = [], Kinds = [] }, Ct);
        var started = Clock.GetUtcNow();
        Clock.Advance(TimeSpan.FromSeconds(3));

        var silos = await Ledger.SilosAsync(Forget, Ct);

        Assert.Equal(["a", "b"], silos.Select(silo => silo.Entry.Name));
        Assert.Equal(Text(Silo("b")), Text(silos[1].Entry));
        Assert.Equal(Text(new SiloStatus()), Text(silos[1].Status));
        Assert.Equal((started, started, TimeSpan.FromSeconds(3)), (silos[1].Started, silos[1].LastSeen, silos[1].Silent));
        Assert.Null(silos[0].Entry.Url);
    }

    [Fact]
    public async Task BeatAsync_WhenSignedOn_KeepsTheStatusAndTheTime()
    {
        await Ledger.SignOnAsync(Silo("a"), Ct);
        var started = Clock.GetUtcNow();
        Clock.Advance(TimeSpan.FromSeconds(5));
        var status = new SiloStatus
        {
            Draining = true,
            ItemsDone = 7,
            ItemsPerSecond = 0.25,
            MemoryBytes = 1L << 40,
            Running = [new SiloItem(3, "infer", 12, "cuda:0", 0.5, "block 3")],
        };

        Assert.True(await Ledger.BeatAsync("a", status, Ct));
        Assert.False(await Ledger.BeatAsync("nobody", status, Ct));

        var silo = Assert.Single(await Ledger.SilosAsync(Forget, Ct));
        Assert.Equal(Text(status), Text(silo.Status));
        Assert.Equal((started, Clock.GetUtcNow(), TimeSpan.Zero), (silo.Started, silo.LastSeen, silo.Silent));
    }

    [Fact]
    public async Task SignOnAsync_WhenTwice_BringsTheEntryUpToDateAndKeepsTheRest()
    {
        await Ledger.SignOnAsync(Silo("a"), Ct);
        var started = Clock.GetUtcNow();
        await Ledger.BeatAsync("a", new SiloStatus { ItemsDone = 9 }, Ct);
        Clock.Advance(TimeSpan.FromMinutes(1));

        await Ledger.SignOnAsync(Silo("a") with { Version = "0.2.0" }, Ct);

        var silo = Assert.Single(await Ledger.SilosAsync(Forget, Ct));
        Assert.Equal(("0.2.0", 9), (silo.Entry.Version, silo.Status.ItemsDone));
        Assert.Equal((started, Clock.GetUtcNow()), (silo.Started, silo.LastSeen));
    }

    [Fact]
    public async Task SilosAsync_WhenOneWasNotHeardOf_ItIsRemovedAndMustSignOnAgain()
    {
        await Ledger.SignOnAsync(Silo("dead"), Ct);
        await Ledger.SignOnAsync(Silo("alive"), Ct);
        Clock.Advance(Forget - TimeSpan.FromMilliseconds(1));
        Assert.Equal(2, (await Ledger.SilosAsync(Forget, Ct)).Count);
        await Ledger.BeatAsync("alive", new SiloStatus(), Ct);
        Clock.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal("alive", Assert.Single(await Ledger.SilosAsync(Forget, Ct)).Entry.Name);

        Assert.False(await Ledger.BeatAsync("dead", new SiloStatus(), Ct));
        await Ledger.SignOnAsync(Silo("dead"), Ct);
        Assert.Equal(2, (await Ledger.SilosAsync(Forget, Ct)).Count);
    }

    [Fact]
    public async Task SignOffAsync_WhenCalledTwice_TheSiloIsGoneAndNothingElseHappens()
    {
        await Ledger.SignOnAsync(Silo("a"), Ct);

        await Ledger.SignOffAsync("a", Ct);
        await Ledger.SignOffAsync("a", Ct);

        Assert.Empty(await Ledger.SilosAsync(Forget, Ct));
    }

    private static string Text<T>(T value) => JsonSerializer.Serialize(value, TeravoxJson.Compact);
}
