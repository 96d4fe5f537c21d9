// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using Orleans.Concurrency;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains;

namespace Teravox.Bench.Silos;

/// <summary>A stage whose items only take time, and leave sums like a tile's.</summary>
/// <param name="Items">Number of items.</param>
/// <param name="Milliseconds">How long an item holds its device; 0 = no time at all; negative: it fails.</param>
internal sealed record SimulatedWork(int Items, double Milliseconds)
{
    /// <summary>Kind of its items, and name of its stage.</summary>
    public const string Kind = "simulated";

    private const int Classes = 8, GreyLevels = 256;

    /// <summary>What each item sums: counts by class, truth and grey level, like those of a tile of 64 x 64 x 64 voxels.</summary>
    public static IReadOnlyDictionary<string, long[]> Sums { get; } = new Dictionary<string, long[]> { ["grey/train"] = Counts(1), ["grey/test"] = Counts(2) };

    /// <summary>The kinds of a silo that runs them.</summary>
    public static WorkKinds Kinds => new WorkKinds().Add(Kind, overlaps: true);

    /// <summary>As its stage's arguments say.</summary>
    public static SimulatedWork Parse(string? arguments) => JsonSerializer.Deserialize<SimulatedWork>(arguments!, TeravoxJson.Compact)!;

    /// <summary>Submits an experiment of it alone; its number.</summary>
    public async Task<long> SubmitAsync(ExperimentService experiments, CancellationToken ct)
    {
        var stage = new NewStage(Kind, Kind, [], JsonSerializer.Serialize(this, TeravoxJson.Compact), MaxDeaths: 1000);
        return (await experiments.SubmitAsync([new NewExperiment(Kind, "{}", [stage])], ct))[0];
    }

    /// <summary>Checks that it ended well, and that each item was counted once.</summary>
    /// <exception cref="InputException">It did not, or the sums are others.</exception>
    public async Task CheckAsync(IGrainFactory grains, long id, ExperimentState state)
    {
        if (state != ExperimentState.Succeeded)
            throw new InputException($"the experiment ended as {state}");
        var sums = await grains.GetGrain<IExperimentGrain>(id.ToString(CultureInfo.InvariantCulture)).SumsAsync(Kind);
        foreach (var (name, counts) in Sums)
        {
            if (!SumCodec.Unpack(sums!.Counts[name]).SequenceEqual(counts.Select(c => c * Items)))
                throw new InputException($"the sums '{name}' are not those of {Items} items, each counted once");
        }
    }

    // Most voxels are surely not of a class, some surely are, and few are in between. A region holds a part of the voxels.
    private static long[] Counts(int seed)
    {
        var counts = new long[Classes * 2 * GreyLevels];
        var random = new Random(seed);
        for (var i = 0; i < counts.Length; i++)
        {
            var (grey, truth) = (i % GreyLevels, i / GreyLevels % 2);
            var away = truth == 0 ? grey : GreyLevels - 1 - grey;
            counts[i] = (long)((truth == 0 ? 60_000 : 6_000) * Math.Exp(-away / 6.0) + random.Next(0, away < 128 ? 12 : 2));
        }

        return counts;
    }
}

/// <summary>The grain of such an item.</summary>
[StatelessWorker(1)]
[GrainType(SimulatedWork.Kind)]
public sealed class SimulatedGrain(RunningWork running) : ItemGrain(running), ITileGrain
{
    /// <inheritdoc/>
    protected internal override async Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct)
    {
        var work = SimulatedWork.Parse(turn.Item.Stage.Arguments);
        if (work.Milliseconds < 0)
            throw new InputException("a simulated item fails");
        if (work.Milliseconds > 0)
        {
            using (await turn.EnterDeviceAsync(ct))
                await Task.Delay(TimeSpan.FromMilliseconds(work.Milliseconds), ct);
        }

        return new WorkResult(Sums: SimulatedWork.Sums);
    }
}

/// <summary>Counts the items of a simulated stage.</summary>
internal sealed class SimulatedPlanner : IStagePlanner
{
    public Task<int> CountItemsAsync(long experiment, NewStage stage, CancellationToken ct) => Task.FromResult(SimulatedWork.Parse(stage.Arguments).Items);
}
