// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Teravox.Contracts;
using TorchSharp;

namespace Teravox.Networks.Tests;

public sealed class TrainerTests : IDisposable
{
    private static readonly TrainerSettings Plain = TrainerSamples.Settings(), Augmented = TrainerSamples.Settings(TrainerSamples.Gentle);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("teravox-trainer-");

    public static TheoryData<LayerOrder, Upsampling, bool> Kinds
    {
        get
        {
            var kinds = new TheoryData<LayerOrder, Upsampling, bool>();
            foreach (var order in Enum.GetValues<LayerOrder>())
            {
                foreach (var upsample in Enum.GetValues<Upsampling>())
                {
                    kinds.Add(order, upsample, false);
                    if (upsample != Upsampling.Nearest)
                        kinds.Add(order, upsample, true);
                }
            }

            return kinds;
        }
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Step_OnAToyProblem_LearnsIt(LayerOrder order, Upsampling upsample, bool residual)
    {
        using var trainer = TrainerSamples.Start(Plain, TrainerSamples.Small with { Order = order, Upsample = upsample, Residual = residual });
        double[] losses = [.. Enumerable.Range(0, 40).Select(i => TrainerSamples.Step(trainer, Plain, i))];
        Assert.InRange(losses[..5].Average(), .4, 1.2);
        Assert.InRange(losses[35..].Average(), 0, .7 * losses[..5].Average());
    }

    [Fact]
    public void Step_WithOneTargetClass_LearnsItAgainstTheRest()
    {
        var settings = Plain with { TargetClass = 2 };
        using var trainer = TrainerSamples.Start(settings);
        double[] losses = [.. Enumerable.Range(0, 40).Select(i => TrainerSamples.Step(trainer, settings, i))];
        Assert.InRange(losses[^1], 0, .35);
    }

    /// <summary>The convolutions of a GPU's training, here on the CPU.</summary>
    [Theory]
    [InlineData(LayerOrder.Cbr)]
    [InlineData(LayerOrder.Gcr)]
    public void Step_InBfloat16_LearnsAsInFloat32(LayerOrder order)
    {
        var architecture = TrainerSamples.Small with { Order = order, Upsample = Upsampling.Transposed3, Residual = true };
        using var network = Network.Create(architecture, 3, seed: 1);
        using var full = Trainer.Start(network, Plain, "cpu", 1);
        using var half = Trainer.Start(network, Plain, "cpu", 1, torch.ScalarType.BFloat16);
        var (first, other) = (TrainerSamples.Step(full, Plain, 0), TrainerSamples.Step(half, Plain, 0));
        Assert.NotEqual(first, other);
        Assert.Equal(first, other, .01);
        double[] losses = [.. Enumerable.Range(1, 40).Select(i => TrainerSamples.Step(half, Plain, i))];
        Assert.InRange(losses[35..].Average(), 0, .7 * first);
        using var trained = half.Snapshot();
        Assert.All(trained.Module.parameters(), p => Assert.Equal(torch.ScalarType.Float32, p.dtype));
    }

    /// <summary>Adam's first step moves every weight by the step size.</summary>
    [Fact]
    public void Step_AfterTheLearningRateWasSet_MovesWeightsByIt()
    {
        using var trainer = TrainerSamples.Start(Plain);
        Assert.Equal(Plain.LearningRate, trainer.LearningRate);
        using var before = trainer.Snapshot();
        trainer.LearningRate = 3e-5;
        TrainerSamples.Step(trainer, Plain, 0);
        using var after = trainer.Snapshot();
        using var scope = torch.NewDisposeScope();
        var moved = before.Module.parameters().Zip(after.Module.parameters()).Max(pair => (pair.Second - pair.First).abs().max().item<float>());
        Assert.Equal(3e-5, moved, 2e-6);
    }

    [Theory]
    [InlineData(null, 50, 2e-3)]
    [InlineData(0.0, 50, 2e-3)]
    [InlineData(1.0, 0, 2e-3)]
    [InlineData(1.0, 50, 1e-3)]
    [InlineData(.9, 99, 2e-3 * 0.0158489)]
    public void LearningRateAt_AnIteration_FallsByThePower(double? power, int iteration, double expected) =>
        Assert.Equal(expected, new TrainingOptions { LearningRate = 2e-3, PolynomialDecay = power }.LearningRateAt(iteration, 100), 1e-9);

    [Fact]
    public void Step_WithTheSameSeed_GivesTheSameBytes()
    {
        using var a = TrainerSamples.Start(Augmented, threads: 2);
        using var same = TrainerSamples.Start(Augmented, threads: 2);
        using var other = TrainerSamples.Start(Augmented with { Seed = 1 }, threads: 2);
        var different = false;
        for (var i = 0; i < 6; i++)
        {
            var loss = TrainerSamples.Step(a, Augmented, i);
            Assert.Equal(loss, TrainerSamples.Step(same, Augmented, i));
            different |= loss != TrainerSamples.Step(other, Augmented, i);
        }

        Assert.True(different);
        Assert.Equal(State(a), State(same));
    }

    [Fact]
    public void Resume_WhenTheRunWasBroken_GoesOnBitForBit()
    {
        var settings = Augmented with { WeightDecay = 1e-4, Seed = 0xfedcba9876543210, Beta1 = .85, Spacing = new(2.5, 1, 1) };
        using var whole = TrainerSamples.Start(settings, threads: 2);
        whole.Step([TrainerSamples.Block(settings, 0, labelled: false)], Token);  // counts as an iteration, not as an update
        for (var i = 1; i < 4; i++)
            TrainerSamples.Step(whole, settings, i);
        File.WriteAllBytes(In("checkpoint"), whole.Checkpoint());
        using var resumed = Trainer.Resume(In("checkpoint"), "cpu", 2);
        Assert.Equal(4, resumed.Iteration);
        Assert.Equal(State(whole), State(resumed));
        for (var i = 4; i < 8; i++)
            Assert.Equal(TrainerSamples.Step(whole, settings, i), TrainerSamples.Step(resumed, settings, i));
        Assert.Equal(State(whole), State(resumed));
    }

    [Fact]
    public void Step_WhenStoppedAnywhere_ChangesNothing()
    {
        using var stopped = TrainerSamples.Start(Augmented);
        using var unbroken = TrainerSamples.Start(Augmented);
        TrainerSamples.Step(stopped, Augmented, 0);
        TrainerSamples.Step(unbroken, Augmented, 0);
        var before = State(stopped);
        var patches = stopped.Prepare(1, [TrainerSamples.Block(Augmented, 1)]);
        var (polls, loss) = (0, double.NaN);
        for (; double.IsNaN(loss); polls++)
        {
            var left = polls;
            try
            {
                loss = stopped.Step(patches, () => _ = left-- == 0 ? throw new OperationCanceledException() : 0);
            }
            catch (OperationCanceledException)
            {
                Assert.Equal(1, stopped.Iteration);
                Assert.Equal(before, State(stopped));
            }
        }

        Assert.Equal(4, polls);  // before the step, after its forward and its backward pass, and not at all
        Assert.Equal(TrainerSamples.Step(unbroken, Augmented, 1), loss);
        Assert.Equal(State(unbroken), State(stopped));
    }

    [Fact]
    public void Step_WhenCancelled_ThrowsTheCallersTokenAndChangesNothing()
    {
        using var trainer = TrainerSamples.Start(Plain);
        TrainerSamples.Step(trainer, Plain, 0);
        var before = State(trainer);
        using var source = new CancellationTokenSource();
        source.Cancel();
        var e = Assert.ThrowsAny<OperationCanceledException>(() => trainer.Step([TrainerSamples.Block(Plain, 1)], source.Token));
        Assert.Equal(source.Token, e.CancellationToken);
        Assert.Equal(before, State(trainer));
    }

    [Fact]
    public void Step_WithoutAnyLabel_CountsButChangesNoWeight()
    {
        using var trainer = TrainerSamples.Start(Plain);
        using var other = TrainerSamples.Start(Plain);
        Assert.Equal(0, trainer.Step([TrainerSamples.Block(Plain, 0, labelled: false)], Token));
        Assert.Equal(1, trainer.Iteration);
        for (var i = 1; i < 3; i++)
            Assert.Equal(TrainerSamples.Step(other, Plain, i), TrainerSamples.Step(trainer, Plain, i));  // so Adam's count agrees, too
    }

    /// <summary>A batch with a patch that nobody labelled has the loss of the other one. Without batch norm the two are independent.</summary>
    [Fact]
    public void Step_WithIgnoredVoxels_WeighsThemNothing()
    {
        var gcr = TrainerSamples.Small with { Order = LayerOrder.Gcr };
        using var one = TrainerSamples.Start(Plain, gcr);
        using var two = TrainerSamples.Start(Plain, gcr);
        var loss = two.Step([TrainerSamples.Block(Plain, 0), TrainerSamples.Block(Plain, 1, labelled: false)], Token);
        Assert.Equal(TrainerSamples.Step(one, Plain, 0), loss, 1e-6);
    }

    [Fact]
    public void Step_WithABatch_CountsOneIterationAndAverages()
    {
        var gcr = TrainerSamples.Small with { Order = LayerOrder.Gcr };
        using var batch = TrainerSamples.Start(Plain, gcr);
        using var first = TrainerSamples.Start(Plain, gcr);
        using var second = TrainerSamples.Start(Plain, gcr);
        var mean = (TrainerSamples.Step(first, Plain, 0) + TrainerSamples.Step(second, Plain, 1)) / 2;
        Assert.Equal(mean, batch.Step([TrainerSamples.Block(Plain, 0), TrainerSamples.Block(Plain, 1)], Token), 1e-6);
        Assert.Equal(1, batch.Iteration);
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.Step([], Token));
    }

