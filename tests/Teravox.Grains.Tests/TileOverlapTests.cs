// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Contracts.Work;
using Teravox.Testing;

namespace Teravox.Grains.Tests;

/// <summary>A tile has its device to compute on and for nothing else, so that a device's tiles overlap.</summary>
public sealed class TileOverlapTests : IAsyncLifetime
{
    private const string Network = "multiclass";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly DeviceGate _device = new();
    private SmallRun _run = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _run = await SmallRun.SubmitAsync(
            """
            {
              "name": "tiles", "preset": "train", "data": { "phantom": { "shape": [8, 32, 32] } }, "network": { "levels": 2, "fMaps": 4 },
              "training": { "iterations": 1, "patch": [8, 16, 16] }, "inference": { "tile": [8, 16, 16] }, "storage": { "chunk": [8, 16, 16] }
            }
            """);
        await _run.FinishAsync();

        // A tile whose chunks are there would compute nothing.
        Directory.Delete(_run.Folder.Probabilities(Network), recursive: true);
    }

    public ValueTask DisposeAsync() => _run.DisposeAsync();

    [Fact]
    public async Task RunAsync_WhileAnotherComputes_HasReadItsTile()
    {
        // What it cannot read it finds out before it may compute.
        Directory.Delete(_run.Folder.Raw(_run.Plan), recursive: true);
        using var computing = await _device.EnterAsync(Ct);

        await Assert.ThrowsAsync<InputException>(() => TileAsync().WaitAsync(Patience, Ct));
    }

    [Fact]
    public async Task RunAsync_WhileItWrites_LetsAnotherCompute()
    {
        using var written = new ManualResetEventSlim();
        var writing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var points = new FaultScope(name =>
        {
            if (name == "chunk.before-link" && writing.TrySetResult())
                written.Wait(Patience, Ct);
        });
        try
        {
            var tile = Task.Run(TileAsync, Ct);
            await writing.Task.WaitAsync(Patience, Ct);

            (await _device.EnterAsync(Ct).WaitAsync(Patience, Ct)).Dispose();
            Assert.False(tile.IsCompleted);
            written.Set();
            Assert.NotEmpty((await tile.WaitAsync(Patience, Ct)).Sums!);
        }
        finally
        {
            written.Set();
        }
    }

    private async Task<WorkResult> TileAsync()
    {
        using var sessions = new SessionCache();
        var stage = new StagePlan(_run.Id, StageNames.Infer(Network), 0, TileGrain.KindName, $$"""{ "network": "{{Network}}", "prediction": "{{Network}}" }""", new WorkNeeds(), 4, 3, 5);
        var turn = new WorkTurn(new WorkItem(stage, 0, 1, false), "cpu", 1, static _ => { }, Ct) { Gate = _device };
        return await new TileGrain(new RunningWork(), _run.Store, sessions).RunAsync(turn, Ct);
    }
}
