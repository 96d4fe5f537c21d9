// SPDX-License-Identifier: Apache-2.0
using Teravox.Volumes;

namespace Teravox.Grains.Report;

/// <summary>A section in 8-bit grey: Y * X pixels, rows from the top.</summary>
internal sealed record GreySection(byte[] Pixels, int Y, int X);

/// <summary>
/// A super-resolved section beside what it came from: the original's own pixels, bicubic enlargement, super-resolution; once
/// whole and once its middle, large enough that single pixels are seen. The three cover the same extent.
/// </summary>
internal sealed record SideBySide
{
    /// <summary>Longest side of a panel, in pixels of the picture.</summary>
    public const int Side = 384;

    // The detail's longest side in pixels of the enlarged section: each is shown four times as large.
    private const int DetailSide = Side / 4;

    private const int Gutter = 8;

    /// <summary>The whole section, three times.</summary>
    public required RestoredCrop Whole { get; init; }

    /// <summary>Its middle.</summary>
    public required RestoredCrop Detail { get; init; }

    /// <summary>Makes the panels of a section. <paramref name="lr"/> and <paramref name="boosted"/> have the same shape.</summary>
    /// <param name="section">Its number.</param>
    /// <param name="original">What was enlarged.</param>
    /// <param name="lr">By bicubic enlargement.</param>
    /// <param name="boosted">By super-resolution.</param>
    /// <param name="pixelAspect">Height of a pixel of the enlarged section over its width, in nm over nm: panels have true proportions.</param>
    public static SideBySide Of(int section, GreySection original, GreySection lr, GreySection boosted, double pixelAspect)
    {
        var (y, height) = Middle(lr.Y);
        var (x, width) = Middle(lr.X);
        return new SideBySide
        {
            Whole = Crop($"section {section}", 0, lr.Y, 0, lr.X),
            Detail = Crop($"section {section}, the middle {height} × {width} of {lr.Y} × {lr.X} pixels", y, height, x, width),
        };

        RestoredCrop Crop(string title, int top, int rows, int left, int columns)
        {
            var (h, w) = PanelSize(rows * Math.Max(1, pixelAspect), columns * Math.Max(1, 1 / pixelAspect));
            return new RestoredCrop(title, section, w, h, Panel(original), Panel(lr), Panel(boosted));

            byte[] Panel(GreySection image)
            {
                var (ys, xs) = (Runs(image.Y, lr.Y, top, rows, h), Runs(image.X, lr.X, left, columns, w));
                return Shown(image, ys, xs);
            }
        }
    }

    /// <summary>All panels in one image: original, bicubic, boosted from left to right, the whole section above its detail.</summary>
    public SliceImage Picture()
    {
        RestoredCrop[] rows = [Whole, Detail];
        var (width, height) = ((3 * rows.Max(r => r.Width)) + (2 * Gutter), rows.Sum(r => r.Height) + Gutter);
        var pixels = new byte[width * height];
        Array.Fill(pixels, byte.MaxValue);
        var top = 0;
        foreach (var row in rows)
        {
            var left = 0;
            foreach (var panel in new[] { row.Original, row.Lr, row.Boosted })
            {
                for (var y = 0; y < row.Height; y++)
                    panel.AsSpan(y * row.Width, row.Width).CopyTo(pixels.AsSpan(((top + y) * width) + left));
                left += rows.Max(r => r.Width) + Gutter;
            }

            top += row.Height + Gutter;
        }

        return new SliceImage(width, height, PixelKind.Grey8, pixels, null);
    }

    // At most half of the section, so that also of small ones the detail shows more.
    private static (int Start, int Length) Middle(int n)
    {
        var length = Math.Min((n + 1) / 2, DetailSide);
        return ((n - length) / 2, length);
    }

    // Whole multiples where pixels are shown enlarged, so that all look the same.
    private static (int Height, int Width) PanelSize(double height, double width)
    {
        var zoom = Side / Math.Max(height, width);
        if (zoom > 1)
            zoom = Math.Floor(zoom);
        return (Math.Max(1, (int)Math.Round(height * zoom)), Math.Max(1, (int)Math.Round(width * zoom)));
    }

    // Which pixels of an axis of `size` a panel's pixels show: those whose centres a panel's pixel covers, or the one that it lies in.
    // Axes of both resolutions cover the same extent; the window is said in pixels of the finer one, of which there are `all`.
    private static (int From, int To)[] Runs(int size, int all, int start, int length, int panel)
    {
        var runs = new (int, int)[panel];
        var step = (double)length / panel;
        for (var i = 0; i < panel; i++)
        {
            var (low, high) = ((start + (i * step)) * size / all, (start + ((i + 1) * step)) * size / all);
            var (from, to) = ((int)Math.Ceiling(low - .5), (int)Math.Ceiling(high - .5));
            if (from >= to)
                (from, to) = ((int)((low + high) / 2), (int)((low + high) / 2) + 1);
            runs[i] = (Math.Clamp(from, 0, size - 1), Math.Clamp(to, 1, size));
        }

        return runs;
    }

    private static byte[] Shown(GreySection image, (int From, int To)[] ys, (int From, int To)[] xs)
    {
        var panel = new byte[ys.Length * xs.Length];
        for (var i = 0; i < panel.Length; i++)
        {
            var ((top, bottom), (left, right)) = (ys[i / xs.Length], xs[i % xs.Length]);
            var sum = 0L;
            for (var y = top; y < bottom; y++)
            {
                foreach (var grey in image.Pixels.AsSpan((y * image.X) + left, right - left))
                    sum += grey;
            }

            var count = (bottom - top) * (right - left);
            panel[i] = (byte)((sum + (count / 2)) / count);
        }

        return panel;
    }
}