    [Fact]
    public void Step_WithABatchOfOne_IsTheSameStep()
    {
        using var a = TrainerSamples.Start(Augmented);
        using var b = TrainerSamples.Start(Augmented);
        Assert.Equal(TrainerSamples.Step(a, Augmented, 0), b.Step([TrainerSamples.Block(Augmented, 0)], Token));
        Assert.Equal(State(a), State(b));
    }

    [Fact]
    public async Task Prepare_OnAnotherThreadWhileAStepRuns_GivesTheSamePatches()
    {
        using var trainer = TrainerSamples.Start(Augmented);
        using var other = TrainerSamples.Start(Augmented);
        var next = trainer.Prepare(0, [TrainerSamples.Block(Augmented, 0), TrainerSamples.Block(Augmented, 100)]);
        for (var i = 0; i < 4; i++)
        {
            var (now, blocks) = (next, new[] { TrainerSamples.Block(Augmented, i + 1), TrainerSamples.Block(Augmented, i + 101) });
            var preparing = Task.Run(() => trainer.Prepare(now.Iteration + 1, blocks), Token);
            var loss = trainer.Step(now, Token);
            Assert.Equal(other.Step([TrainerSamples.Block(Augmented, i), TrainerSamples.Block(Augmented, i + 100)], Token), loss);
            next = await preparing;
        }

        Assert.Equal(State(other), State(trainer));
        Assert.Throws<ArgumentException>(() => trainer.Step(trainer.Prepare(7, [TrainerSamples.Block(Augmented, 0)]), Token));
    }

