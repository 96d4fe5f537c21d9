// SPDX-License-Identifier: Apache-2.0
using Orleans.Concurrency;
using Orleans.Storage;
using Teravox.Contracts;
using Teravox.Grains;

namespace Teravox.Engine.Tests;

/// <summary>How a grain stores its state.</summary>
public sealed class StoredGrainTests : EngineFixture
{
    /// <summary>What it has in memory then may differ from what is stored.</summary>
    [Fact]
    public async Task StoreAsync_WhenAWriteHasFailed_WritesNothingMore()
    {
        var (storage, writes) = (new TestStorage(), 0);
        storage.BeforeWrite = grain => grain.Type.ToString() == WordsGrain.Type && ++writes == 1 ? throw new DatabaseUnavailableException("connection lost") : Task.CompletedTask;
        var host = Own(await EngineHost.StartAsync(Setup(), silo => silo.Storage(storage), Ct));
        var grain = host.Grains.GetGrain<IWordsGrain>("a");

        await Assert.ThrowsAsync<InconsistentStateException>(() => grain.AddAsync("lost", "more"));

        Assert.Null(storage.Read<Words>(grain, WordsGrain.Type));
    }
}

/// <summary>Words.</summary>
internal interface IWordsGrain : IGrainWithStringKey
{
    /// <summary>Adds and stores a word, and then another, whether the first was stored or not.</summary>
    Task AddAsync(string first, string second);
}

/// <summary>The state of a <see cref="WordsGrain"/>.</summary>
internal sealed record Words
{
    public string[] All { get; init; } = [];
}

/// <summary>A grain whose calls go on when a write has failed, as those do that waited for something else meanwhile.</summary>
[Reentrant]
[GrainType(Type)]
internal sealed class WordsGrain([PersistentState(WordsGrain.Type, StoredGrain<Words>.StorageName)] IPersistentState<Words> storage) : StoredGrain<Words>(storage), IWordsGrain
{
    public const string Type = "words";
    private readonly List<string> _words = [];

    public async Task AddAsync(string first, string second)
    {
        _words.Add(first);
        try
        {
            await StoreAsync();
        }
        catch (OrleansException)
        {
            // The storage has failed, as the test says.
        }

        _words.Add(second);
        await StoreAsync();
    }

    protected override Words Snapshot() => new() { All = [.. _words] };
}
