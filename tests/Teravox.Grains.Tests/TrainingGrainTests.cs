// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Work;

namespace Teravox.Grains.Tests;

/// <summary>Runs of one training after each other, by the grain itself.</summary>
public sealed class TrainingGrainTests : IAsyncLifetime
{
    private const string Network = "multiclass";
    private SmallRun _run = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Model => _run.Folder.Trained(Network);

    public async ValueTask InitializeAsync()
    {
        _run = await SmallRun.SubmitAsync(
            """
            {
              "name": "training", "preset": "train", "seed": 1, "data": { "phantom": { "shape": [8, 32, 32], "seed": 1 } },
              "network": { "levels": 2, "fMaps": 4 }, "training": { "iterations": 8, "checkpointEvery": 2, "patch": [8, 16, 16] },
              "inference": { "tile": [8, 16, 16] }, "storage": { "chunk": [8, 16, 16] }
            }
            """);
        await _run.FinishAsync();
    }

    public ValueTask DisposeAsync() => _run.DisposeAsync();

    /// <summary>From the seed it would end with the same bytes, and hours later.</summary>
    [Fact]
    public async Task RunAsync_WhenARunBeforeItWasStopped_GoesOnFromItsNewestCheckpoint()
    {
        var unbroken = await File.ReadAllBytesAsync(Model, Ct);
        File.Delete(Model);
        Directory.Delete(_run.Folder.Checkpoints(Network), recursive: true);
        var whole = await TrainAsync(attempt: 1, static _ => { });
        Assert.StartsWith("multiclass: 8 iterations", Assert.Single(whole.Events!), StringComparison.Ordinal);
        File.Delete(Model);
        Directory.Delete(_run.Folder.Checkpoints(Network), recursive: true);

        // Its last checkpoint is that of iteration 4.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var reports = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => TrainAsync(
            attempt: 2,
            _ =>
            {
                if (++reports == 5)
                    stop.Cancel();
            },
            stop.Token));
        Assert.False(File.Exists(Model));

        var resumed = await TrainAsync(attempt: 3, static _ => { });
        Assert.StartsWith("multiclass: 4 iterations", Assert.Single(resumed.Events!), StringComparison.Ordinal);
        Assert.Equal(whole.Json, resumed.Json);
        Assert.Equal(unbroken, await File.ReadAllBytesAsync(Model, Ct));
    }

    /// <summary>Two devices train different bytes; tiles that ran by the first must not be joined by tiles of the second.</summary>
    [Fact]
    public async Task RunAsync_WhenAnotherRunHasLeftAModel_LeavesItAsItIs()
    {
        var others = await File.ReadAllBytesAsync(Model, Ct);
        others[^1] ^= 1;
        await File.WriteAllBytesAsync(Model, others, Ct);

        await TrainAsync(attempt: 2, static _ => { });
        Assert.Equal(others, await File.ReadAllBytesAsync(Model, Ct));
    }

    private async Task<WorkResult> TrainAsync(int attempt, Action<WorkProgress> report, CancellationToken? stop = null)
    {
        var stage = new StagePlan(_run.Id, StageNames.Train(Network), 0, TrainingGrain.KindName, $$"""{ "network": "{{Network}}" }""", new WorkNeeds(), 1, 3, 5);
        var turn = new WorkTurn(new WorkItem(stage, 0, attempt, true), "cpu", 1, report, stop ?? Ct);
        return await new TrainingGrain(new RunningWork(), _run.Store).RunAsync(turn, turn.Stop);
    }
}
