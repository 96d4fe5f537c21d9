// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Teravox.Contracts;
using static Teravox.Grains.Report.Markup;

namespace Teravox.Grains.Report;

/// <summary>Sections with truth, predictions and what became of each call, as pictures of a page.</summary>
internal static class SectionViews
{
    /// <summary>Largest side of a picture; what is larger is cut to its middle.</summary>
    private const int Largest = 512;

    public static void Append(StringBuilder page, IReadOnlyList<OverlaySet> sections, ClassMap classes)
    {
        if (sections.Count == 0)
            return;
        page.Append("<section>\n<h2>In the tissue</h2>\n").Append(ClassKey(classes));
        var judged = sections.Any(static s => s.Truth is not null && s.Predicted.Count > 0);
        if (judged)
            page.Append("<p class=\"key\">" + string.Concat(Overlays.Outcomes.Select(static o => $"<span><i style=\"background:{o.Colour}\"></i>{Text(o.Name)}</span>")) + "</p>\n");
        foreach (var whole in sections)
        {
            var section = Middle(whole);
            // Columns: the truth under the raw, under each prediction what became of its calls.
            var columns = section.Predicted.Count > 0 ? 1 + section.Predicted.Count : section.Truth is null ? 1 : 2;
            page.Append($"<h3>{Text(section.Title)}</h3>\n<div class=\"pictures of{columns}\">\n");
            Add(page, section, Overlays.Grey(section), "raw");
            foreach (var predicted in section.Predicted)
                Add(page, section, Overlays.Classes(Seen(section, predicted), predicted.Ids, classes), predicted.Name);
            if (section.Truth is { } truth)
            {
                Add(page, section, Overlays.Classes(section, truth, classes), "truth");
                foreach (var predicted in section.Predicted)
                    Add(page, section, Overlays.AllOutcomes(Seen(section, predicted), truth, predicted.Ids), predicted.Name + ", hits and misses");
            }

            page.Append("</div>\n");
        }

        page.Append("<p class=\"caption\">");
        if (sections.Any(static s => s.Predicted.Count > 0))
            page.Append("A voxel is given the class with the largest output among those at or above their threshold, and the background where there is none. ");
        page.Append(sections.Any(static s => s.Predicted.Any(static p => p.Raw is not null)) ? "Every prediction is drawn over the image that its network saw. " : "");
        page.Append(classes.Count > 0 ? "The background is not tinted. " : "");
        page.Append(sections.Any(static s => s.PixelAspect != 1) ? "Sections are stretched to true proportions. " : "").Append("</p>\n");
        if (judged)
            PerClass(page, sections, classes);
        page.Append("</section>\n");
    }

    /// <summary>A swatch and a name for each class.</summary>
    public static string ClassKey(ClassMap classes) =>
        "<p class=\"key\">" + string.Concat(classes.Classes.Skip(1).Select(c => $"<span><i style=\"background:{classes.ColourOf(c.Id)}\"></i>{Text(c.Name)}</span>")) + "</p>\n";

    /// <summary>The section, or its middle where it is too large for a page.</summary>
    public static OverlaySet Middle(OverlaySet s)
    {
        var (width, height) = (Math.Min(s.Width, Largest), Math.Min(s.Height, Largest));
        if (width == s.Width && height == s.Height)
            return s;
        var (left, top) = ((s.Width - width) / 2, (s.Height - height) / 2);
        byte[] Cut(byte[] from)
        {
            var to = new byte[width * height];
            for (var y = 0; y < height; y++)
                from.AsSpan(((y + top) * s.Width) + left, width).CopyTo(to.AsSpan(y * width));
            return to;
        }

        return s with
        {
            Title = Inv($"{s.Title} (the middle {width} x {height} of {s.Width} x {s.Height})"),
            Width = width,
            Height = height,
            Raw = Cut(s.Raw),
            Truth = s.Truth is null ? null : Cut(s.Truth),
            Predicted = [.. s.Predicted.Select(p => p with { Ids = Cut(p.Ids), Raw = p.Raw is null ? null : Cut(p.Raw) })],
        };
    }

    // Where predictions saw different images, what became of one class is the point: the commonest structure's row stands open.
    private static void PerClass(StringBuilder page, IReadOnlyList<OverlaySet> sections, ClassMap classes)
    {
        var section = Middle(sections.First(static s => s.Truth is not null && s.Predicted.Count > 0));
        if (section.Predicted.Any(static p => p.Raw is not null) && Commonest(section.Truth!, classes.Count) is { } id)
            ClassRow(page, section, classes, id);
        page.Append($"<details><summary>Hits and misses of each class, {Text(section.Title)}</summary>\n");
        for (var c = 0; c < classes.Count; c++)
            ClassRow(page, section, classes, c);
        page.Append("</details>\n");
    }

    private static void ClassRow(StringBuilder page, OverlaySet section, ClassMap classes, int id)
    {
        page.Append($"<h3><i style=\"background:{classes.ColourOf(id)}\"></i>{Text(classes.Classes[id].Name)}</h3>\n<div class=\"pictures of{section.Predicted.Count}\">\n");
        foreach (var predicted in section.Predicted)
            Add(page, section, Overlays.ClassOutcomes(Seen(section, predicted), section.Truth!, predicted.Ids, id), $"{classes.Classes[id].Name}, {predicted.Name}");
        page.Append("</div>\n");
    }

    /// <summary>The section as the network of a prediction saw it.</summary>
    private static OverlaySet Seen(OverlaySet section, PredictedSection predicted) => predicted.Raw is { } raw ? section with { Raw = raw } : section;

    /// <summary>The class with most voxels, the background left out; null where there is nothing else.</summary>
    private static int? Commonest(byte[] truth, int classes)
    {
        var counts = new int[classes];
        foreach (var id in truth)
        {
            if (id > 0 && id < classes)
                counts[id]++;
        }

        var most = counts.Max();
        return most == 0 ? null : Array.IndexOf(counts, most);
    }

    private static void Add(StringBuilder page, OverlaySet section, Volumes.SliceImage image, string caption) =>
        page.Append($"<figure>{Picture(image, $"{section.Title}: {caption}", section.PixelAspect)}<figcaption>{Text(caption)}</figcaption></figure>\n");
}
