// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts;
using Teravox.Networks;
using Teravox.Testing;

namespace Teravox.Grains.Tests;

/// <summary>Checkpoints that several runs of one training write, some of which are taken for dead and work on.</summary>
public sealed class CheckpointFolderTests : IDisposable
{
    private static readonly Int3 Patch = new(4, 8, 8);
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Whatever point a run is killed at, the next one finds a pair, and no weights without their losses.</summary>
    [Fact]
    public void Save_WhenAnOlderPairIsThere_LeavesAWholePairAtEveryPoint()
    {
        var path = _folder["checkpoints"];
        var checkpoints = new CheckpointFolder(path, 1);
        using var trainer = Trained(1);
        checkpoints.Save(trainer, [0.5f]);
        Train(trainer, 1);
        var newest = new List<string>();
        using (new FaultScope(point =>
        {
            var pair = CheckpointFolder.Newest(path);
            Assert.True(pair is not null, $"{point}: there is no pair");
            Assert.Equal(int.Parse(Path.GetFileName(pair), CultureInfo.InvariantCulture), CheckpointFolder.ReadLosses(pair).Length);
            Assert.All(Directory.GetFiles(Path.GetDirectoryName(pair)!, "*.safetensors"), weights => Assert.True(File.Exists(Path.ChangeExtension(weights, ".losses")), $"{point}: {weights} has no losses"));
            newest.Add($"{point} {Path.GetFileName(pair)}");
        }))
        {
            checkpoints.Save(trainer, [0.5f, 0.25f]);
        }

        Assert.Contains("train.after-losses 00000001", newest);
        Assert.Contains("train.after-checkpoint 00000002", newest);
        Assert.Equal(["00000002.losses", "00000002.safetensors"], Files(path, 1));
    }

    [Fact]
    public void Save_WhenALaterRunHasLeftAPair_DoesNotTouchIt()
    {
        var path = _folder["checkpoints"];
        using var late = Trained(1);
        new CheckpointFolder(path, 1).Save(late, [0.5f]);
        using var later = Resume(path, 2, [0.5f]);
        Train(later, 1);
        new CheckpointFolder(path, 2).Save(later, [0.5f, 0.25f]);
        Assert.Empty(Files(path, 1));

        // The first run is farther than the second one, and knows nothing of it.
        Train(late, 4);
        new CheckpointFolder(path, 1).Save(late, [0.5f, 9, 9, 9, 9]);
        Assert.Equal(["00000002.losses", "00000002.safetensors"], Files(path, 2));
        using var third = Resume(path, 3, [0.5f, 0.25f]);
        Assert.Equal(2, third.Iteration);

        // What it left goes with the next pair.
        Train(third, 1);
        new CheckpointFolder(path, 3).Save(third, [0.5f, 0.25f, 0.125f]);
        Assert.Equal(["g0003"], Directory.GetDirectories(path).Select(Path.GetFileName));
    }

    [Fact]
    public void Resume_WhenOnlyALaterRunHasLeftAPair_FindsNone()
    {
        var path = _folder["checkpoints"];
        using var trainer = Trained(1);
        new CheckpointFolder(path, 2).Save(trainer, [0.5f]);

        Assert.Null(new CheckpointFolder(path, 1).Resume("cpu", 1));
    }

    private static Trainer Trained(int iterations)
    {
        using var network = Network.Create(new UNetArchitecture { Levels = 2, FMaps = 4 }, 2, seed: 1);
        var trainer = Trainer.Start(network, new TrainingOptions { Patch = Patch, Augmentation = AugmentationOptions.None }, 1, null, VoxelSize.Unit, "cpu", 1);
        Train(trainer, iterations);
        return trainer;
    }

    /// <summary>Without a label: the iterations count, the weights stay.</summary>
    private static void Train(Trainer trainer, int iterations)
    {
        var ignored = Enumerable.Repeat(ClassMap.Ignored, (int)Patch.Count).ToArray();
        for (var i = 0; i < iterations; i++)
            trainer.Step([new TrainingBlockMemory { Voxels = new byte[Patch.Count], Labels = ignored, Type = VoxelType.UInt8, Shape = Patch, Mean = 0, Std = 1 }], TestContext.Current.CancellationToken);
    }

    private static Trainer Resume(string path, int run, float[] losses)
    {
        var (trainer, found) = Assert.NotNull(new CheckpointFolder(path, run).Resume("cpu", 1));
        Assert.Equal(losses, found);
        return trainer;
    }

    private static string[] Files(string path, int run) =>
        Directory.Exists(Path.Combine(path, $"g{run:d4}")) ? [.. Directory.GetFiles(Path.Combine(path, $"g{run:d4}")).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)] : [];
}