    [Fact]
    public void Step_WhenTheLossIsNotFinite_SaysWhatToDoAndChangesNothing()
    {
        using var trainer = TrainerSamples.Start(Plain);
        TrainerSamples.Step(trainer, Plain, 0);
        var before = State(trainer);
        var e = Assert.Throws<InputException>(() => trainer.Step([TrainerSamples.Block(Plain, 1) with { Std = 1e-38f }], Token));
        Assert.Contains("iteration 1; lower the learning rate, which is 0.005", e.Message, StringComparison.Ordinal);
        Assert.Equal(1, trainer.Iteration);
        Assert.Equal(before, State(trainer));
    }

    [Fact]
    public void Snapshot_WhenTrainingGoesOn_KeepsItsWeights()
    {
        using var trainer = TrainerSamples.Start(Plain);
        TrainerSamples.Step(trainer, Plain, 0);
        using var snapshot = trainer.Snapshot();
        var before = snapshot.ToBytes(null);
        TrainerSamples.Step(trainer, Plain, 1);
        Assert.Equal(before, snapshot.ToBytes(null));
        using var later = trainer.Snapshot();
        Assert.NotEqual(before, later.ToBytes(null));
        Assert.Equal((3, TrainerSamples.Small.FMaps), (snapshot.OutChannels, snapshot.Architecture.FMaps));
    }

