// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Teravox.Contracts;
using Teravox.Networks;

namespace Teravox.Bench.Networks;

/// <summary>
/// What a GPU does with the networks: tiles a second with copies, how near its probabilities come to the CPU's, whether its bytes repeat, training
/// steps, super-resolved sections. bench/gpu.sh runs it beside PyTorch on a machine with a GPU.
/// </summary>
internal static class GpuCommand
{
    private const float Mean = 127.5f, Std = 73.9f;
    private const int InFlight = 3;

    public static Command Make()
    {
        var device = new Option<string>("--device") { DefaultValueFactory = _ => "cuda:0", Description = "Device; cpu is to try the bench itself out." };
        var model = new Option<string?>("--model") { Description = "A trained model, to compare probabilities on; left out: a new network, whose probabilities lie close together." };
        var blocks = Edges("--blocks", "Edges of blocks that are computed whole.", 128, 256);
        var cores = Edges("--cores", "Edges of cores with the exact halo around them.", 256, 384);
        var compared = new Option<int>("--compared") { DefaultValueFactory = _ => 96, Description = "Edge of the core whose probabilities are compared with the CPU's." };
        var section = new Option<int>("--section") { DefaultValueFactory = _ => 1024, Description = "Side of the section that is enlarged, pixels." };
        var seconds = new Option<double>("--seconds") { DefaultValueFactory = _ => 5, Description = "How long each row is measured, s." };
        var json = BenchCommand.JsonFile();
        return new Command("gpu", "What a GPU does with tiles, training steps and sections.") { device, model, blocks, cores, compared, section, seconds, json }
            .Does(async (result, ct) =>
            {
                var bench = new GpuBench(Devices.Choose(result.GetValue(device)), TimeSpan.FromSeconds(result.GetValue(seconds)), ct);
                Console.WriteLine($"machine: {Machine.Describe()}; {Devices.BuildInfo}; {bench.Device}");
                using var usual = Network.Create(new UNetArchitecture { Levels = 4, FMaps = 32 }, 8, seed: 1);
                foreach (var edge in result.GetValue(blocks)!)
                    bench.Tiles(usual, edge, margin: 0, edge == 256 ? 700 : null);
                var (reach, grid) = Reach.Of(usual.Architecture);
                foreach (var edge in result.GetValue(cores)!)
                    bench.Tiles(usual, edge, reach.RoundUpTo(grid).X, edge switch { 256 => 350, 384 => 450, _ => null });
                using var trained = result.GetValue(model) is { } path ? Network.Load(path) : null;
                bench.Compare(trained ?? usual, result.GetValue(compared));
                bench.Steps(usual, new(32, 64, 64));
                bench.Steps(usual, new(64, 128, 128));
                bench.Sections(result.GetValue(section));
                bench.Rows.Print();
                Console.WriteLine();
                Target.Print(bench.Targets);
                BenchCommand.PrintRatio(bench.Targets);
                await BenchCommand.SaveAsync(result.GetValue(json), bench.Targets, ct);
                return 0;
            });
    }

    private static Option<int[]> Edges(string name, string description, params int[] usual) =>
        new(name) { DefaultValueFactory = _ => usual, AllowMultipleArgumentsPerToken = true, Description = description };

    private sealed class GpuBench(string device, TimeSpan measured, CancellationToken ct)
    {
        public string Device => device;

        public TextTable Rows { get; } = new("what", "figure");

        public List<Target> Targets { get; } = [];

        /// <summary>Tiles from memory of the host and back to it, several in flight.</summary>
        public void Tiles(Network network, int edge, int margin, double? targetMegavoxels)
        {
            var size = edge + (2 * margin);
            using var session = new InferenceSession(network, device, threads: Environment.ProcessorCount);
            var voxels = Noise((long)size * size * size);
            var probabilities = new byte[network.OutChannels * (long)edge * edge * edge];
            var flying = new Queue<TileInFlight>();
            Run(InFlight);
            var (count, since) = (0, Stopwatch.StartNew());
            while (since.Elapsed < measured)
            {
                Run(InFlight);
                count += InFlight;
            }

            var rate = count * Math.Pow(edge, 3) / since.Elapsed.TotalSeconds / 1e6;
            var what = margin == 0 ? $"block {edge}^3, whole" : $"core {edge}^3, halo {margin}";
            Row(what, $"{Text(rate)} Mvoxel/s");
            if (targetMegavoxels is { } aim)
                Targets.Add(new($"{what}: Mvoxel/s", rate, aim));

            void Run(int tiles)
            {
                for (var i = 0; i < tiles; i++)
                {
                    flying.Enqueue(session.Start(
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
                        ct));
                }

                while (flying.TryDequeue(out var tile))
                {
                    using (tile)
                        tile.Finish(probabilities);
                }
            }
        }

