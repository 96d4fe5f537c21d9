// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Volumes;

namespace Teravox.Grains.Report;

/// <summary>All that a report shows. Plain values: where they come from is the caller's business.</summary>
public sealed record ReportInput
{
    /// <summary>The scores.</summary>
    public required ScoreReport Scores { get; init; }

    /// <summary>Shape of the volume (z, y, x), or null.</summary>
    public Int3? Shape { get; init; }

    /// <summary>Voxel size in nm, or null.</summary>
    public VoxelSize? VoxelSize { get; init; }

    /// <summary>True when the volume is a phantom; the report then says so at its head.</summary>
    public bool IsPhantom { get; init; }

    /// <summary>Sections of the test region with truth and predictions.</summary>
    public IReadOnlyList<OverlaySet> Overlays { get; init; } = [];

    /// <summary>A part of a section as it is and as it was brought back, or null.</summary>
    public RestoredCrop? Restored { get; init; }

    /// <summary>What was super-resolved, or null.</summary>
    internal BoostedReport? Boosted { get; init; }

    /// <summary>Loss while training, one curve per network.</summary>
    public IReadOnlyList<LossCurve> Losses { get; init; } = [];

    /// <summary>Pictures of what augmentation does to a patch.</summary>
    public IReadOnlyList<ReportPicture> Previews { get; init; } = [];

    /// <summary>The spec as JSON, or null.</summary>
    public string? SpecJson { get; init; }

    /// <summary>What was run on what, label and value: versions, hashes, seeds. Nothing that differs from run to run.</summary>
    public IReadOnlyList<ReportFact> Provenance { get; init; } = [];
}

/// <summary>A line of a list of facts.</summary>
/// <param name="Label">What it is.</param>
/// <param name="Value">Its value.</param>
public sealed record ReportFact(string Label, string Value);

/// <summary>Loss against iteration.</summary>
/// <param name="Name">The network: "multiclass", "binary membrane".</param>
/// <param name="Loss">Loss per iteration, from the first on.</param>
public sealed record LossCurve(string Name, IReadOnlyList<double> Loss)
{
    /// <summary>Iterations in all, where the losses are means over spans of them; null when they are one each.</summary>
    public int? Iterations { get; init; }
}

/// <summary>A picture with its words.</summary>
/// <param name="Title">Short title.</param>
/// <param name="Caption">What is to be seen.</param>
/// <param name="Image">The picture.</param>
public sealed record ReportPicture(string Title, string Caption, SliceImage Image);

/// <summary>Predicted class ids of a section.</summary>
/// <param name="Name">Name of the prediction, as in the scores.</param>
/// <param name="Ids">Class ids, rows from the top.</param>
public sealed record PredictedSection(string Name, byte[] Ids)
{
    /// <summary>The 8-bit grey that the network saw, where it was another image than the section's; else null.</summary>
    public byte[]? Raw { get; init; }
}

/// <summary>A part of a section three times: 8-bit grey, Width * Height, rows from the top.</summary>
/// <param name="Title">Which part of which section: "section 27, the middle 128 x 128".</param>
/// <param name="Section">The section.</param>
/// <param name="Width">Pixels per row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Original">As it is.</param>
/// <param name="Lr">Reduced and enlarged by bicubic interpolation.</param>
/// <param name="Boosted">Reduced and brought back by super-resolution.</param>
public sealed record RestoredCrop(string Title, int Section, int Width, int Height, byte[] Original, byte[] Lr, byte[] Boosted)
{
    /// <summary>Height of a pixel over its width, in nm over nm.</summary>
    public double PixelAspect { get; init; } = 1;
}

/// <summary>One section through the volume in some plane, rows from the top.</summary>
public sealed record OverlaySet
{
    /// <summary>Which section: "xy, z = 27".</summary>
    public required string Title { get; init; }

    /// <summary>Pixels per row.</summary>
    public required int Width { get; init; }

    /// <summary>Rows.</summary>
    public required int Height { get; init; }

    /// <summary>8-bit grey, Width * Height.</summary>
    public required byte[] Raw { get; init; }

    /// <summary>True class ids, 255 = not labelled; null where there is no truth.</summary>
    public byte[]? Truth { get; init; }

    /// <summary>Predictions to compare.</summary>
    public IReadOnlyList<PredictedSection> Predicted { get; init; } = [];

    /// <summary>Height of a pixel over its width, in nm over nm: a yz section of thick sections is shown stretched by it.</summary>
    public double PixelAspect { get; init; } = 1;

    /// <summary>The xy section at <paramref name="z"/> of arrays (z, y, x).</summary>
    public static OverlaySet Xy(
        Int3 shape, VoxelSize voxel, int z, byte[] raw, byte[]? truth = null, IReadOnlyList<PredictedSection>? predicted = null)
    {
        byte[] Cut(byte[] volume) => volume.AsSpan(z * shape.Y * shape.X, shape.Y * shape.X).ToArray();
        return Make($"xy, z = {z}", shape.X, shape.Y, voxel.Y / voxel.X, Cut, raw, truth, predicted);
    }

    /// <summary>The yz section at <paramref name="x"/> of arrays (z, y, x): y to the right, z downwards.</summary>
    public static OverlaySet Yz(
        Int3 shape, VoxelSize voxel, int x, byte[] raw, byte[]? truth = null, IReadOnlyList<PredictedSection>? predicted = null)
    {
        byte[] Cut(byte[] volume)
        {
            var section = new byte[shape.Z * shape.Y];
            for (var i = 0; i < section.Length; i++)
                section[i] = volume[((long)i * shape.X) + x];
            return section;
        }

        return Make($"yz, x = {x}", shape.Y, shape.Z, voxel.Z / voxel.Y, Cut, raw, truth, predicted);
    }

    private static OverlaySet Make(
        string title, int width, int height, double aspect, Func<byte[], byte[]> cut,
        byte[] raw, byte[]? truth, IReadOnlyList<PredictedSection>? predicted) => new()
        {
            Title = title,
            Width = width,
            Height = height,
            PixelAspect = aspect,
            Raw = cut(raw),
            Truth = truth is null ? null : cut(truth),
            Predicted = [.. (predicted ?? []).Select(p => p with { Ids = cut(p.Ids), Raw = p.Raw is null ? null : cut(p.Raw) })],
        };
}
