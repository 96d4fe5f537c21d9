// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Networks;
using Teravox.Volumes;
using Teravox.Volumes.Phantom;

namespace Teravox.Grains.Spec;

/// <summary>
/// Checks a spec whole, before anything is written: fields, files, every slice's size, every label value, the model.
/// An experiment that passes fails only for reasons that nobody could know beforehand.
/// </summary>
public static class SpecCheck
{
    /// <summary>Turns a spec into a plan.</summary>
    /// <param name="spec">The spec, paths absolute.</param>
    /// <param name="progress">Told (slices read, slices in all) while label values are checked; may be null.</param>
    /// <param name="ct">Stops the check.</param>
    /// <param name="labelsRead">
    /// For many specs over the same labels, which are large: labels found right are noted here, and what is noted is not read again.
    /// </param>
    /// <param name="gpuMemory">Memory of the smallest GPU that the tiles run on, bytes: it decides how large they are where the spec does not. 0: CPUs.</param>
    /// <exception cref="InputException">The first thing that is wrong, named by its path in the spec.</exception>
    public static ExperimentPlan Plan(ExperimentSpec spec, Action<int, int>? progress, CancellationToken ct, ISet<string>? labelsRead = null, long gpuMemory = 0)
    {
        // 1. The spec's own fields, which need no file.
        CheckName(spec.Name);
        Require(spec.Limits.Failures is >= 1 and <= 1000, "limits.failures", $"{spec.Limits.Failures} must be 1..1000");
        Require(spec.Limits.Deaths is >= 1 and <= 1000, "limits.deaths", $"{spec.Limits.Deaths} must be 1..1000");
        var segment = spec.Preset == Preset.Segment;
        var (degrade, superResolve) = ResolutionCheck.Run(spec, Require);
        var labelled = spec.Preset.NeedsLabels();
        var data = Resolve(spec.Data, labelled);
        spec = spec with { Data = data, Degrade = degrade, SuperResolve = superResolve };

        // 2. For segment, the model decides on architecture and classes.
        PlannedModel? model = null;
        if (segment)
            model = OpenModel(spec);
        else
            Require(spec.Model is null, "model", "only the preset segment takes a model; remove it");
        var architecture = model?.Architecture ?? spec.Network;
        CheckNetwork(architecture);
        var (reach, grid) = ReachOf(architecture);

        // 3. The volume: every slice's header is read.
        using var raw = data.Phantom is null ? ImageStack.Open(data.Raw!, use: StackUse.Raw) : null;
        var shape = raw?.Shape ?? CheckPhantom(data.Phantom!);
        var type = raw?.Kind == PixelKind.Grey16 ? VoxelType.UInt16 : VoxelType.UInt8;
        var zarr = data.Phantom is null && OmeVolume.IsVolume(data.Raw!) ? OmeVolume.Open(data.Raw!) : null;
        var voxelSize = spec.VoxelSize ?? zarr?.VoxelSize ?? (data.Phantom is null ? VoxelSize.Unit : new PhantomOptions().VoxelSize);
        Require(voxelSize is { Z: > 0, Y: > 0, X: > 0 }, "voxelSize", "each of the three must be above 0 nm");
        Require(!segment || model!.Card is null || data.Phantom is not null || shape.IsPositive, "data", "the volume is empty");

        // 4. Classes, regions and every label value.
        var classes = model?.Classes ?? (labelled ? ReadClasses(spec, data) : new ClassMap { Classes = [] });
        var (train, test) = labelled ? Regions(spec, shape) : (default, default);
        if (labelled)
            CheckTraining(spec, grid, train, type);
        if (labelled && data.Phantom is null)
        {
            var labels = $"{data.Labels} {shape} {JsonSerializer.Serialize(classes, TeravoxJson.Compact)}";
            if (labelsRead?.Contains(labels) != true)
                CheckLabels(data.Labels!, classes, shape, progress, ct);
            labelsRead?.Add(labels);
        }

        // 5. How it is cut.
        var halo = spec.Inference.Halo ?? reach;
        Require(halo.Z >= 0 && halo.Y >= 0 && halo.X >= 0, "inference.halo", "each of the three must be 0 or more");
        var chunk = spec.Storage.Chunk ?? DefaultChunk(shape, grid);
        Require(chunk.IsPositive, "storage.chunk", "each of the three must be 1 or more");
        var tile = spec.Inference.Tile ?? TileChoice.Core(shape, chunk, grid, halo, architecture, model?.Network.OutChannels ?? classes.Count, gpuMemory);
        CheckTile(tile, chunk, grid);

        var plan = new ExperimentPlan
        {
            Spec = spec with { Network = architecture },
            Shape = shape,
            Type = type,
            VoxelSize = voxelSize,
            Classes = classes,
            Train = train,
            Test = test,
            Networks = model is null ? NetworksOf(spec, classes) : [model.Network],
            Chunk = chunk,
            Tile = tile,
            Halo = halo,
            Grid = grid,
            HaloIsExact = architecture.Order == LayerOrder.Cbr && halo.Z >= reach.Z && halo.Y >= reach.Y && halo.X >= reach.X,
            RawInPlace = zarr is not null,
        };
        return ResolutionPlan.Of(plan, Require);
    }