        /// <summary>Probabilities beside the CPU's; and the same tile three times.</summary>
        public void Compare(Network network, int edge)
        {
            var (reach, grid) = Reach.Of(network.Architecture);
            var halo = reach.RoundUpTo(grid);
            var core = new Int3(edge, edge, edge).RoundUpTo(grid);
            var block = core + halo + halo;
            var voxels = Noise(block.Count);
            byte[] On(string where)
            {
                using var session = new InferenceSession(network, where, Environment.ProcessorCount);
                var levels = new byte[network.OutChannels * core.Count];
                session.Infer(new Tile { Voxels = voxels, Type = VoxelType.UInt8, Shape = block, CoreStart = halo, CoreShape = core, Mean = Mean, Std = Std }, levels, ct);
                return levels;
            }

            var (here, there) = (On("cpu"), On(device));
            var apart = new long[256];
            for (var i = 0; i < here.Length; i++)
                apart[Math.Abs(here[i] - there[i])]++;
            var near = (apart[0] + apart[1]) / (double)here.Length;
            var most = Array.FindLastIndex(apart, n => n > 0);
            var repeats = there.AsSpan().SequenceEqual(On(device)) && there.AsSpan().SequenceEqual(On(device));
            Row("levels of the CPU", $"{here.Min()} to {here.Max()}");
            Row("the same tile twice more", repeats ? "the same bytes" : "OTHER bytes");
            Targets.Add(new("% of voxels within 1 level of the CPU's", 100 * near, 99.9));
            Targets.Add(new("most levels from the CPU's", Math.Max(most, 1), 3, SmallIsGood: true));
            Targets.Add(new("the same tile, the same bytes (1: yes)", repeats ? 1 : 0, 1));
        }

        /// <summary>Training steps without augmentation.</summary>
        public void Steps(Network network, Int3 patch)
        {
            var (voxels, labels) = (Noise(patch.Count), Noise(patch.Count));
            for (var i = 0; i < labels.Length; i++)
                labels[i] %= (byte)network.OutChannels;
            var options = new TrainingOptions { Patch = patch, Augmentation = AugmentationOptions.None };
            using var trainer = Trainer.Start(network, options, seed: 0, null, VoxelSize.Unit, device, Environment.ProcessorCount);
            var (count, since) = (0, Stopwatch.StartNew());
            for (var warm = true; warm || since.Elapsed < measured; count++)
            {
                trainer.Step(new TrainingBlock { Voxels = voxels, Labels = labels, Type = VoxelType.UInt8, Shape = patch, Mean = Mean, Std = Std }, ct);
                if (warm && count == 5)
                    (warm, count, since) = (false, 0, Stopwatch.StartNew());
            }

            Row($"training step, patch {patch}", $"{Text(since.Elapsed.TotalMilliseconds / count)} ms");
        }

        /// <summary>Sections by 2, one and three at a time.</summary>
        public void Sections(int side)
        {
            foreach (var together in (int[])[1, 3])
            {
                var since = Stopwatch.StartNew();
                var runs = Enumerable.Range(0, together).Select(k => Task.Factory.StartNew(
                    () =>
                    {
                        using var resolver = new SuperResolver(new SuperResolveOptions(), Reduction.Bicubic, device, Math.Max(1, Environment.ProcessorCount / together));
                        return resolver.Run(Noise((long)side * side), VoxelType.UInt8, side, side, seed: (ulong)k, null, ct);
                    },
                    ct,
                    TaskCreationOptions.LongRunning,
                    TaskScheduler.Default)).ToArray();
                Task.WaitAll(runs, ct);
                var each = since.Elapsed.TotalSeconds / together;
                Row($"section {side}^2 by 2, {together} at a time", $"{Text(each)} s a section, {runs[0].Result.State.Iterations} iterations");
                if (together == 1)
                    Targets.Add(new($"section {side}^2 by 2: s", each, 10, SmallIsGood: true));
            }
        }

        private void Row(string what, string figure)
        {
            Console.Error.WriteLine($"{what}: {figure}");
            Rows.Add(what, figure);
        }

        private static string Text(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

        // Smooth blobs, as tissue has them: pure noise gives a network the same probability everywhere.
        private static byte[] Noise(long count)
        {
            var (bytes, random, level) = (new byte[count], new Random(1), 128.0);
            for (var i = 0; i < bytes.Length; i++)
            {
                level += (random.NextDouble() * 24) - 12 + ((128 - level) * .01);
                bytes[i] = (byte)Math.Clamp(level, 0, 255);
            }

            return bytes;
        }
    }
}
