// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Teravox.Contracts;
using Teravox.Networks;

namespace Teravox.Bench.Networks;

/// <summary>A tile through a network, beside eager PyTorch that computes the whole block. Both run in turn, so that whatever else the machine does meets both.</summary>
internal static class InferCommand
{
    private const float Mean = 127.5f, Std = 73.9f;

    public static Command Make()
    {
        var levels = new Option<int>("--levels") { DefaultValueFactory = _ => 4, Description = "Levels of the network." };
        var maps = new Option<int>("--f-maps") { DefaultValueFactory = _ => 32, Description = "Feature maps of the finest level." };
        var classes = new Option<int>("--classes") { DefaultValueFactory = _ => 8, Description = "Classes." };
        var order = new Option<LayerOrder>("--order") { DefaultValueFactory = _ => LayerOrder.Cbr, Description = "Order of a layer's parts." };
        var core = new Option<int>("--core") { DefaultValueFactory = _ => 64, Description = "Edge of the core, voxels." };
        var halo = new Option<int?>("--halo") { Description = "Voxels around the core; left out: the exact reach on the grid; 0: the core is the block." };
        var (threads, rounds, json) = (PythonChild.Threads(), PythonChild.Rounds(), BenchCommand.JsonFile());
        return new Command("infer", "How much faster a tile is computed than by eager PyTorch with the same weights.") { levels, maps, classes, order, core, halo, threads, rounds, json }
            .Does(async (result, ct) =>
            {
                var architecture = new UNetArchitecture { Levels = result.GetValue(levels), FMaps = result.GetValue(maps), Order = result.GetValue(order) };
                var (reach, grid) = Reach.Of(architecture);
                var margin = result.GetValue(halo) ?? reach.RoundUpTo(grid).X;
                var (edge, size) = (result.GetValue(core), result.GetValue(core) + (2 * margin));
                using var folder = new BenchFolder(null);
                string In(string name) => Path.Combine(folder.Path, name);

                // 1. One network, one block.
                using var network = Network.Create(architecture, result.GetValue(classes), seed: 1);
                await File.WriteAllBytesAsync(In("model.safetensors"), network.ToBytes(null), ct);
                var voxels = new byte[(long)size * size * size];
                new Random(1).NextBytes(voxels);
                await File.WriteAllBytesAsync(In("block"), voxels, ct);

                // 2. Both once, to warm up and to see that they compute the same.
                using var eager = PythonChild.Start("eager_infer.py", In("model.safetensors"), In("block"), size, margin, Mean, Std, result.GetValue(threads), In("levels"));
                var version = await eager.HearAsync(ct);
                using var session = new InferenceSession(network, "cpu", result.GetValue(threads));
                var levelsOut = new byte[result.GetValue(classes) * (long)edge * edge * edge];
                await eager.RoundAsync(ct);
                Ours();
                var others = await File.ReadAllBytesAsync(In("levels"), ct);
                if (others.Length != levelsOut.Length || others.Zip(levelsOut).Any(pair => Math.Abs(pair.First - pair.Second) > 1))
                    throw new InputException("the results differ by more than one grey level");

                // 3. In turn.
                var times = new SideBySide("eager PyTorch", "Teravox");
                for (var round = 0; round < result.GetValue(rounds); round++)
                    times.Add(await eager.RoundAsync(ct), Ours());
                Console.WriteLine($"machine: {Machine.Describe()}; PyTorch {version.Split(' ')[^1]}, {Devices.BuildInfo}");
                Console.WriteLine($"{architecture.FMaps} maps, {architecture.Levels} levels, {architecture.Order}, {result.GetValue(classes)} classes, core {edge}^3, block {size}^3, {result.GetValue(threads)} threads");
                times.Print("core Mvoxel/s", seconds => Math.Pow(edge, 3) / seconds / 1e6);
                await BenchCommand.SaveAsync(result.GetValue(json), times, ct);
                return 0;

                double Ours()
                {
                    var since = Stopwatch.GetTimestamp();
                    session.Infer(
                        new Tile
                        {
                            Voxels = voxels,
                            Type = VoxelType.UInt8,
                            Shape = new(size, size, size),
                            CoreStart = new(margin, margin, margin),
                            CoreShape = new(edge, edge, edge),
                            Mean = Mean,
                            Std = Std,
                        },
                        levelsOut,
                        ct);
                    return Stopwatch.GetElapsedTime(since).TotalSeconds;
                }
            });
    }
}

/// <summary>Seconds of two ways to do the same, round by round.</summary>
internal sealed class SideBySide(string other, string own)
{
    private readonly List<double> _others = [], _own = [];

    public double Ratio => Quantiles.Of(_others, 0.5) / Quantiles.Of(_own, 0.5);

    public void Add(double otherSeconds, double ownSeconds)
    {
        _others.Add(otherSeconds);
        _own.Add(ownSeconds);
    }

    /// <summary>Prints both, and their ratio as the last line.</summary>
    public void Print(string unit, Func<double, double> rate)
    {
        var table = new TextTable("", "median s", "least s", unit);
        foreach (var (name, seconds) in ((string, List<double>)[])[(other, _others), (own, _own)])
            table.Add(name, Text("0.000", Quantiles.Of(seconds, 0.5)), Text("0.000", seconds.Min()), Text("0.00", rate(Quantiles.Of(seconds, 0.5))));
        table.Print();
        Console.WriteLine(Text("'ratio:' 0.00", Ratio));
    }

    private static string Text(string format, double value) => value.ToString(format, CultureInfo.InvariantCulture);
}
