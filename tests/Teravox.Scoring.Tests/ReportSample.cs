// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains.Report;
using Teravox.Grains.Scoring;
using Teravox.Volumes;
using Teravox.Volumes.Phantom;

namespace Teravox.Scoring.Tests;

/// <summary>A report over a phantom whose "networks" are its own truth, blurred and with noise: plausible curves without training.</summary>
internal static class ReportSample
{
    /// <summary>A report of the preset table5: the original's sections, and two blurred versions of them.</summary>
    public static ReportInput Table5(Int3 shape, Reduction? learnt = null)
    {
        var report = Report(shape, "table5", [("original", 70), ("lr", 150), ("boosted", 110)]);
        var overlays = report.Overlays.Select(o => o with { Predicted = [.. o.Predicted.Select(p => p.Name == "original" ? p : p with { Raw = Blurred(o, p.Name == "lr" ? 2 : 1) })] }).ToList();
        SectionImages Section(int z) => new(z, new(26.5 + (.3 * (z % 3)), .81), new(28 + (.2 * (z % 5)), .86), 900 + (300L * (z % 3)), FellBack: z % 7 == 6);
        var first = overlays[0];
        return report with
        {
            Overlays = overlays,
            Restored = new RestoredCrop("section 21, the whole", 21, first.Width, first.Height, first.Raw, first.Predicted[1].Raw!, first.Predicted[2].Raw!),
            Scores = report.Scores with
            {
                Images = new ImageScores
                {
                    Scale = Scale.Two,
                    Degraded = Reduction.Bicubic,
                    Learnt = learnt ?? Reduction.Bicubic,
                    Sections = [.. Enumerable.Range(shape.Z * 25 / 32, shape.Z - (shape.Z * 25 / 32)).Select(Section)],
                },
            },
        };
    }

    public static ReportInput Report(Int3 shape) => Report(shape, "table4", [("multiclass", 70), ("binary", 95)]);

    private static ReportInput Report(Int3 shape, string preset, (string Name, int Noise)[] networks)
    {
        var phantom = Phantom.Generate(shape, 1);
        var classes = Phantom.Classes;
        var cut = shape.Z * 25 / 32;
        var plane = shape.Y * shape.X;
        var regions = new ScoreRegions([Box3.Whole(shape with { Z = cut })], [Box3.Between(new(cut, 0, 0), shape)]);
        var counts = new List<PredictionCounts>();
        var outputs = new List<byte[]>();
        foreach (var (name, noise) in networks)
        {
            var output = Output(phantom, noise);
            long[] train = new long[8 * 512], test = new long[8 * 512], confusion = new long[64];
            for (byte c = 0; c < 8; c++)
            {
                var one = output.AsSpan(c * phantom.Labels.Length, phantom.Labels.Length);
                GreyHistogram.Add(one[..(cut * plane)], phantom.Labels.AsSpan(..(cut * plane)), c, train.AsSpan(c * 512, 512));
                GreyHistogram.Add(one[(cut * plane)..], phantom.Labels.AsSpan((cut * plane)..), c, test.AsSpan(c * 512, 512));
            }

            var calls = new byte[phantom.Labels.Length];
            Labelling.Argmax(output, calls);
            Confusion.Add(calls.AsSpan((cut * plane)..), phantom.Labels.AsSpan((cut * plane)..), 8, confusion);
            counts.Add(new(name, train, test, confusion));
            outputs.Add(output);
        }

        var scores = ScoreBuilder.Build("phantom-side-by-side", preset, classes, regions, counts);
        var predicted = outputs.Zip(scores.Predictions, (output, p) =>
        {
            var ids = new byte[phantom.Labels.Length];
            Labelling.Assign(output, ScoreBuilder.ThresholdsOf(p), ids);
            return new PredictedSection(p.Name, ids);
        }).ToArray();
        var random = new Random(1);
        double[] Loss(int n, double end) => [.. Enumerable.Range(0, n).Select(i => end + (.6 / (1 + (i / 60.0))) + (random.NextDouble() * .08))];
        return new ReportInput
        {
            Scores = scores,
            Shape = shape,
            VoxelSize = phantom.VoxelSize,
            IsPhantom = true,
            Overlays =
            [
                OverlaySet.Xy(shape, phantom.VoxelSize, (cut + shape.Z) / 2, phantom.Raw, phantom.Labels, predicted),
                OverlaySet.Yz(shape, new(20, 10, 10), shape.X / 2, phantom.Raw, phantom.Labels, predicted),
            ],
            Losses = [new("multiclass", Loss(2000, .03)), new("binary membrane", Loss(900, .05))],
            Previews = [new("As drawn, and augmented six times.", "One patch; labels follow.", new SliceImage(shape.X, shape.Y, PixelKind.Grey8, phantom.Raw[..plane], null))],
            SpecJson = """{"name": "phantom-side-by-side", "preset": "table4", "data": {"phantom": {"shape": [32, 256, 256], "seed": 1}}}""",
            Provenance = [new("raw, SHA-256", "35ae21e96ee76eff…"), new("seed", "1"), new("network", "3D U-Net, 3 levels, 16 feature maps, cbr"), new("<script>", "a & b")],
        };
    }

    public static ExploreInput Explore(Int3 shape)
    {
        var phantom = Phantom.Generate(shape, 1);
        var counts = new long[256];
        foreach (var label in phantom.Labels)
            counts[label]++;
        counts[255] = 1234;
        return new ExploreInput
        {
            Name = "phantom",
            Shape = shape,
            VoxelSize = phantom.VoxelSize,
            Intensity = VoxelHistogram.Of(phantom.Raw, VoxelType.UInt8),
            Classes = Phantom.Classes,
            ClassCounts = counts,
            Sections =
            [
                OverlaySet.Xy(shape, phantom.VoxelSize, shape.Z / 2, phantom.Raw, phantom.Labels),
                OverlaySet.Yz(shape, phantom.VoxelSize, shape.X / 2, phantom.Raw, phantom.Labels),
            ],
            Notes = ["12 of 20 label images were 1-bit and were read as 0 and 1."],
        };
    }

    /// <summary>The section, each pixel the mean of its row's pixels up to so many away.</summary>
    private static byte[] Blurred(OverlaySet section, int reach) =>
    [
        .. Enumerable.Range(0, section.Raw.Length).Select(i => (byte)Enumerable.Range(-reach, (2 * reach) + 1)
            .Average(d => section.Raw[(i / section.Width * section.Width) + Math.Clamp((i % section.Width) + d, 0, section.Width - 1)])),
    ];

    /// <summary>8-bit outputs (8, n): the truth over a small neighbourhood, plus noise.</summary>
    private static byte[] Output(PhantomVolume phantom, int noise)
    {
        var n = phantom.Labels.Length;
        var random = new Random(noise);
        var output = new byte[8 * n];
        for (var c = 0; c < 8; c++)
        {
            for (var i = 0; i < n; i++)
            {
                var near = 0;
                foreach (var d in new[] { -phantom.Shape.X, -2, -1, 0, 1, 2, phantom.Shape.X })
                    near += phantom.Labels[Math.Clamp(i + d, 0, n - 1)] == c ? 1 : 0;
                output[(c * n) + i] = (byte)Math.Clamp((near * 28) + 20 + ((random.NextDouble() + random.NextDouble() - 1) * noise), 0, 255);
            }
        }

        return output;
    }
}
