// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Compute.Tests;

public sealed class TrainerTests : IDisposable
{
    private static readonly TrainingOptions Options = new() { Patch = new(8, 16, 16), LearningRate = 1e-3 };

    private readonly TemporaryFolder _folder = new();

    public TrainerTests() => Native.Require();

    public void Dispose() => _folder.Dispose();

    private static TrainingBlockMemory Block(int seed, TrainingOptions? options = null)
    {
        var shape = Augmentation.SourceShape((options ?? Options).Augmentation, Options.Patch, VoxelSize.Unit);
        var labels = Native.Bytes(shape.Count, seed);
        var voxels = new byte[labels.Length];
        for (var i = 0; i < labels.Length; i++)
        {
            labels[i] = (byte)(labels[i] < 20 ? 255 : labels[i] % 3);
            voxels[i] = (byte)(80 * labels[i]);
        }

        return new() { Voxels = voxels, Labels = labels, Type = VoxelType.UInt8, Shape = shape, Mean = 80, Std = 65 };
    }

    private static Trainer Start(ulong seed = 0, TrainingOptions? options = null)
    {
        using var network = Network.Create(Native.SmallNet, 3, 1);
        return Trainer.Start(network, options ?? Options, seed, null, VoxelSize.Unit, "cpu", 1);
    }

    private static double Step(Trainer trainer, int seed) => trainer.Step(Block(seed).AsBlock(), TestContext.Current.CancellationToken);

    [Fact]
    public void Resume_WhenTheRunWasBroken_GoesOnBitForBit()
    {
        using var whole = Start(7);
        double[] first = [Step(whole, 0), Step(whole, 1)];
        whole.Checkpoint(_folder.File("checkpoint.safetensors"));
        using var resumed = Trainer.Resume(_folder.File("checkpoint.safetensors"), "cpu", 1);
        Assert.Equal(2, resumed.Iteration);
        Assert.All(first, static loss => Assert.InRange(loss, .1, 3));
        for (var i = 2; i < 5; i++)
        {
            Assert.Equal(Step(whole, i), Step(resumed, i));
        }

        whole.Checkpoint(_folder.File("a"));
        resumed.Checkpoint(_folder.File("b"));
        Assert.Equal(File.ReadAllBytes(_folder.File("a")), File.ReadAllBytes(_folder.File("b")));
    }

    [Fact]
    public void Step_WhenGivenABatch_CountsOneIteration()
    {
        using var trainer = Start();
        var loss = trainer.Step([Block(0), Block(1)], TestContext.Current.CancellationToken);
        Assert.InRange(loss, .1, 3);
        Assert.Equal(1, trainer.Iteration);
        Assert.Throws<ArgumentOutOfRangeException>(() => trainer.Step([], TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Step_WhenTheBatchHasOneBlock_IsTheSameStep()
    {
        using var a = Start();
        using var b = Start();
        Assert.Equal(Step(a, 0), b.Step([Block(0)], TestContext.Current.CancellationToken));
        Assert.Equal(Step(a, 1), Step(b, 1));
    }

    [Fact]
    public void Step_WhenCancelled_ThrowsTheCallersTokenAndChangesNothing()
    {
        // The library is asked even though the token says so beforehand: the flag takes the same way in mid-call.
        using var trainer = Start();
        Step(trainer, 0);
        trainer.Checkpoint(_folder.File("before"));
        using var source = new CancellationTokenSource();
        source.Cancel();
        var e = Assert.ThrowsAny<OperationCanceledException>(() => trainer.Step([Block(1)], source.Token));
        Assert.Equal(source.Token, e.CancellationToken);
        Assert.Equal("stopped by the caller", e.Message);
        trainer.Checkpoint(_folder.File("after"));
        Assert.Equal(File.ReadAllBytes(_folder.File("before")), File.ReadAllBytes(_folder.File("after")));
    }

    [Fact]
    public void Snapshot_WhenTrainingGoesOn_KeepsItsWeights()
    {
        using var trainer = Start();
        Step(trainer, 0);
        using var snapshot = trainer.Snapshot();
        snapshot.Save(_folder.File("before"), null);
        Step(trainer, 1);
        snapshot.Save(_folder.File("after"), null);
        Assert.Equal(File.ReadAllBytes(_folder.File("before")), File.ReadAllBytes(_folder.File("after")));
        Assert.Equal(3, snapshot.OutChannels);
    }

    [Fact]
    public void Step_WhenTheLossIsNotFinite_SaysToLowerTheLearningRate()
    {
        using var trainer = Start(options: Options with { Augmentation = AugmentationOptions.None });
        var block = Block(0, Options with { Augmentation = AugmentationOptions.None }) with { Std = 1e-38f };
        var e = Assert.Throws<InputException>(() => trainer.Step([block], TestContext.Current.CancellationToken));
        Assert.Contains("lower the learning rate", e.Message);
        Assert.Equal(0, trainer.Iteration);
    }

    [Fact]
    public void Start_WhenOptionsDoNotFit_NamesTheField()
    {
        Assert.Contains("learning_rate", Assert.Throws<InputException>(() => Start(options: Options with { LearningRate = -1 })).Message);
        Assert.Contains("patch", Assert.Throws<InputException>(() => Start(options: Options with { Patch = new(8, 18, 16) })).Message);
        var badRange = Options.Augmentation with { Blur = new() { Probability = .1, Range = [1] } };
        var e = Assert.Throws<InputException>(() => Start(options: Options with { Augmentation = badRange }));
        Assert.Contains("augmentation.blur.range", e.Message);
        using var network = Network.Create(Native.SmallNet, 3, 1);
        Assert.Throws<InputException>(() => Trainer.Start(network, Options, 0, 1, VoxelSize.Unit, "cpu", 1));
    }

    [Fact]
    public void Resume_WhenTheFileIsAbsentOrAModel_NamesIt()
    {
        var path = _folder.File("model.safetensors");
        Assert.Contains(path, Assert.Throws<InputException>(() => Trainer.Resume(path, "cpu", 1)).Message);
        using var network = Network.Create(Native.SmallNet, 3, 1);
        network.Save(path, null);
        Assert.Contains(path, Assert.Throws<InputException>(() => Trainer.Resume(path, "cpu", 1)).Message);
    }

    [Fact]
    public void Start_WhenOneClassIsTheTarget_TakesAOneOutputNetwork()
    {
        using var network = Network.Create(Native.SmallNet, 1, 1);
        using var trainer = Trainer.Start(network, Options, 0, 2, VoxelSize.Unit, "cpu", 1);
        Assert.InRange(Step(trainer, 0), .1, 3);
    }
}
