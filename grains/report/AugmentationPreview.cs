// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Networks;
using Teravox.Volumes;

namespace Teravox.Grains.Report;

/// <summary>A picture of one training patch as it is and under several draws of the augmentation.</summary>
internal static class AugmentationPreview
{
    private const int Columns = 4, Rows = 2, Gap = 4;

    /// <summary>The middle section of the patch, classes tinted; the first is without augmentation.</summary>
    /// <param name="options">Training options: patch and augmentation.</param>
    /// <param name="sampler">Where patches come from.</param>
    /// <param name="type">What a raw voxel is.</param>
    /// <param name="spacing">Voxel size.</param>
    /// <param name="seed">Of the draws.</param>
    /// <param name="statistics">Mean and standard deviation of the volume.</param>
    /// <param name="classes">Colours.</param>
    public static ReportPicture Draw(
        TrainingOptions options, PatchSampler sampler, VoxelType type, VoxelSize spacing, ulong seed, (float Mean, float Std) statistics, ClassMap classes)
    {
        var patch = options.Patch;
        var place = sampler.Place(0, 0, patch, options.BalancedSampling);
        var (width, height) = ((Columns * (patch.X + Gap)) - Gap, (Rows * (patch.Y + Gap)) - Gap);
        var picture = new byte[3 * width * height];
        Array.Fill(picture, (byte)255);
        for (var draw = 0; draw < Columns * Rows; draw++)
        {
            var augmentation = draw == 0 ? AugmentationOptions.None : options.Augmentation;
            var source = Augmentation.SourceShape(augmentation, patch, spacing);
            var raw = new byte[source.Count * type.Bytes()];
            var labels = new byte[source.Count];
            sampler.Read(new Box3(place - (source - patch).Map(n => n / 2), source), raw, labels);
            var (values, ids) = (new float[patch.Count], new byte[patch.Count]);
            var block = new TrainingBlock { Voxels = raw, Labels = labels, Type = type, Shape = source, Mean = statistics.Mean, Std = statistics.Std };
            Augmentation.Apply(augmentation, spacing, seed, (ulong)draw, block, patch, values, ids);
            var tile = Overlays.Classes(Section(values, patch), ids.AsSpan(patch.Z / 2 * patch.Y * patch.X, patch.Y * patch.X).ToArray(), classes);
            Paste(tile, picture, width, draw % Columns * (patch.X + Gap), draw / Columns * (patch.Y + Gap));
        }

        return new ReportPicture(
            "What augmentation does",
            "The middle section of one training patch: first as it is, then under seven draws. Labels follow the image.",
            new SliceImage(width, height, PixelKind.Rgb8, picture, null));
    }

    // Standardised values: three standard deviations to either side of the mean fill the grey scale.
    private static OverlaySet Section(float[] values, Int3 patch) => new()
    {
        Title = "",
        Width = patch.X,
        Height = patch.Y,
        Raw = [.. values.AsSpan(patch.Z / 2 * patch.Y * patch.X, patch.Y * patch.X).ToArray().Select(v => (byte)Math.Clamp((int)MathF.Round((v + 3) * 42.5f), 0, 255))],
    };

    private static void Paste(SliceImage tile, byte[] picture, int width, int x, int y)
    {
        for (var i = 0; i < tile.Width * tile.Height; i++)
        {
            var rgb = tile.Palette is { } palette ? palette[tile.Data[i]] : ((uint)tile.Data[3 * i] << 16) | ((uint)tile.Data[(3 * i) + 1] << 8) | tile.Data[(3 * i) + 2];
            var to = 3 * (((y + (i / tile.Width)) * width) + x + (i % tile.Width));
            (picture[to], picture[to + 1], picture[to + 2]) = ((byte)(rgb >> 16), (byte)(rgb >> 8), (byte)rgb);
        }
    }
}
