// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;
using Teravox.Testing;

namespace Teravox.Catalog.Tests;

// The log of experiments, and the news of it.
public abstract partial class CatalogConformance
{
    [Fact]
    public async Task EventsAsync_WhenReadFromACursor_GivesTheRestInOrder()
    {
        var id = await SubmitAsync(Stage("s"));
        var other = await SubmitAsync(Stage("s"));
        await Catalog.RecordAsync(id, ExperimentState.Failed, [Event("m1"), new NewEvent("m2", "failed", null, "naïve 脳")], Ct);
        await Catalog.RecordAsync(other, null, [Event("m1")], Ct);

        var all = await Catalog.EventsAsync(id, 0, 100, Ct);

        Assert.Equal([("submitted", null), ("log", "s"), ("failed", null)], all.Select(row => (row.Kind, row.Stage)));
        Assert.Equal(["text of m1", "naïve 脳"], all.Skip(1).Select(row => row.Text));
        Assert.All(all, row => Assert.Equal(id, row.ExperimentId));
        Assert.All(all, row => IsNow(row.At));
        Assert.Equal([all[1]], await Catalog.EventsAsync(id, all[0].Id, 1, Ct));
        Assert.Equal(ExperimentState.Failed, await StateAsync(id));

        var everyones = await Catalog.EventsAsync(null, 0, 100, Ct);
        Assert.Equal([id, other, id, id, other], everyones.Select(row => row.ExperimentId));
        Assert.Equal(everyones.Select(row => row.Id).Order(), everyones.Select(row => row.Id));
    }

    [Fact]
    public async Task RecordAsync_WhenAMarkIsThereAlready_LeavesItsEventOut()
    {
        var id = await SubmitAsync(Stage("s"));
        await Catalog.RecordAsync(id, null, [Event("m1"), Event("m2"), Event("m1", "again")], Ct);
        var before = await Catalog.EventsAsync(null, 0, 100, Ct);
        Assert.Equal(["submitted", "log", "log"], before.Select(row => row.Kind));

        await Catalog.RecordAsync(id, null, [Event("m2", "other"), Event("m1"), Event("submitted")], Ct);
        Assert.Equal(before, await Catalog.EventsAsync(null, 0, 100, Ct));

        await Catalog.RecordAsync(id, null, [Event("m2"), Event("m3")], Ct);
        Assert.Equal(["text of m1", "text of m2", "text of m3"], (await Catalog.EventsAsync(id, 0, 100, Ct)).Skip(1).Select(row => row.Text));
    }

    [Theory]
    [InlineData("catalog.before-commit:record", false)]
    [InlineData("catalog.after-commit:record", true)]
    public async Task RecordAsync_WhenItsAnswerIsLost_TheRepeatEntersItOnce(string point, bool there)
    {
        var id = await SubmitAsync(Stage("s"));
        using var fault = FaultScope.Once(point, new DatabaseUnavailableException("connection lost"));
        Task RecordAsync() => Catalog.RecordAsync(id, ExperimentState.Succeeded, [Event("m1"), Event("m2")], Ct);

        await Assert.ThrowsAsync<DatabaseUnavailableException>(RecordAsync);
        Assert.Equal(there ? (ExperimentState.Succeeded, 3) : (ExperimentState.Running, 1), (await StateAsync(id), (await Catalog.EventsAsync(id, 0, 10, Ct)).Count));
        await RecordAsync();

        Assert.Equal((ExperimentState.Succeeded, 3), (await StateAsync(id), (await Catalog.EventsAsync(id, 0, 10, Ct)).Count));
    }

    [Fact]
    public async Task RecordAsync_WhenManyEnterTheSameMarks_EachIsEnteredOnce()
    {
        const int Marks = 30;
        await using var other = await OpenAsync();
        var id = await SubmitAsync(Stage("s"));

        // Each in an order of its own, some of them in one call.
        await Task.WhenAll(Enumerable.Range(0, 6).Select(i => Task.Run(
            async () =>
            {
                var marks = Enumerable.Range(0, Marks).Select(m => Event($"m{(m * ((2 * i) + 7)) % Marks}")).ToList();
                foreach (var some in marks.Chunk(1 + i))
                    await (i % 2 == 0 ? Catalog : other).RecordAsync(id, null, some, Ct);
            },
            Ct)));

        var texts = (await Catalog.EventsAsync(id, 0, 1000, Ct)).Skip(1).Select(row => row.Text);
        Assert.Equal(Enumerable.Range(0, Marks).Select(m => $"text of m{m}").Order(StringComparer.Ordinal), texts.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task EventsAsync_WhenReadWhileManyWrite_ACursorMissesNone()
    {
        const int Writers = 6, Each = 40;
        await using var other = await OpenAsync();
        var id = await SubmitAsync(Stage("s"));
        var writing = Task.WhenAll(Enumerable.Range(0, Writers).Select(i => Task.Run(
            async () =>
            {
                for (var n = 0; n < Each; n++)
                    await (i % 2 == 0 ? Catalog : other).RecordAsync(id, null, [Event($"{i}-{n}"), Event($"{i}-{n}-more")], Ct);
            },
            Ct)));

        var seen = new List<EventRow>();
        bool last;
        do
        {
            last = writing.IsCompleted;
            while (await Catalog.EventsAsync(null, seen.Count == 0 ? 0 : seen[^1].Id, 7, Ct) is { Count: > 0 } page)
                seen.AddRange(page);
        }
        while (!last);

        await writing;
        Assert.Equal(1 + (2 * Writers * Each), seen.Count);
        Assert.Equal(await Catalog.EventsAsync(null, 0, 10_000, Ct), seen);
    }

    [Fact]
    public async Task WaitForNewsAsync_WhenSomethingIsWritten_ReturnsBeforeItsTime()
    {
        var id = await SubmitAsync(Stage("s"));
        var news = Catalog.WaitForNewsAsync(TimeSpan.FromHours(1), Ct);
        Assert.False(news.IsCompleted);

        await Catalog.RecordAsync(id, ExperimentState.Paused, [], Ct);

        await news.WaitAsync(TimeSpan.FromSeconds(30), Ct);
    }

    [Fact]
    public async Task WaitForNewsAsync_WhenNothingHappens_ReturnsAfterItsTime() =>
        await Catalog.WaitForNewsAsync(TimeSpan.FromMilliseconds(20), Ct).WaitAsync(TimeSpan.FromSeconds(30), Ct);
}
