// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts;

namespace Teravox.Networks.Tests;

/// <summary>Five Adam steps here and in Python's eager PyTorch: same weights, same patches, so the same losses and weights.</summary>
public sealed class TrainerParityTests : IDisposable
{
    private const int Steps = 5;

    // With Adam's usual epsilon a weight whose gradient is nearly 0 moves by a whole step to the side that rounding picks, and one voxel that
    // flips at a ReLU is seen in all weights; a larger one keeps the steps smooth.
    private static readonly TrainerSettings Settings = TrainerSamples.Settings() with { LearningRate = 4e-4, Epsilon = 1e-2 };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("teravox-parity-");

    public static TheoryData<string> Variants => [.. Cases.Keys];

    private static Dictionary<string, (UNetArchitecture Architecture, int? Target, int Batch, double Decay)> Cases { get; } = new()
    {
        ["cbr"] = (new(), null, 1, 0),
        ["cbr, one class"] = (new(), 2, 1, 0),
        ["cbr, batch"] = (new(), null, 2, 0),
        ["gcr"] = (new() { Order = LayerOrder.Gcr }, null, 1, 0),
        ["gcr, one class"] = (new() { Order = LayerOrder.Gcr }, 2, 1, 0),
        ["gcr, batch"] = (new() { Order = LayerOrder.Gcr }, null, 2, 0),
        ["weight decay"] = (new(), null, 1, .01),
        ["pools 1,2,2"] = (new() { Pool = [new(1, 2, 2), new(2, 2, 2)] }, null, 1, 0),
        ["transposed"] = (new() { Upsample = Upsampling.Transposed }, null, 1, 0),
        ["residual, transposed3, gcr"] = (new() { Upsample = Upsampling.Transposed3, Residual = true, Order = LayerOrder.Gcr }, null, 1, 0),
    };

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Variants))]
    public void Step_BesidePytorch_GivesItsLossesAndWeights(string variant)
    {
        // 1. The same start and the same patches, some of whose voxels nobody labelled.
        var (architecture, target, batch, decay) = Cases[variant];
        var settings = Settings with { TargetClass = target, WeightDecay = decay };
        using var network = Network.Create(architecture with { Levels = 3, FMaps = 8, Groups = 2 }, target is null ? 3 : 1, seed: 3);
        TrainingBlockMemory[][] blocks = [.. Enumerable.Range(0, Steps).Select(i => (TrainingBlockMemory[])[.. Enumerable.Range(0, batch).Select(k => TrainerSamples.Block(settings, (10 * i) + k))])];
        File.WriteAllBytes(In("start"), network.ToBytes(null));
        File.WriteAllBytes(In("voxels"), [.. blocks.SelectMany(b => b).SelectMany(b => b.Voxels.ToArray())]);
        File.WriteAllBytes(In("labels"), [.. blocks.SelectMany(b => b).SelectMany(b => b.Labels.ToArray())]);

        // 2. There.
        var printed = Python.Run(
            "train_reference.py",
            In("start"),
            In("end"),
            In("voxels"),
            In("labels"),
            $"{Steps},{batch},{settings.Patch.Z},{settings.Patch.Y},{settings.Patch.X}",
            $"{target ?? -1}",
            Text(settings.LearningRate),
            Text(decay),
            Text(settings.Epsilon));
        double[] expected = [.. printed.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => double.Parse(l, CultureInfo.InvariantCulture))];

        // 3. Here.
        using var trainer = Trainer.Start(network, settings, "cpu", 1);
        double[] losses = [.. blocks.Select(b => trainer.Step(b, TestContext.Current.CancellationToken))];
        Assert.Equal(Steps, expected.Length);
        Assert.All(expected.Zip(losses), l => Assert.Equal(l.First, l.Second, 1e-4));
        using var trained = trainer.Snapshot();
        using var theirs = Network.Load(In("end"));
        Assert.Equal(theirs.TensorNames, trained.TensorNames);
        Assert.InRange(Farthest(theirs, trained, buffers: true), 0, 1e-4);
        Assert.InRange(Farthest(network, trained, buffers: false), 3e-4, 1);  // they have moved
    }

    private static double Farthest(Network a, Network b, bool buffers) => a.Module.State().Zip(b.Module.State())
        .Where(t => buffers || !(t.First.Name.Contains("running", StringComparison.Ordinal) || t.First.Name.Contains("num_", StringComparison.Ordinal)))
        .Max(t => (t.First.Tensor - t.Second.Tensor).abs().max().to(TorchSharp.torch.ScalarType.Float64).item<double>());

    private static string Text(double number) => number.ToString("R", CultureInfo.InvariantCulture);

    private string In(string name) => Path.Combine(_folder.FullName, name);
}