    /// <summary>What a step, a checkpoint and a snapshot take is given back at once, not when the garbage collector comes.</summary>
    [Theory]
    [InlineData(LayerOrder.Cbr, torch.ScalarType.Float32)]
    [InlineData(LayerOrder.Gcr, torch.ScalarType.BFloat16)]
    public void Step_AgainAndAgain_LeavesNoTensor(LayerOrder order, torch.ScalarType precision)
    {
        using var network = Network.Create(TrainerSamples.Small with { Order = order }, 3, seed: 1);
        using var trainer = Trainer.Start(network, Plain, "cpu", 1, precision);
        TrainerSamples.Step(trainer, Plain, 0);
        var live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (var i = 1; i < 4; i++)
        {
            TrainerSamples.Step(trainer, Plain, i);
            Assert.Throws<InputException>(() => trainer.Step([TrainerSamples.Block(Plain, 1) with { Std = 1e-38f }], Token));
            State(trainer);
            trainer.Snapshot().Dispose();
        }

        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Start_FromANetwork_LeavesItAsItWas()
    {
        using var network = Network.Create(TrainerSamples.Small, 3, seed: 1);
        var before = network.ToBytes(null);
        using (var trainer = Trainer.Start(network, new TrainingOptions { Patch = new(8, 16, 16), Augmentation = AugmentationOptions.None }, 0, null, VoxelSize.Unit, "cpu", 1))
            TrainerSamples.Step(trainer, Plain, 0);
        Assert.Equal(before, network.ToBytes(null));
    }

    public static TheoryData<string, TrainingOptions, int?> Wrong { get; } = new()
    {
        { "training.learningRate is 0", new() { LearningRate = 0 }, null },
        { "training.learningRate is NaN", new() { LearningRate = double.NaN }, null },
        { "training.weightDecay is -1", new() { WeightDecay = -1 }, null },
        { "axis y", new() { Patch = new(8, 18, 16) }, null },
        { "coarsest level", new() { Patch = new(4, 4, 4) }, null },
        { "class 1 against the rest has one output; this one has 3", new(), 1 },
        { "augmentation.blur.range has 1 numbers", new() { Augmentation = new() { Blur = new() { Probability = .1, Range = [1] } } }, null },
        { "augmentation.noise.probability is 2", new() { Augmentation = new() { Noise = new() { Probability = 2 } } }, null },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Start_WhenOptionsDoNotFit_NamesTheField(string says, TrainingOptions options, int? target)
    {
        using var network = Network.Create(TrainerSamples.Small, 3, seed: 1);
        var e = Assert.Throws<InputException>(() => Trainer.Start(network, options, 0, target, VoxelSize.Unit, "cpu", 1));
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_WhenTheNetworkHasOneOutputOrTheDeviceIsAbsent_SaysSo()
    {
        using var binary = Network.Create(TrainerSamples.Small, 1, seed: 1);
        Assert.Contains("one output", Assert.Throws<InputException>(() => Trainer.Start(binary, Plain, "cpu", 1)).Message, StringComparison.Ordinal);
        Assert.Contains("tpu", Assert.Throws<InputException>(() => Trainer.Start(binary, Plain with { TargetClass = 0 }, "tpu", 1)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Trainer.Start(binary, Plain with { TargetClass = 0 }, "cpu", 0));
    }

    [Fact]
    public void Step_WithABlockThatDoesNotFit_RefusesAndCountsNothing()
    {
        using var trainer = TrainerSamples.Start(Plain);
        var block = TrainerSamples.Block(Plain, 0);
        var labels = block.Labels.ToArray();
        labels[100] = 3;
        Refused<InputException>(block with { Labels = labels }, "label 3, but the network's 3 classes end at 2");
        Refused<ArgumentException>(block with { Labels = default }, "0 labels");
        Refused<ArgumentException>(block with { Voxels = block.Voxels[1..] }, "2047 bytes");
        Refused<InputException>(block with { Shape = new(16, 16, 8) }, "16x16x8, but a patch of 8x16x16 needs 8x16x16");
        Refused<InputException>(block with { Std = 0 }, "above 0");
        Assert.Equal(0, trainer.Iteration);

        void Refused<T>(TrainingBlockMemory wrong, string says)
            where T : Exception => Assert.Contains(says, Assert.Throws<T>(() => trainer.Step([wrong], Token)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Resume_OfAFileThatIsNoCheckpoint_NamesIt()
    {
        using var network = Network.Create(TrainerSamples.Small, 3, seed: 1);
        using var trainer = TrainerSamples.Start(Plain);
        Refused("cannot be read", null);
        Refused("not a checkpoint", network.ToBytes(null));
        var whole = State(trainer);
        File.WriteAllBytes(In("x"), whole);
        Assert.Contains("adam.mean", Assert.Throws<InputException>(() => Network.Load(In("x"))).Message, StringComparison.Ordinal);
        Refused("truncated", whole[..^100]);
        Refused("damaged", Replaced(whole, "learning_rate", "learning_rite"));
        Refused("damaged", Replaced(whole, "updates\\u0022:0", "updates\\u0022:9"));
        Refused("adam.mean.final_conv.bias is missing", Replaced(whole, "adam.mean.final_conv.bias", "adam.mean.final_conv.bies"));
        Refused("adam.mean.final_conv.bias", Replaced(whole, "\"adam.mean.final_conv.bias\":{\"dtype\":\"F32\",\"shape\":[3]", "\"adam.mean.final_conv.bias\":{\"dtype\":\"I32\",\"shape\":[3]"));
        Refused("encoders", Replaced(whole, "\"encoders.0.", "\"encodes.00."));

        void Refused(string says, byte[]? bytes)
        {
            if (bytes is not null)
                File.WriteAllBytes(In("x"), bytes);
            var e = Assert.Throws<InputException>(() => Trainer.Resume(In("x"), "cpu", 1));
            Assert.StartsWith(In("x"), e.Message, StringComparison.Ordinal);
            Assert.Contains(says, e.Message, StringComparison.Ordinal);
        }
    }

    private static byte[] Replaced(byte[] file, string from, string to)
    {
        Assert.Equal(from.Length, to.Length);
        var at = file.AsSpan().IndexOf(Encoding.UTF8.GetBytes(from));
        Assert.True(at > 0, $"{from} is not in the file");
        byte[] changed = [.. file];
        Encoding.UTF8.GetBytes(to).CopyTo(changed, at);
        return changed;
    }

    private string In(string name) => Path.Combine(_folder.FullName, name);

    /// <summary>All that a trainer holds, as the bytes of its checkpoint.</summary>
    private byte[] State(Trainer trainer)
    {
        File.WriteAllBytes(In("state"), trainer.Checkpoint());
        var bytes = File.ReadAllBytes(In("state"));
        File.Delete(In("state"));
        return bytes;
    }
}
