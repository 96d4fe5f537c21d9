// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains.Catalog;
using Teravox.Testing;

namespace Teravox.Catalog.Tests;

// What people keep by name.
public abstract partial class CatalogConformance
{
    [Fact]
    public async Task AddEntryAsync_WhenRead_KeepsEveryField()
    {
        var added = await AddVolumeAsync("naïve 脳", "ann", "{\"path\":\"a b\"}");

        Assert.Equal(
            new EntryRow(added.Id, "volume", "naïve 脳", "ann", "{\"path\":\"a b\"}", 1, IsNow(added.Created), added.Created), added);
        Assert.Equal(added, await Catalog.FindEntryAsync(EntryKinds.Volume, added.Id, Ct));
        Assert.Equal(added, await Catalog.FindEntryAsync(EntryKinds.Volume, "naïve 脳", Ct));
        Assert.Null((await AddVolumeAsync("nobody's", null, "{}")).Owner);
    }

    [Fact]
    public async Task FindEntryAsync_WhenTheKindIsAnother_GivesNull()
    {
        var added = await AddVolumeAsync("a");

        Assert.Null(await Catalog.FindEntryAsync(EntryKinds.Model, added.Id, Ct));
        Assert.Null(await Catalog.FindEntryAsync(EntryKinds.Model, "a", Ct));
        Assert.Null(await Catalog.FindEntryAsync(EntryKinds.Volume, "A", Ct));
        Assert.Null(await Catalog.FindEntryAsync(EntryKinds.Volume, added.Id + 1, Ct));
    }

    [Fact]
    public async Task AddEntryAsync_WhenTheNameIsTaken_GivesNullAndChangesNothing()
    {
        var first = await AddVolumeAsync("a");

        Assert.Null(await Catalog.AddEntryAsync(EntryKinds.Volume, "a", "ben", "{\"other\":1}", Ct));

        Assert.Equal(first, await Catalog.FindEntryAsync(EntryKinds.Volume, "a", Ct));
        Assert.NotNull(await Catalog.AddEntryAsync(EntryKinds.Model, "a", null, "{}", Ct));
    }

    [Fact]
    public async Task AddEntryAsync_WhenManyAskForOneName_OneGetsIt()
    {
        await using var other = await OpenAsync();

        var rows = await Task.WhenAll(Enumerable.Range(0, 12).Select(i =>
            (i % 2 == 0 ? Catalog : other).AddEntryAsync(EntryKinds.Upload, "a", null, $"{i}", Ct)));

        Assert.Equal(Assert.Single(rows, row => row is not null), await Catalog.FindEntryAsync(EntryKinds.Upload, "a", Ct));
    }

    [Fact]
    public async Task EntriesAsync_WhenPaged_GoesFromTheNewestOfTheKind()
    {
        var ids = new List<long>();
        foreach (var name in new[] { "a", "b", "c" })
        {
            ids.Insert(0, (await AddVolumeAsync(name)).Id);
            await Catalog.AddEntryAsync(EntryKinds.Model, name, null, "{}", Ct);
        }

        var page = await Catalog.EntriesAsync(EntryKinds.Volume, null, 2, Ct);
        Assert.Equal(ids[..2], page.Select(row => row.Id));
        Assert.Equal(ids[2..], (await Catalog.EntriesAsync(EntryKinds.Volume, page[^1].Id, 10, Ct)).Select(row => row.Id));
        Assert.Empty(await Catalog.EntriesAsync(EntryKinds.Campaign, null, 10, Ct));
    }

    [Fact]
    public async Task ReplaceEntryAsync_WhenTheVersionIsItsOwn_RaisesIt()
    {
        var added = await AddVolumeAsync("a", "ann");

        Assert.True(await Catalog.ReplaceEntryAsync(added.Id, 1, "{\"n\":2}", Ct));
        Assert.False(await Catalog.ReplaceEntryAsync(added.Id, 1, "{\"n\":3}", Ct));
        Assert.False(await Catalog.ReplaceEntryAsync(added.Id, 3, "{\"n\":3}", Ct));
        Assert.False(await Catalog.ReplaceEntryAsync(added.Id + 1, 1, "{\"n\":3}", Ct));

        var replaced = (await Catalog.FindEntryAsync(EntryKinds.Volume, added.Id, Ct))!;
        Assert.Equal(added with { Document = "{\"n\":2}", Version = 2, Changed = IsNow(replaced.Changed) }, replaced);
    }

    [Fact]
    public async Task ReplaceEntryAsync_WhenManyTryAtOnce_OneOfAVersionWins()
    {
        var added = await AddVolumeAsync("a");

        var wins = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Catalog.ReplaceEntryAsync(added.Id, 1, $"{i}", Ct)));

        Assert.Single(wins, won => won);
        Assert.Equal(2, (await Catalog.FindEntryAsync(EntryKinds.Volume, "a", Ct))!.Version);
    }

    [Fact]
    public async Task RemoveEntryAsync_WhenRemoved_TheNameIsFreeAndTheNumberIsNotGivenAgain()
    {
        var added = await AddVolumeAsync("a");

        Assert.True(await Catalog.RemoveEntryAsync(added.Id, Ct));
        Assert.False(await Catalog.RemoveEntryAsync(added.Id, Ct));
        Assert.False(await Catalog.ReplaceEntryAsync(added.Id, 1, "{}", Ct));

        Assert.Null(await Catalog.FindEntryAsync(EntryKinds.Volume, "a", Ct));
        Assert.True((await AddVolumeAsync("a")).Id > added.Id);
    }

    [Fact]
    public async Task AddEntryAsync_WhenItsAnswerIsLost_TheRepeatGivesNullAndTheEntryIsThere()
    {
        using (FaultScope.Once("catalog.after-commit:addentry", new DatabaseUnavailableException("connection lost")))
        {
            await Assert.ThrowsAsync<DatabaseUnavailableException>(() => AddVolumeAsync("a", "ann", "{\"n\":1}"));
            Assert.Null(await Catalog.AddEntryAsync(EntryKinds.Volume, "a", "ann", "{\"n\":1}", Ct));
        }

        var there = await Catalog.FindEntryAsync(EntryKinds.Volume, "a", Ct);
        Assert.Equal(("ann", "{\"n\":1}", 1), (there!.Owner, there.Document, there.Version));
    }

    [Fact]
    public async Task AddEntryAsync_WhenItDiesBeforeItsCommit_TheRepeatAddsIt()
    {
        using var fault = FaultScope.Once("catalog.before-commit:addentry", new DatabaseUnavailableException("killed"));
        await Assert.ThrowsAsync<DatabaseUnavailableException>(() => AddVolumeAsync("a"));

        Assert.Null(await Catalog.FindEntryAsync(EntryKinds.Volume, "a", Ct));
        await AddVolumeAsync("a");
    }

    private async Task<EntryRow> AddVolumeAsync(string name, string? owner = null, string document = "{}")
    {
        var row = await Catalog.AddEntryAsync(EntryKinds.Volume, name, owner, document, Ct);
        Assert.NotNull(row);
        return row;
    }
}
