// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Orleans.Concurrency;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains.Telemetry;
using Teravox.Networks;
using Teravox.Volumes;

namespace Teravox.Grains;

/// <summary>
/// A training run: one network from its seed, or from its newest checkpoint, to its last iteration. However often it is
/// killed, the weights are those of the unbroken run.
/// </summary>
[StatelessWorker(1)]
[GrainType("train")]
public sealed class TrainingGrain(RunningWork running, ExperimentStore store) : ItemGrain(running), ITrainingGrain
{
    internal const string KindName = "train";

    /// <summary>Most points of the loss curve that are kept.</summary>
    private const int CurvePoints = 20_000;

    /// <summary>What a training leaves as its outcome.</summary>
    /// <param name="Iterations">Completed iterations.</param>
    /// <param name="Losses">Mean loss of each of at most 20000 equal spans of iterations.</param>
    internal sealed record TrainingResult(int Iterations, IReadOnlyList<double> Losses);

    /// <inheritdoc/>
    protected internal override async Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct)
    {
        var experiment = turn.Item.Stage.Experiment;
        var plan = await store.PlanAsync(experiment, ct);
        var folder = store.Folder(experiment);
        var network = plan.Network(ExperimentStore.Arguments(turn.Item.Stage.Arguments).Network!);
        var volume = plan.Volume(network.Volume ?? VolumeNames.Original);
        var (mean, std) = await store.NormalisationAsync(experiment, volume.Name, ct);

        // 1. The training region, in memory.
        var sampler = PatchSampler.Of(plan, folder, volume);

        // 2. From the newest checkpoint, or from the seed.
        var checkpoints = new CheckpointFolder(folder.Checkpoints(network.Name), turn.Item.Attempt);
        var (trainer, losses) = checkpoints.Resume(turn.Device, turn.Threads) ?? (Start(plan, network, turn), []);
        using (trainer)
        {
            // 3. Iterations.
            var clock = Stopwatch.StartNew();
            var first = trainer.Iteration;
            var options = plan.Spec.Training;
            var source = Augmentation.SourceShape(options.Augmentation, options.Patch, plan.VoxelSize);
            var margin = (source - options.Patch).Map(n => n / 2);
            var (rawBytes, voxels) = (checked((int)source.Count * plan.Type.Bytes()), (int)source.Count);
            await using var ahead = new Prefetcher<TrainingPatches>(trainer.Iteration, network.Iterations, Ahead(turn.Device, turn.Threads), Prepare);
            while (trainer.Iteration < network.Iterations)
            {
                ct.ThrowIfCancellationRequested();
                trainer.LearningRate = options.LearningRateAt(trainer.Iteration, network.Iterations);
                losses.Add((float)trainer.Step(await ahead.NextAsync(ct), ct));
                var note = Note(trainer.Iteration, network.Iterations, losses, (trainer.Iteration - first) / clock.Elapsed.TotalSeconds);
                if (trainer.Iteration % options.CheckpointEvery == 0 && trainer.Iteration < network.Iterations)
                {
                    using (WorkTraces.Step("checkpoint"))
                        checkpoints.Save(trainer, losses);
                    turn.Report(new WorkProgress((double)trainer.Iteration / network.Iterations, note, trainer.Iteration));
                }
                else
                {
                    turn.Report(new WorkProgress((double)trainer.Iteration / network.Iterations, note));
                }
            }

            // 4. The network as a model, not yet with thresholds.
            using var trained = trainer.Snapshot();
            Directory.CreateDirectory(Path.GetDirectoryName(folder.Trained(network.Name))!);
            var card = JsonSerializer.Serialize(await CardAsync(experiment, plan, network, ct), TeravoxJson.Compact);

            // Tiles may run by a model that another run of this training has left: it stays as it is.
            AtomicFile.TryCreate(folder.Trained(network.Name), trained.ToBytes(card));
            var seconds = clock.Elapsed.TotalSeconds;
            var line = string.Create(
                CultureInfo.InvariantCulture,
                $"{network.Name}: {network.Iterations - first} iterations in {seconds:F1} s on {turn.Device}, loss {Recent(losses):F4}");
            var result = new TrainingResult(network.Iterations, LiveLosses.Means([.. losses.Select(static l => (double)l)], CurvePoints));
            return new WorkResult(JsonSerializer.Serialize(result, TeravoxJson.Compact), Events: [line]);

            TrainingPatches Prepare(long iteration)
            {
                var blocks = new TrainingBlockMemory[options.Batch];
                for (var k = 0; k < blocks.Length; k++)
                {
                    var (raw, labels) = (new byte[rawBytes], new byte[voxels]);
                    var place = sampler.Place(iteration, k, options.Patch, options.BalancedSampling);
                    sampler.Read(new Box3(place - margin, source), raw, labels);
                    blocks[k] = new() { Voxels = raw, Labels = labels, Type = plan.Type, Shape = source, Mean = mean, Std = std };
                }

                return trainer.Prepare(iteration, blocks);
            }
        }
    }

    // Cutting and augmenting is one thread's work. A GPU makes a step in less time than that takes; on the CPU, the other threads would wait for it.
    private static int Ahead(string device, int threads) => device == "cpu"
        ? Math.Min(1, threads - 1)
        : Math.Clamp((Environment.ProcessorCount / Math.Max(1, Devices.CudaCount)) - 1, 1, 8);

    private static Trainer Start(ExperimentPlan plan, PlannedNetwork network, WorkTurn turn)
    {
        // Networks of one experiment start from different weights, each fixed by the experiment's seed.
        var seed = plan.Spec.Seed * 1000 + (ulong)((network.TargetClass ?? -1) + 1);
        using var fresh = Network.Create(plan.Spec.Network, network.OutChannels, seed);
        return Trainer.Start(fresh, plan.Spec.Training, seed, network.TargetClass, plan.VoxelSize, turn.Device, turn.Threads);
    }

    private async Task<ModelCard> CardAsync(long experiment, ExperimentPlan plan, PlannedNetwork network, CancellationToken ct) => new()
    {
        Name = network.Name,
        Classes = plan.Classes.Classes,
        TargetClass = network.TargetClass,
        Volume = network.Volume is VolumeNames.Train ? null : network.Volume,
        VoxelSize = plan.VoxelSize,
        Training = plan.Spec.Training with { Iterations = network.Iterations },
        Seed = plan.Spec.Seed,
        Inputs = await Provenance.InputHashesAsync(store, experiment, ct),
    };

    private static double Recent(List<float> losses) => losses.Count == 0 ? 0 : losses.TakeLast(50).Average();

    private static string Note(long done, int all, List<float> losses, double rate) => string.Create(
        CultureInfo.InvariantCulture,
        $"iteration {done} of {all}, loss {Recent(losses):F4}, {rate:F1} iterations/s");
}

