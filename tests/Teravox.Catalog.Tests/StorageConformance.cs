// SPDX-License-Identifier: Apache-2.0
using Orleans.Storage;

namespace Teravox.Catalog.Tests;

/// <summary>
/// What grains need of the storage of their states, for every storage to pass: who writes must have read the last state, whoever
/// else wrote is told, and what was written stays.
/// </summary>
public abstract class StorageConformance : IAsyncLifetime
{
    private const string Name = "state";
    private static int _grains;
    private StorageSilo? _silo;

    private protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    private protected IGrainStorage Storage => _silo!.Storage;

    public virtual async ValueTask InitializeAsync() => _silo = await StartAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await StopAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Starts a silo on the database of this test, making it the first time.</summary>
    private protected abstract Task<StorageSilo> StartAsync();

    /// <summary>Lets the answer to the write of <paramref name="text"/> be lost once the write took effect.</summary>
    /// <returns>Disposed of in the end; its task ends when the answer was lost.</returns>
    private protected abstract Task<LostAnswer> LoseAnswerAsync(string text);

    private protected async Task StopAsync()
    {
        if (_silo is not null)
            await _silo.DisposeAsync();
        _silo = null;
    }

    private protected async Task StartAgainAsync() => _silo = await StartAsync();

    private protected static GrainId NewId() => GrainId.Create("storage-test", $"12/infer-N/{Interlocked.Increment(ref _grains)}");

    private protected async Task<GrainState<Sums>> ReadAsync(GrainId id, string name = Name)
    {
        var state = new GrainState<Sums>(new Sums());
        await Storage.ReadStateAsync(name, id, state);
        return state;
    }

    private protected async Task WriteAsync(GrainId id, GrainState<Sums> state, string text, string name = Name)
    {
        state.State = new Sums(text, [1, long.MaxValue, -3]);
        await Storage.WriteStateAsync(name, id, state);
    }

    private protected async Task<GrainState<Sums>> WriteNewAsync(GrainId id, string text)
    {
        var state = await ReadAsync(id);
        await WriteAsync(id, state, text);
        return state;
    }

    private protected async Task IsAsync(GrainId id, string? text)
    {
        var there = await ReadAsync(id);
        Assert.Equal((text is not null, text ?? ""), (there.RecordExists, there.State!.Text));
    }

    /// <summary>Checks that a write is refused, by its text, and that it changed neither the database nor what the writer knows.</summary>
    private protected async Task IsRefusedAsync(GrainId id, GrainState<Sums> late, string? there)
    {
        var etag = late.ETag;
        await Assert.ThrowsAsync<InconsistentStateException>(() => WriteAsync(id, late, "late"));
        Assert.Equal(etag, late.ETag);
        await Assert.ThrowsAsync<InconsistentStateException>(() => WriteAsync(id, late, "late"));
        await IsAsync(id, there);
    }

    [Fact]
    public async Task ReadStateAsync_WhenNothingIsThere_GivesANewState()
    {
        var read = await ReadAsync(NewId());

        Assert.Equal((false, null, ""), (read.RecordExists, read.ETag, read.State!.Text));
        Assert.Empty(read.State!.Counts);
    }

    [Fact]
    public async Task WriteStateAsync_WhenRead_KeepsEverything()
    {
        var id = NewId();
        var text = "naïve 脳\0\n\"" + new string('x', 100_000);

        var written = await WriteNewAsync(id, text);

        var read = await ReadAsync(id);
        Assert.Equal((true, written.ETag, text), (read.RecordExists, read.ETag, read.State!.Text));
        Assert.Equal([1, long.MaxValue, -3], read.State!.Counts);
        Assert.True(written.RecordExists);
    }

    [Fact]
    public async Task WriteStateAsync_WhenRepeated_EachHasAnETagOfItsOwn()
    {
        var id = NewId();
        var state = await ReadAsync(id);
        var etags = new HashSet<string>();
        for (var i = 0; i < 5; i++)
        {
            await WriteAsync(id, state, $"{i}");
            Assert.True(etags.Add(state.ETag!));
        }

        await IsAsync(id, "4");
    }

    [Fact]
    public async Task States_WhenTheirGrainsOrNamesAreAlike_AreApart()
    {
        string[] keys = ["12", "18", "12/import", "12/import/0", "12/import/00", "1", "naïve 脳"];
        var ids = keys.Select(key => GrainId.Create("storage-test", key)).ToList();
        foreach (var id in ids)
        {
            await WriteAsync(id, await ReadAsync(id), $"{id}");
            await WriteAsync(id, await ReadAsync(id, "other"), $"other of {id}", "other");
        }

        foreach (var id in ids)
        {
            await IsAsync(id, $"{id}");
            Assert.Equal($"other of {id}", (await ReadAsync(id, "other")).State!.Text);
        }
    }