    private sealed record PlannedModel(UNetArchitecture Architecture, ClassMap Classes, PlannedNetwork Network, ModelCard? Card);

    /// <summary>The most characters of a name.</summary>
    internal const int LongestName = 64;

    /// <summary>Whether people may name an experiment or a campaign so.</summary>
    internal static bool IsName(string name) =>
        name.Length is > 0 and <= LongestName && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') && name[0] != '.';

    private static void CheckName(string name) =>
        Require(IsName(name), "name", $"\"{name}\" must be 1..64 letters, digits, '-', '_' or '.'");

    private static DataSource Resolve(DataSource data, bool labelled)
    {
        Require(data.Volume is null, "data.volume", "only a cluster knows volumes by name; submit the experiment to one, or give a path");
        var given = (data.Folder is null ? 0 : 1) + (data.Raw is null ? 0 : 1) + (data.Phantom is null ? 0 : 1);
        Require(given == 1, "data", "give a folder, or raw (and labels), or a phantom: exactly one of them");
        if (data.Folder is { } folder)
        {
            Require(Directory.Exists(folder), "data", $"{folder} is not a folder");
            var raw = Path.Combine(folder, "raw");
            if (!labelled && !Path.Exists(raw))
                return new DataSource { Raw = folder };
            var labels = Path.Combine(folder, "labels");
            Require(Path.Exists(raw), "data", $"{folder} must hold a folder raw/ with the slices");
            Require(!labelled || Path.Exists(labels), "data", $"{folder} must hold a folder labels/ with the label images");
            return new DataSource { Folder = folder, Raw = raw, Labels = labelled ? labels : null };
        }

        if (data.Raw is { } path)
        {
            Require(Path.Exists(path), "data.raw", $"{path} does not exist");
            Require(!labelled || data.Labels is not null, "data.labels", "missing: training and scoring need labels");
            Require(data.Labels is null || Path.Exists(data.Labels), "data.labels", $"{data.Labels} does not exist");
        }

        return data;
    }

    private static Int3 CheckPhantom(PhantomSource phantom)
    {
        Require(phantom.Shape is { Z: >= 8, Y: >= 8, X: >= 8 }, "data.phantom.shape", $"{phantom.Shape} must be at least 8 x 8 x 8");
        Require(phantom.Shape.Count <= 1L << 30, "data.phantom.shape", $"{phantom.Shape} is more than 2^30 voxels, which a phantom does not need");
        return phantom.Shape;
    }

    private static PlannedModel OpenModel(ExperimentSpec spec)
    {
        Require(spec.Model is not null, "model", "missing: the preset segment needs a .safetensors model");
        using var network = Network.Load(spec.Model!);
        var card = Cards.Read(network, spec.Model!);
        var classes = Cards.OutputClasses(card, network.OutChannels, spec.Model!);
        if (spec.Classes is { } wanted)
        {
            var theirs = string.Join(", ", wanted.Select(c => c.Name));
            var ours = string.Join(", ", classes.Classes.Select(c => c.Name));
            Require(theirs == ours, "model", $"{spec.Model} is for other classes: it has {ours}; the spec has {theirs}");
        }

        var planned = new PlannedNetwork(card?.Name ?? "model", "multiclass", card?.TargetClass, 0, network.OutChannels, 0);
        return new PlannedModel(network.Architecture, classes, planned, card);
    }

    private static void CheckNetwork(UNetArchitecture a)
    {
        Require(a.Levels is >= 2 and <= 8, "network.levels", $"{a.Levels} must be 2..8");
        Require(a.FMaps is >= 1 and <= 512, "network.fMaps", $"{a.FMaps} must be 1..512");
        Require(a.Groups is >= 1 and <= 512, "network.groups", $"{a.Groups} must be 1..512");
        Require(a.Pool is null || a.Pool.Count == a.Levels - 1, "network.pool", $"{a.Pool?.Count} entries given, {a.Levels - 1} needed: one between each two of {a.Levels} levels");
        foreach (var p in a.PoolFactors())
            Require(p is { Z: >= 1 and <= 4, Y: >= 1 and <= 4, X: >= 1 and <= 4 }, "network.pool", $"factors must be 1..4, not [{p.Z}, {p.Y}, {p.X}]");
    }

    // What the layers themselves refuse (group norm's groups, residual with nearest upsampling) the library says best.
    private static (Int3 Reach, Int3 Grid) ReachOf(UNetArchitecture architecture)
    {
        try
        {
            return Reach.Of(architecture);
        }
        catch (InputException e)
        {
            throw new InputException($"spec: network: {e.Message}", e);
        }
    }

