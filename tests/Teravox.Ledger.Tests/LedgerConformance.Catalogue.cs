// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;

namespace Teravox.Ledger.Tests;

// The catalogue: what people keep by name.
public abstract partial class LedgerConformance
{
    [Fact]
    public async Task AddEntryAsync_WhenRead_KeepsEveryField()
    {
        var added = await AddVolumeAsync("naïve 脳", "ann", "{\"path\":\"a b\"}");

        Assert.Equal(
            new CatalogueRow(added.Id, "volume", "naïve 脳", "ann", "{\"path\":\"a b\"}", 1, Clock.GetUtcNow(), Clock.GetUtcNow()), added);
        Assert.Equal(added, await Ledger.FindEntryAsync(CatalogueKinds.Volume, added.Id, Ct));
        Assert.Equal(added, await Ledger.FindEntryAsync(CatalogueKinds.Volume, "naïve 脳", Ct));
        Assert.Null((await AddVolumeAsync("nobody's", null, "{}")).Owner);
    }

    [Fact]
    public async Task FindEntryAsync_WhenTheKindIsAnother_GivesNull()
    {
        var added = await AddVolumeAsync("a");

        Assert.Null(await Ledger.FindEntryAsync(CatalogueKinds.Model, added.Id, Ct));
        Assert.Null(await Ledger.FindEntryAsync(CatalogueKinds.Model, "a", Ct));
        Assert.Null(await Ledger.FindEntryAsync(CatalogueKinds.Volume, "A", Ct));
        Assert.Null(await Ledger.FindEntryAsync(CatalogueKinds.Volume, added.Id + 1, Ct));
    }

    [Fact]
    public async Task AddEntryAsync_WhenTheNameIsTaken_GivesNullAndChangesNothing()
    {
        var first = await AddVolumeAsync("a");

        Assert.Null(await Ledger.AddEntryAsync(CatalogueKinds.Volume, "a", "ben", "{\"other\":1}", Ct));

        Assert.Equal(first, await Ledger.FindEntryAsync(CatalogueKinds.Volume, "a", Ct));
        Assert.NotNull(await Ledger.AddEntryAsync(CatalogueKinds.Model, "a", null, "{}", Ct));
    }

    [Fact]
    public async Task AddEntryAsync_WhenManyAskForOneName_OneGetsIt()
    {
        await using var other = await OpenAsync("main", Clock, TimeSpan.FromSeconds(1));

        var rows = await Task.WhenAll(Enumerable.Range(0, 12).Select(i =>
            (i % 2 == 0 ? Ledger : other).AddEntryAsync(CatalogueKinds.Upload, "a", null, $"{i}", Ct)));

        Assert.Equal(Assert.Single(rows, row => row is not null), await Ledger.FindEntryAsync(CatalogueKinds.Upload, "a", Ct));
    }

    [Fact]
    public async Task EntriesAsync_WhenPaged_GoesFromTheNewestOfTheKind()
    {
        var ids = new List<long>();
        foreach (var name in new[] { "a", "b", "c" })
        {
            ids.Insert(0, (await AddVolumeAsync(name)).Id);
            await Ledger.AddEntryAsync(CatalogueKinds.Model, name, null, "{}", Ct);
        }

        var page = await Ledger.EntriesAsync(CatalogueKinds.Volume, null, 2, Ct);
        Assert.Equal(ids[..2], page.Select(row => row.Id));
        Assert.Equal(ids[2..], (await Ledger.EntriesAsync(CatalogueKinds.Volume, page[^1].Id, 10, Ct)).Select(row => row.Id));
        Assert.Empty(await Ledger.EntriesAsync(CatalogueKinds.Campaign, null, 10, Ct));
    }

    [Fact]
    public async Task ReplaceEntryAsync_WhenTheVersionIsItsOwn_RaisesIt()
    {
        var added = await AddVolumeAsync("a", "ann");
        Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.True(await Ledger.ReplaceEntryAsync(added.Id, 1, "{\"n\":2}", Ct));
        Assert.False(await Ledger.ReplaceEntryAsync(added.Id, 1, "{\"n\":3}", Ct));
        Assert.False(await Ledger.ReplaceEntryAsync(added.Id, 3, "{\"n\":3}", Ct));
        Assert.False(await Ledger.ReplaceEntryAsync(added.Id + 1, 1, "{\"n\":3}", Ct));

        Assert.Equal(
            added with { Document = "{\"n\":2}", Version = 2, Changed = Clock.GetUtcNow() },
            await Ledger.FindEntryAsync(CatalogueKinds.Volume, added.Id, Ct));
    }

    [Fact]
    public async Task ReplaceEntryAsync_WhenManyTryAtOnce_OneOfAVersionWins()
    {
        var added = await AddVolumeAsync("a");

        var wins = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Ledger.ReplaceEntryAsync(added.Id, 1, $"{i}", Ct)));

        Assert.Single(wins, won => won);
        Assert.Equal(2, (await Ledger.FindEntryAsync(CatalogueKinds.Volume, "a", Ct))!.Version);
    }

    [Fact]
    public async Task RemoveEntryAsync_WhenRemoved_TheNameIsFreeAndTheNumberIsNotGivenAgain()
    {
        var added = await AddVolumeAsync("a");

        Assert.True(await Ledger.RemoveEntryAsync(added.Id, Ct));
        Assert.False(await Ledger.RemoveEntryAsync(added.Id, Ct));
        Assert.False(await Ledger.ReplaceEntryAsync(added.Id, 1, "{}", Ct));

        Assert.Null(await Ledger.FindEntryAsync(CatalogueKinds.Volume, "a", Ct));
        Assert.True((await AddVolumeAsync("a")).Id > added.Id);
    }

    [Fact]
    public async Task AddEntryAsync_WhenItsAnswerIsLost_TheRepeatGivesNullAndTheEntryIsThere()
    {
        using (FaultScope.Once("ledger.after-commit:addentry", new LedgerUnavailableException("connection lost")))
        {
            await Assert.ThrowsAsync<LedgerUnavailableException>(() => AddVolumeAsync("a", "ann", "{\"n\":1}"));
            Assert.Null(await Ledger.AddEntryAsync(CatalogueKinds.Volume, "a", "ann", "{\"n\":1}", Ct));
        }

        var there = await Ledger.FindEntryAsync(CatalogueKinds.Volume, "a", Ct);
        Assert.Equal(("ann", "{\"n\":1}", 1), (there!.Owner, there.Document, there.Version));
    }

    [Fact]
    public async Task AddEntryAsync_WhenItDiesBeforeItsCommit_TheRepeatAddsIt()
    {
        using var fault = FaultScope.Once("ledger.before-commit:addentry", new LedgerUnavailableException("killed"));
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => AddVolumeAsync("a"));

        Assert.Null(await Ledger.FindEntryAsync(CatalogueKinds.Volume, "a", Ct));
        await AddVolumeAsync("a");
    }

    private async Task<CatalogueRow> AddVolumeAsync(string name, string? owner = null, string document = "{}")
    {
        var row = await Ledger.AddEntryAsync(CatalogueKinds.Volume, name, owner, document, Ct);
        Assert.NotNull(row);
        return row;
    }
}
