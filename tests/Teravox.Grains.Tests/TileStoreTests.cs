// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Contracts.Work;
using Teravox.Grains.Scoring;
using Teravox.Testing;
using Teravox.Volumes;

namespace Teravox.Grains.Tests;

/// <summary>What is stored is what is counted, whoever stored it: a GPU and a CPU do not compute the same bytes of a tile.</summary>
public sealed class TileStoreTests : IAsyncLifetime
{
    private const string Network = "multiclass";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private SmallRun _run = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _run = await RunAsync(seed: 1);

    public ValueTask DisposeAsync() => _run.DisposeAsync();

    /// <summary>Two networks stand for two devices that give different bytes for the same tile.</summary>
    [Fact]
    public async Task RunAsync_WhenAFrozenDeviceWakesLate_CountsWhatTheOtherHasStored()
    {
        var probabilities = _run.Folder.Probabilities(Network);
        Directory.Delete(probabilities, recursive: true);
        var alone = await TileAsync();
        Directory.Delete(probabilities, recursive: true);

        // 1. The first device has computed its bytes and freezes before the first of them has its place.
        using var wakes = new ManualResetEventSlim();
        var frozen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var points = new FaultScope(name =>
        {
            if (name == "chunk.before-link" && frozen.TrySetResult())
                wakes.Wait(Patience, Ct);
        });
        try
        {
            var late = Task.Run(TileAsync, Ct);
            await frozen.Task.WaitAsync(Patience, Ct);

            // 2. The second one runs the tile from its begin to its end.
            await using (var other = await RunAsync(seed: 2))
                File.Copy(other.Folder.Weights(other.Plan, Network), _run.Folder.Weights(_run.Plan, Network), overwrite: true);
            var second = await TileAsync();
            Assert.NotEqual(Flat(alone), Flat(second));
            var stored = Stored();

            // 3. The first one wakes: it changes no byte, and counts what is there.
            wakes.Set();
            var first = await late.WaitAsync(Patience, Ct);
            Assert.Equal(Flat(second), Flat(first));
            Assert.Equal(stored, Stored());
            Assert.Equal(Flat(Recount(stored)), Flat(first));
        }
        finally
        {
            wakes.Set();
        }
    }

    [Fact]
    public async Task RunAsync_WhenAllItsChunksAreThere_ReadsNoRawAndCountsTheSame()
    {
        var before = await TileAsync();
        Directory.Delete(_run.Folder.Raw(_run.Plan), recursive: true);

        Assert.Equal(Flat(before), Flat(await TileAsync()));
    }

    private static async Task<SmallRun> RunAsync(int seed)
    {
        var run = await SmallRun.SubmitAsync(
            $$"""
            {
              "name": "tiles", "preset": "train", "seed": {{seed}}, "data": { "phantom": { "shape": [8, 32, 32], "seed": 1 } },
              "network": { "levels": 2, "fMaps": 4 }, "training": { "iterations": 1, "patch": [8, 16, 16] },
              "inference": { "tile": [8, 16, 16] }, "storage": { "chunk": [8, 16, 16] }
            }
            """);
        await run.FinishAsync();
        return run;
    }

    private static string Flat(IReadOnlyDictionary<string, long[]> sums) =>
        string.Join('\n', sums.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => $"{s.Key}: {string.Join(' ', s.Value)}"));

    /// <summary>The tile's stored voxels, channel by channel.</summary>
    private List<byte[]> Stored()
    {
        var volume = OmeVolume.Open(_run.Folder.Probabilities(Network));
        return [.. Enumerable.Range(0, _run.Plan.ChannelsOf(Network)).Select(channel =>
        {
            var voxels = new byte[Core.Count];
            volume.Read(Core, voxels, channel);
            return voxels;
        })];
    }

    /// <summary>Grey levels against truth, voxel by voxel: the count of level g at 2 g + isClass.</summary>
    private Dictionary<string, long[]> Recount(List<byte[]> channels)
    {
        var truth = new byte[Core.Count];
        OmeVolume.Open(_run.Folder.Truth).Read(Core, truth);
        var sums = new Dictionary<string, long[]>();
        foreach (var (name, region) in ((string, Box3)[])[(TileGrain.TrainGreySum, _run.Plan.Train), (TileGrain.TestGreySum, _run.Plan.Test)])
        {
            var counts = new long[channels.Count * GreyHistogram.Length];
            var any = false;
            for (var i = 0; i < truth.Length; i++)
            {
                var (y, x) = (i / Core.Shape.X % Core.Shape.Y, i % Core.Shape.X);
                var voxel = new Box3(Core.Start + new Int3(i / (Core.Shape.X * Core.Shape.Y), y, x), new Int3(1, 1, 1));
                if (truth[i] == ClassMap.Ignored || voxel.Intersect(region).IsEmpty)
                    continue;
                any = true;
                for (var channel = 0; channel < channels.Count; channel++)
                    counts[(channel * GreyHistogram.Length) + (2 * channels[channel][i]) + (truth[i] == channel ? 1 : 0)]++;
            }

            if (any)
                sums[name] = counts;
        }

        return sums;
    }

    private Box3 Core => new TileGrid(new Int3(8, 32, 32), _run.Plan.Tile).Core(0);

    private async Task<IReadOnlyDictionary<string, long[]>> TileAsync()
    {
        using var sessions = new SessionCache();
        var stage = new StagePlan(_run.Id, StageNames.Infer(Network), 0, TileGrain.KindName, $$"""{ "network": "{{Network}}", "prediction": "{{Network}}" }""", new WorkNeeds(), 4, 3, 5);
        var turn = new WorkTurn(new WorkItem(stage, 0, 1, false), "cpu", 1, static _ => { }, Ct);
        return (await new TileGrain(new RunningWork(), _run.Store, sessions).RunAsync(turn, Ct)).Sums!;
    }
}