    private static ClassMap ReadClasses(ExperimentSpec spec, DataSource data)
    {
        if (spec.Classes is { } given)
        {
            var map = new ClassMap { Classes = given, Unmapped = spec.Unmapped, Ignore = spec.Ignore };
            ClassMapFile.Validate(map, "classes");
            return map;
        }

        if (data.Phantom is not null)
            return Phantom.Classes;
        var file = Path.Combine(data.Folder ?? Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(data.Labels!)) ?? ".", "classes.json");
        Require(File.Exists(file), "classes", $"missing, and there is no {file}: say which label value means which class");
        return ClassMapFile.Load(file);
    }

    private static (Box3 Train, Box3 Test) Regions(ExperimentSpec spec, Int3 shape)
    {
        if (spec.Split is null)
        {
            Require(shape.Z >= 2, "split", "a single section cannot be split into training and test");
            var cut = Math.Clamp(shape.Z * 25 / 32, 1, shape.Z - 1);
            return (Section(0, cut), Section(cut, shape.Z));
        }

        var train = Range(spec.Split.Train, "split.train");
        var test = Range(spec.Split.Test, "split.test");
        Require(train.Intersect(test).IsEmpty, "split.test", "meets the training sections; a test on what was trained on says nothing");
        return (train, test);

        Box3 Range(IReadOnlyList<int> r, string path)
        {
            Require(r.Count == 2 && r[0] >= 0 && r[1] > r[0] && r[1] <= shape.Z, path, $"must be [first, one past the last] within the {shape.Z} sections");
            return Section(r[0], r[1]);
        }

        Box3 Section(int from, int to) => Box3.Between(new Int3(from, 0, 0), new Int3(to, shape.Y, shape.X));
    }

    private static void CheckTraining(ExperimentSpec spec, Int3 grid, Box3 train, VoxelType type)
    {
        var t = spec.Training;
        Require(t.Iterations is >= 1 and <= 100_000_000, "training.iterations", $"{t.Iterations} must be 1 or more");
        Require(spec.BinaryIterations is null or >= 1, "binaryIterations", "must be 1 or more");
        Require(t.Batch is >= 1 and <= 64, "training.batch", $"{t.Batch} must be 1..64");
        Require(t.LearningRate is > 0 and < 1, "training.learningRate", "must be above 0 and below 1");
        Require(t.PolynomialDecay is null or (>= 0 and <= 10), "training.polynomialDecay", "must be 0..10");
        Require(t.WeightDecay >= 0, "training.weightDecay", "must be 0 or more");
        Require(t.CheckpointEvery >= 1, "training.checkpointEvery", "must be 1 or more");
        Require(t.BalancedSampling is >= 0 and <= 1, "training.balancedSampling", "must be 0..1");
        Require(t.Patch.IsPositive && t.Patch == t.Patch.RoundUpTo(grid), "training.patch", $"{t.Patch} must be multiples of the network's grid {grid}");
        Require(t.Patch.Count * t.Batch >= 2 * grid.Count, "training.patch", $"{t.Patch} leaves one voxel at the coarsest level; make it larger");
        AugmentationCheck.Run(t.Augmentation, Require);
        Require(train.Count * type.Bytes() < int.MaxValue, "split.train", $"{train.Count} voxels of {type.Bytes()} byte(s) are more than the 2 GiB a training region may hold; choose fewer sections");
    }

    private static void CheckLabels(string path, ClassMap classes, Int3 shape, Action<int, int>? progress, CancellationToken ct)
    {
        using var labels = ImageStack.Open(path, use: StackUse.Labels);
        Require(labels.Shape == shape, "data.labels", $"{path} is {labels.Shape}, but raw is {shape}; every raw slice needs a label image of its size");
        LabelReader.CheckAll(labels, classes, progress, ct);
    }

    private static Int3 DefaultChunk(Int3 shape, Int3 grid) => Int3.Min(new Int3(64, 64, 64), shape.RoundUpTo(grid)).RoundUpTo(grid);

    private static void CheckTile(Int3 tile, Int3 chunk, Int3 grid)
    {
        Require(tile.IsPositive, "inference.tile", "each of the three must be 1 or more");
        Require(tile == tile.RoundUpTo(chunk), "inference.tile", $"{tile} must be multiples of the chunk {chunk}, so that no chunk has two writers");
        Require(tile == tile.RoundUpTo(grid), "inference.tile", $"{tile} must be multiples of the network's grid {grid}");
    }

    private static IReadOnlyList<PlannedNetwork> NetworksOf(ExperimentSpec spec, ClassMap classes)
    {
        var networks = new List<PlannedNetwork> { new("multiclass", "multiclass", null, 0, classes.Count, spec.Training.Iterations) };
        if (spec.Preset == Preset.Table4)
        {
            networks.AddRange(classes.Classes.Select(c =>
                new PlannedNetwork("binary-" + classes.SlugOf(c.Id), "binary", c.Id, c.Id, 1, spec.BinaryIterations ?? spec.Training.Iterations)));
        }

        return networks;
    }

    private static void Require(bool condition, string path, string problem)
    {
        if (!condition)
            throw new InputException($"spec: {path}: {problem}.");
    }
}
