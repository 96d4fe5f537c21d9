// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;
using Teravox.Testing;

namespace Teravox.Catalog.Tests;

// Experiments: submitted, listed, counted, and the states that their grains write.
public abstract partial class CatalogConformance
{
    [Fact]
    public async Task SubmitAsync_WhenRead_KeepsEveryField()
    {
        var stage = new NewStage("s", "tile", [], "{\"a\":1}", new WorkNeeds(true, 1L << 40, "disk=fast"), 2, 7);
        var id = await SubmitAsync(new NewExperiment("naïve 脳", "{\"b\":2}", [stage, Stage("t", "s")], "key", -3, "ann", "sweep", "{\"seed\":1}"));

        var row = (await Catalog.FindAsync(id, Ct))!;

        Assert.Equal(
            new ExperimentRow(id, "naïve 脳", "{\"b\":2}", row.Stages, ExperimentState.Running, -3, "key", "ann", "sweep", "{\"seed\":1}", IsNow(row.Created), null), row);
        Assert.Equal(["s", "t"], row.Stages.Select(s => s.Name));
        Assert.Equal(stage with { After = row.Stages[0].After }, row.Stages[0]);
        Assert.Equal(["s"], row.Stages[1].After);
        Assert.Equal(["submitted"], (await Catalog.EventsAsync(id, 0, 10, Ct)).Select(e => e.Kind));
    }

    [Fact]
    public async Task SubmitAsync_WhenMany_GivesIdsInTheirOrder()
    {
        var first = await SubmitAsync(new NewExperiment("there already", "{}", [Stage("s")], "key-b"));

        var ids = await Catalog.SubmitAsync(
            [
                new NewExperiment("a", "{}", [Stage("s")], "key-a"),
                new NewExperiment("b", "{}", [Stage("s")], "key-b"),
                new NewExperiment("a again", "{}", [Stage("s")], "key-a"),
                new NewExperiment("c", "{}", [Stage("s"), Stage("t", "s")]),
            ],
            Ct);

        Assert.Equal([ids[0], first, ids[0], ids[3]], ids);
        Assert.Equal(["c", "a", "there already"], (await Catalog.ListAsync(new ExperimentQuery(), Ct)).Select(row => row.Name));
        Assert.Equal([first, ids[0], ids[3]], (await Catalog.EventsAsync(null, 0, 10, Ct)).Select(row => row.ExperimentId));
        Assert.Empty(await Catalog.SubmitAsync([], Ct));
    }

    [Fact]
    public async Task SubmitAsync_WhenSameKeyTwice_GivesTheFirstAndWritesNothing()
    {
        var first = await SubmitAsync(new NewExperiment("a", "{}", [Stage("s")], "key"));
        var second = await SubmitAsync(new NewExperiment("b", "{}", [Stage("t"), Stage("u")], "key"));

        Assert.Equal(first, second);
        Assert.Equal("a", Assert.Single(await Catalog.ListAsync(new ExperimentQuery(), Ct)).Name);
        Assert.Single(await Catalog.EventsAsync(null, 0, 10, Ct));
    }

    [Fact]
    public async Task SubmitAsync_WhenNoKey_MakesOneEachTime() => Assert.True(await SubmitAsync(Stage("s")) < await SubmitAsync(Stage("s")));

    [Fact]
    public async Task SubmitAsync_WhenStagesAreUnsound_SaysWhichAndWritesNothing()
    {
        async Task Refuses(string part, params NewStage[] stages)
        {
            var error = await Assert.ThrowsAsync<InputException>(
                () => Catalog.SubmitAsync([new NewExperiment("good", "{}", [Stage("s")]), new NewExperiment("bad", "{}", stages)], Ct));
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        }

        await Refuses("no stages");
        await Refuses("two stages named 'a'", Stage("a"), Stage("a"));
        await Refuses("'a' waits for stage 'b'", Stage("a", "b"));
        await Refuses("'b', 'c'", Stage("a"), Stage("b", "a", "c"), Stage("c", "b"));
        await Refuses("'a'", Stage("a", "a"));
        await Refuses("1 or more", Stage("a") with { MaxFailures = 0 });
        await Refuses("1 or more", Stage("a") with { MaxDeaths = 0 });
        Assert.Empty(await Catalog.ListAsync(new ExperimentQuery(), Ct));
        Assert.Empty(await Catalog.EventsAsync(null, 0, 10, Ct));
    }

    [Theory]
    [InlineData("catalog.before-commit:submit", 0)]
    [InlineData("catalog.after-commit:submit", 2)]
    public async Task SubmitAsync_WhenItsAnswerIsLost_TheRepeatMakesNoSecond(string point, int there)
    {
        NewExperiment[] experiments = [new("a", "{}", [Stage("s")], "key-a"), new("b", "{}", [Stage("s")], "key-b")];
        using var fault = FaultScope.Once(point, new DatabaseUnavailableException("connection lost"));

        await Assert.ThrowsAsync<DatabaseUnavailableException>(() => Catalog.SubmitAsync(experiments, Ct));
        Assert.Equal(there, (await Catalog.ListAsync(new ExperimentQuery(), Ct)).Count);
        Assert.Equal(there, (await Catalog.EventsAsync(null, 0, 10, Ct)).Count);
        var ids = await Catalog.SubmitAsync(experiments, Ct);

        Assert.Equal(ids.Reverse(), (await Catalog.ListAsync(new ExperimentQuery(), Ct)).Select(row => row.Id));
    }