    [Fact]
    public async Task WriteStateAsync_WhenAnotherHasWrittenSinceTheRead_IsRefusedAndChangesNothing()
    {
        var id = NewId();
        await WriteNewAsync(id, "first");
        var (one, two) = (await ReadAsync(id), await ReadAsync(id));

        await WriteAsync(id, one, "one's");
        await IsRefusedAsync(id, two, "one's");

        await WriteAsync(id, one, "one's again");
        await IsRefusedAsync(id, two, "one's again");
        two = await ReadAsync(id);
        await WriteAsync(id, two, "two's");
        await IsRefusedAsync(id, one, "two's");
    }

    [Fact]
    public async Task WriteStateAsync_WhenTwoWriteForTheFirstTime_OneIsRefused()
    {
        var id = NewId();
        var (one, two) = (await ReadAsync(id), await ReadAsync(id));

        await WriteAsync(id, one, "one's");

        await IsRefusedAsync(id, two, "one's");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WriteStateAsync_WhenManyWriteAtOnce_OneWins(bool isFirstWrite)
    {
        for (var round = 0; round < 10; round++)
        {
            var id = NewId();
            if (!isFirstWrite)
                await WriteNewAsync(id, "first");
            var states = new List<GrainState<Sums>>();
            for (var i = 0; i < 6; i++)
                states.Add(await ReadAsync(id));

            var errors = await Task.WhenAll(states.Select((state, i) => Task.Run(async () => await Record.ExceptionAsync(() => WriteAsync(id, state, $"{i}")), Ct)));

            var winner = Assert.Single(Enumerable.Range(0, errors.Length), i => errors[i] is null);
            Assert.All(errors.Where(e => e is not null), e => Assert.IsType<InconsistentStateException>(e));
            await IsAsync(id, $"{winner}");
        }
    }

    [Fact]
    public async Task ClearStateAsync_WhenCleared_NothingIsThereAndItsOwnerGoesOn()
    {
        var id = NewId();
        var state = await WriteNewAsync(id, "first");

        await Storage.ClearStateAsync(Name, id, state);

        Assert.Equal((false, ""), (state.RecordExists, state.State!.Text));
        await IsAsync(id, null);
        await WriteAsync(id, state, "second");
        await IsAsync(id, "second");
        await Storage.ClearStateAsync(Name, id, state);
        await WriteAsync(id, await ReadAsync(id), "third");
        await IsAsync(id, "third");
        await IsRefusedAsync(id, state, "third");
    }

    [Fact]
    public async Task WriteStateAsync_WhenAnotherHasClearedSinceTheRead_IsRefused()
    {
        var id = NewId();
        var never = await ReadAsync(id);
        var state = await WriteNewAsync(id, "first");
        var late = await ReadAsync(id);
        await Storage.ClearStateAsync(Name, id, state);

        await IsRefusedAsync(id, late, null);
        await IsRefusedAsync(id, never, null);
    }

    [Fact]
    public async Task ClearStateAsync_WhenAnotherHasWrittenSinceTheRead_IsRefused()
    {
        var id = NewId();
        var late = await WriteNewAsync(id, "first");
        await WriteAsync(id, await ReadAsync(id), "second");

        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.ClearStateAsync(Name, id, late));

        await IsAsync(id, "second");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WriteStateAsync_WhenItsAnswerIsLost_ThrowsAndIsThereAndTheWriterMustReadAnew(bool isFirstWrite)
    {
        var id = NewId();
        var state = await ReadAsync(id);
        if (!isFirstWrite)
            await WriteAsync(id, state, "first");
        var text = $"the answer to {id.Key} is lost";

        await using (var lost = await LoseAnswerAsync(text))
        {
            var error = await Record.ExceptionAsync(() => WriteAsync(id, state, text));
            Assert.True(error is not null and not InconsistentStateException, $"the write gave {error?.GetType().Name ?? "no exception"}");
            await lost.Happened.WaitAsync(TimeSpan.FromSeconds(30), Ct);
        }

        await IsAsync(id, text);
        await IsRefusedAsync(id, state, text);
        await WriteAsync(id, await ReadAsync(id), "next");
        await IsAsync(id, "next");
    }

    [Fact]
    public async Task States_WhenTheSiloStartsAgain_AreStillThere()
    {
        var id = NewId();
        var (state, late) = (await WriteNewAsync(id, "first"), await ReadAsync(id));
        await WriteAsync(id, state, "second");
        await StopAsync();

        await StartAgainAsync();

        await IsAsync(id, "second");
        await IsRefusedAsync(id, late, "second");
        await WriteAsync(id, state, "third");
        await IsAsync(id, "third");
    }

    /// <summary>A state as a range has one.</summary>
    /// <param name="Text">Text.</param>
    /// <param name="Counts">Numbers.</param>
    internal sealed record Sums(string Text, long[] Counts)
    {
        public Sums()
            : this("", [])
        {
        }
    }

    /// <summary>An answer that is lost when it comes.</summary>
    /// <param name="Happened">Ends when it was lost.</param>
    /// <param name="End">Takes away what loses it.</param>
    private protected sealed record LostAnswer(Task Happened, Func<ValueTask> End) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => End();
    }
}
