// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains;

namespace Teravox.Engine.Tests;

/// <summary>Tests that look at the memory of the whole process: no other test runs beside them.</summary>
[CollectionDefinition(nameof(AloneInTheProcess), DisableParallelization = true)]
public sealed class AloneInTheProcess;

/// <summary>Stages larger than anything that may be held in memory item by item.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class ManyItemsTests : EngineFixture
{
    [Fact]
    public async Task RunAsync_WhenAStageHasAMillionItems_TakesLittleMoreMemoryThanTenThousand()
    {
        const int First = 1000;
        Bench.Count = (_, stage) => int.Parse(stage.Name, System.Globalization.CultureInfo.InvariantCulture);

        // The first run pays for what is loaded once.
        await BytesAsync(10_000);
        var small = await BytesAsync(10_000);
        var large = await BytesAsync(1_000_000);

        // A million objects of the smallest size are 24 MB.
        Assert.InRange(large - small, long.MinValue, 6 << 20);

        async Task<long> BytesAsync(int items)
        {
            var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var done = 0;
            void Count(WorkEvent what)
            {
                if (what is ItemDone && Interlocked.Increment(ref done) == First)
                    first.TrySetResult();
            }

            var events = new WorkEvents();
            events.Happened += Count;
            Bench.Work = async (turn, ct) =>
            {
                await Task.Delay(turn.Item.Index < First ? 0 : 50, ct);
                return One;
            };
            await using var host = await EngineHost.StartAsync(Setup() with { Events = events }, null, Ct);
            host.Work();
            var id = await SubmitAsync(host.Experiments, Stage($"{items}"));
            await first.Task.WaitAsync(TimeSpan.FromMinutes(2), Ct);
            var stage = await StageAsync(host.Experiments, id, $"{items}");
            Assert.Equal(items, stage.Items);
            GC.Collect();
            var bytes = GC.GetTotalMemory(forceFullCollection: true);
            await host.Experiments.CancelAsync(id, Ct);
            return bytes;
        }
    }
}