    [Fact]
    public async Task SubmitAsync_WhenManySubmitTheSameKeysAtOnce_OneOfEachIsMade()
    {
        await using var other = await OpenAsync();
        NewExperiment Keyed(string key) => new("e", "{}", [Stage("s")], key);

        // In opposite orders, which would make deadlocks if the keys were taken as they come.
        var ids = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(
            async () => (await (i < 4 ? Catalog : other).SubmitAsync(i % 2 == 0 ? [Keyed("k"), Keyed("l")] : [Keyed("l"), Keyed("k")], Ct)).Order().ToList(), Ct)));

        Assert.All(ids, pair => Assert.Equal(ids[0], pair));
        Assert.Equal(2, (await Catalog.ListAsync(new ExperimentQuery(), Ct)).Count);
    }

    [Fact]
    public async Task FindAsync_WhenThereIsNone_GivesNull() => Assert.Null(await Catalog.FindAsync(77, Ct));

    [Fact]
    public async Task ListAsync_WhenPaged_GoesFromTheNewest()
    {
        var ids = new List<long>();
        for (var i = 0; i < 5; i++)
            ids.Insert(0, await SubmitAsync(Stage("s")));

        var page = await Catalog.ListAsync(new ExperimentQuery(Limit: 2), Ct);
        Assert.Equal(ids[..2], page.Select(row => row.Id));
        Assert.Equal(ids[2..], (await Catalog.ListAsync(new ExperimentQuery(page[^1].Id, 10), Ct)).Select(row => row.Id));
    }

    [Fact]
    public async Task ListAsync_WhenFiltered_GivesOnlyThoseThatMeetAll()
    {
        var experiments = new[] { ("ann", "one"), ("ben", "one"), ("ann", "two"), ("ann", "one"), (null, null) }
            .Select(of => new NewExperiment("e", "{}", [Stage("s")], Owner: of.Item1, Campaign: of.Item2)).ToList();
        var ids = (await Catalog.SubmitAsync(experiments, Ct)).ToList();
        await Catalog.RecordAsync(ids[0], ExperimentState.Paused, [], Ct);
        await Catalog.RecordAsync(ids[4], ExperimentState.Cancelled, [], Ct);

        async Task ExpectAsync(string indices, ExperimentQuery query) => Assert.Equal(
            indices,
            string.Join(' ', (await Catalog.ListAsync(query, Ct)).Select(row => ids.IndexOf(row.Id))));

        await ExpectAsync("4 3 2 1 0", new ExperimentQuery());
        await ExpectAsync("3 1 0", new ExperimentQuery(Campaign: "one"));
        await ExpectAsync("3 2 0", new ExperimentQuery(Owner: "ann"));
        await ExpectAsync("3 0", new ExperimentQuery(Owner: "ann", Campaign: "one"));
        await ExpectAsync("3", new ExperimentQuery(Owner: "ann", Campaign: "one", State: ExperimentState.Running));
        await ExpectAsync("0", new ExperimentQuery(State: ExperimentState.Paused));
        await ExpectAsync("4", new ExperimentQuery(State: ExperimentState.Cancelled));
        await ExpectAsync("1", new ExperimentQuery(Before: ids[3], Limit: 1, Campaign: "one"));
        await ExpectAsync("", new ExperimentQuery(Campaign: "none"));
        Assert.Equal(
            new Dictionary<ExperimentState, long> { [ExperimentState.Running] = 3, [ExperimentState.Paused] = 1, [ExperimentState.Cancelled] = 1 },
            await Catalog.CountAsync(Ct));
    }

    [Theory]
    [InlineData(ExperimentState.Succeeded)]
    [InlineData(ExperimentState.Failed)]
    [InlineData(ExperimentState.Cancelled)]
    public async Task RecordAsync_WhenTheExperimentEnds_ItsEndIsKeptUntilItGoesOn(ExperimentState end)
    {
        var id = await SubmitAsync(Stage("s"));
        await Catalog.RecordAsync(id, ExperimentState.Paused, [], Ct);
        Assert.Null((await Catalog.FindAsync(id, Ct))!.Ended);

        await Catalog.RecordAsync(id, end, [], Ct);
        var ended = (await Catalog.FindAsync(id, Ct))!;
        Assert.Equal(end, ended.State);
        IsNow(ended.Ended);

        // A repeat, and another end after it, leave the time of the first.
        await Catalog.RecordAsync(id, end, [], Ct);
        await Catalog.RecordAsync(id, end == ExperimentState.Failed ? ExperimentState.Cancelled : ExperimentState.Failed, [], Ct);
        Assert.Equal(ended.Ended, (await Catalog.FindAsync(id, Ct))!.Ended);

        await Catalog.RecordAsync(id, ExperimentState.Running, [], Ct);
        Assert.Equal((ExperimentState.Running, null), await Catalog.FindAsync(id, Ct) is { } row ? (row.State, row.Ended) : default);
    }
}
