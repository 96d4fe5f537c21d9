// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Grains.Scoring;
using Teravox.Networks;
using Teravox.Volumes;

namespace Teravox.Cli.Commands;

/// <summary>teravox score: a prediction against labels.</summary>
internal static class ScoreCommand
{
    public static Command Make()
    {
        var prediction = new Argument<string>("prediction") { Description = "probabilities.zarr (class, z, y, x), or class ids: labels.zarr or a stack of images read by the same class map." };
        var labels = new Option<string>("--labels", "-l") { Description = "The truth: a folder, zip or multi-page TIFF of label images, or an OME-Zarr.", Required = true };
        var classes = new Option<string>("--classes", "-c") { Description = "classes.json: which label value means which class.", Required = true };
        var model = new Option<string?>("--model", "-m") { Description = "The model the prediction came from: its thresholds are used. Without it each class's best threshold on these very voxels is." };
        var json = Options.Json();
        return new Command(
            "score",
            """
            Scores a prediction against labels: precision, recall and F1 of each class, and the confusion.

            Example:
              ./teravox score demo/probabilities.zarr --labels phantom/labels --classes phantom/classes.json --model demo/models/multiclass.safetensors
            """)
        {
            prediction, labels, classes, model, json,
        }.Does((r, ct) =>
        {
            var map = ClassMapFile.Load(r.GetRequiredValue(classes));
            using var truth = ImageStack.Open(r.GetRequiredValue(labels), use: StackUse.Labels);
            var path = r.GetRequiredValue(prediction);
            if (!Path.Exists(path))
                throw new InputException($"{path}: there is no such prediction.");
            var report = OmeVolume.IsVolume(path) && OmeVolume.Open(path) is { HasChannels: true } probabilities
                ? OfProbabilities(probabilities, truth, map, ReadModel(r.GetValue(model), map), ct)
                : OfIds(path, truth, map, ct);
            if (r.GetValue(json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(report, TeravoxJson.Compact));
            }
            else
            {
                Summary.Table(report);
                if (r.GetValue(model) is null && report.Predictions[0].Classes.Any(c => c.Curve.Count > 0))
                    Console.Out.WriteLine("Thresholds were chosen on these very voxels; --model takes those of the training.");
            }

            return Task.FromResult(Guarded.Success);
        });
    }

    private static ModelCard? ReadModel(string? path, ClassMap map)
    {
        if (path is null)
            return null;
        using var network = Network.Load(path);
        var card = Cards.Read(network, path) ?? throw new InputException($"{path}: the model has no card, so no thresholds; leave --model out.");
        if (!card.Classes.Select(c => c.Name).SequenceEqual(map.Classes.Select(c => c.Name)))
        {
            throw new InputException(
                $"{path}: the model is for other classes: {string.Join(", ", card.Classes.Select(c => c.Name))}; --classes names {string.Join(", ", map.Classes.Select(c => c.Name))}.");
        }

        return card;
    }

    private static ScoreReport OfProbabilities(OmeVolume probabilities, ImageStack truth, ClassMap map, ModelCard? card, CancellationToken ct)
    {
        CheckShape(probabilities.Path, probabilities.Shape, truth);
        if (probabilities.Channels != map.Count)
            throw new InputException($"{probabilities.Path}: has {probabilities.Channels} classes; --classes names {map.Count}.");
        if (probabilities.Type != VoxelType.UInt8)
            throw new InputException($"{probabilities.Path}: probabilities are 8-bit; this is {probabilities.Type}.");
        var counts = new long[map.Count * GreyHistogram.Length];
        var confusion = new long[map.Count * map.Count];
        var slab = probabilities.Chunk.Z;
        for (var z = 0; z < truth.Shape.Z; z += slab)
        {
            var box = new Box3(new Int3(z, 0, 0), truth.Shape with { Z = Math.Min(slab, truth.Shape.Z - z) });
            var ids = ReadIds(truth, map, box, ct);
            var grey = new byte[checked(map.Count * ids.Length)];
            for (var c = 0; c < map.Count; c++)
                probabilities.Read(box, grey.AsSpan(c * ids.Length, ids.Length), c);
            GreyHistogram.AddAll(grey, ids, counts);
            Confusion.AddArgmax(grey, ids, confusion);
        }

        return ScoreBuilder.Build(
            Path.GetFileName(Path.TrimEndingDirectorySeparator(probabilities.Path)),
            null,
            map,
            new ScoreRegions([], [Box3.Whole(truth.Shape)]),
            [new PredictionCounts("prediction", counts, counts, confusion) { Thresholds = card?.Thresholds }]);
    }

    private static ScoreReport OfIds(string path, ImageStack truth, ClassMap map, CancellationToken ct)
    {
        // Ids from a label volume are ids already; images go through the class map as the truth does.
        var isVolume = OmeVolume.IsVolume(path);
        var called = isVolume ? new ClassMap { Classes = [.. map.Classes.Select(c => c with { Values = null, Colours = null })], Ignore = [ClassMap.Ignored] } : map;
        using var prediction = ImageStack.Open(path, use: StackUse.Labels);
        CheckShape(path, prediction.Shape, truth);
        var confusion = new long[map.Count * map.Count];
        for (var z = 0; z < truth.Shape.Z; z++)
        {
            var box = new Box3(new Int3(z, 0, 0), truth.Shape with { Z = 1 });
            Confusion.Add(ReadIds(prediction, called, box, ct), ReadIds(truth, map, box, ct), map.Count, confusion);
        }

        return ScoreBuilder.OfConfusion(Path.GetFileName(Path.TrimEndingDirectorySeparator(path)), map, Box3.Whole(truth.Shape), confusion);
    }

    private static void CheckShape(string path, Int3 shape, ImageStack truth)
    {
        if (shape != truth.Shape)
            throw new InputException($"{path}: is {shape}, but the labels {truth.Source} are {truth.Shape}.");
    }

    private static byte[] ReadIds(ImageStack stack, ClassMap map, Box3 box, CancellationToken ct)
    {
        var slice = box.Shape.Y * box.Shape.X;
        var ids = new byte[checked(box.Shape.Z * slice)];
        for (var z = 0; z < box.Shape.Z; z++)
        {
            ct.ThrowIfCancellationRequested();
            LabelReader.ReadSlice(stack, box.Start.Z + z, map, ids.AsSpan(z * slice, slice));
        }

        return ids;
    }
}
