// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Teravox.Contracts;
using Teravox.Networks;

namespace Teravox.Bench.Networks;

/// <summary>A training step beside the same step in eager PyTorch: same weights, patch, loss and Adam, no augmentation. Both run in turn.</summary>
internal static class TrainCommand
{
    private const float Mean = 127.5f, Std = 73.9f;

    public static Command Make()
    {
        var levels = new Option<int>("--levels") { DefaultValueFactory = _ => 4, Description = "Levels of the network." };
        var maps = new Option<int>("--f-maps") { DefaultValueFactory = _ => 32, Description = "Feature maps of the finest level." };
        var classes = new Option<int>("--classes") { DefaultValueFactory = _ => 8, Description = "Classes; 1 trains class 1 against the rest." };
        var order = new Option<LayerOrder>("--order") { DefaultValueFactory = _ => LayerOrder.Cbr, Description = "Order of a layer's parts." };
        var patch = new Option<int[]>("--patch") { DefaultValueFactory = _ => [32, 64, 64], AllowMultipleArgumentsPerToken = true, Arity = new ArgumentArity(3, 3), Description = "Shape of the patch: Z Y X." };
        var (threads, rounds, json) = (PythonChild.Threads(), PythonChild.Rounds(), BenchCommand.JsonFile());
        return new Command("train", "How much faster a training step is than eager PyTorch's, from the same weights.") { levels, maps, classes, order, patch, threads, rounds, json }
            .Does(async (result, ct) =>
            {
                var architecture = new UNetArchitecture { Levels = result.GetValue(levels), FMaps = result.GetValue(maps), Order = result.GetValue(order) };
                var (outputs, shape) = (result.GetValue(classes), new Int3(result.GetValue(patch)![0], result.GetValue(patch)![1], result.GetValue(patch)![2]));
                using var folder = new BenchFolder(null);
                string In(string name) => Path.Combine(folder.Path, name);

                // 1. One start, one patch.
                using var network = Network.Create(architecture, outputs, seed: 1);
                var (voxels, labels, random) = (new byte[shape.Count], new byte[shape.Count], new Random(1));
                random.NextBytes(voxels);
                for (var i = 0; i < labels.Length; i++)
                    labels[i] = (byte)random.Next(Math.Max(2, outputs));
                await File.WriteAllBytesAsync(In("model.safetensors"), network.ToBytes(null), ct);
                await File.WriteAllBytesAsync(In("voxels"), voxels, ct);
                await File.WriteAllBytesAsync(In("labels"), labels, ct);

                // 2. Both, in turn; the first step is to warm up.
                var options = new TrainingOptions { Patch = shape, Augmentation = AugmentationOptions.None };
                using var eager = PythonChild.Start(
                    "eager_train.py", In("model.safetensors"), In("voxels"), In("labels"), $"{shape.Z},{shape.Y},{shape.X}", options.LearningRate, Mean, Std, result.GetValue(threads));
                var version = await eager.HearAsync(ct);
                using var trainer = Trainer.Start(network, options, seed: 0, outputs > 1 ? null : 1, VoxelSize.Unit, "cpu", result.GetValue(threads));
                var times = new SideBySide("eager PyTorch", "Teravox");
                for (var round = 0; round <= result.GetValue(rounds); round++)
                {
                    double[] theirs = [.. (await eager.AskAsync(ct)).Split(' ').Select(word => double.Parse(word, CultureInfo.InvariantCulture))];
                    var since = Stopwatch.GetTimestamp();
                    var loss = trainer.Step(new TrainingBlock { Voxels = voxels, Labels = labels, Type = VoxelType.UInt8, Shape = shape, Mean = Mean, Std = Std }, ct);
                    if (Math.Abs(loss - theirs[1]) > 0.05 * theirs[1])
                        throw new InputException($"the losses of step {round} differ: {theirs[1]} and {loss}");
                    if (round > 0)
                        times.Add(theirs[0], Stopwatch.GetElapsedTime(since).TotalSeconds);
                }

                Console.WriteLine($"machine: {Machine.Describe()}; PyTorch {version.Split(' ')[^1]}, {Devices.BuildInfo}");
                Console.WriteLine($"{architecture.FMaps} maps, {architecture.Levels} levels, {architecture.Order}, {outputs} outputs, patch {shape}, {result.GetValue(threads)} threads");
                times.Print("steps/s", seconds => 1 / seconds);
                await BenchCommand.SaveAsync(result.GetValue(json), times, ct);
                return 0;
            });
    }
}