/// <summary>
/// Checkpoints of one training: a folder for each run of it, <c>g0003</c> for the third, and in it pairs of
/// <c>00000200.losses</c> (float32, one a completed iteration) and <c>00000200.safetensors</c> (weights, optimiser, iteration).
/// <list type="number">
/// <item>The losses are written first, each file by rename, so a safetensors file always has its losses.</item>
/// <item>Older pairs, and the folders of older runs, are removed after a newer pair is whole.</item>
/// <item>A run resumes from the latest run before it that left a pair. One that is taken for dead and works on writes into its own
/// folder, where nobody looks any more once a later run has left a pair.</item>
/// </list>
/// </summary>
/// <param name="path">The folder of the training.</param>
/// <param name="run">Number of the run, 1 or more.</param>
internal sealed class CheckpointFolder(string path, int run)
{
    private const string Weights = ".safetensors", Losses = ".losses";

    /// <summary>The newest pair that a run left, without ending: that of the latest run that left any, at most <paramref name="lastRun"/>.</summary>
    public static string? Newest(string path, int lastRun = int.MaxValue) => !Directory.Exists(path)
        ? null
        : Directory.GetDirectories(path, "g*")
            .Where(d => int.TryParse(Path.GetFileName(d).AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= lastRun)
            .OrderDescending(StringComparer.Ordinal)
            .Select(d => Directory.GetFiles(d, "*" + Weights).Select(f => f[..^Weights.Length]).Where(f => File.Exists(f + Losses)).Max(StringComparer.Ordinal))
            .FirstOrDefault(f => f is not null);

    /// <summary>The losses of a pair.</summary>
    public static float[] ReadLosses(string pair) => MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(pair + Losses)).ToArray();

    public (Trainer Trainer, List<float> Losses)? Resume(string device, int threads)
    {
        while (Newest(path, run) is { } newest)
        {
            try
            {
                return (Trainer.Resume(newest + Weights, device, threads), [.. ReadLosses(newest)]);
            }
            catch (Exception e) when (e is InputException or FileNotFoundException or DirectoryNotFoundException && !(File.Exists(newest + Weights) && File.Exists(newest + Losses)))
            {
                // A run that does not know yet that it is taken for dead has just put a newer one in its place.
            }
        }

        return null;
    }

    public void Save(Trainer trainer, List<float> losses)
    {
        var folder = Directory.CreateDirectory(Path.Combine(path, string.Create(CultureInfo.InvariantCulture, $"g{run:D4}"))).FullName;
        var name = Path.Combine(folder, trainer.Iteration.ToString("D8", CultureInfo.InvariantCulture));
        FaultPoints.Hit("train.before-checkpoint");
        AtomicFile.WriteAllBytes(name + Losses, MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(losses)));
        FaultPoints.Hit("train.after-losses");
        AtomicFile.WriteAllBytes(name + Weights, trainer.Checkpoint());
        FaultPoints.Hit("train.after-checkpoint");

        // Temporary files are left alone: the report sweeps up what killed runs left.
        foreach (var old in Directory.GetFiles(folder).Where(f => Path.GetExtension(f) is Losses or Weights && Path.GetFileName(f)[0] != '.' && string.CompareOrdinal(Path.GetFileName(f), Path.GetFileName(name)) < 0))
            File.Delete(old);
        foreach (var older in Directory.GetDirectories(path, "g*").Where(d => string.CompareOrdinal(d, folder) < 0))
            DeleteOlder(older);
    }

    private static void DeleteOlder(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (IOException)
        {
            // Its run works on although it is taken for dead; a later checkpoint removes it.
        }
    }
}
