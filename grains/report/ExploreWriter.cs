// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Teravox.Contracts;
using Teravox.Volumes;
using static Teravox.Grains.Report.Markup;

namespace Teravox.Grains.Report;

/// <summary>What is known of a volume before anything is trained on it.</summary>
public sealed record ExploreInput
{
    /// <summary>Name of the volume.</summary>
    public required string Name { get; init; }

    /// <summary>Shape (z, y, x).</summary>
    public required Int3 Shape { get; init; }

    /// <summary>Voxel size in nm.</summary>
    public required VoxelSize VoxelSize { get; init; }

    /// <summary>Voxels per grey level of the raw volume.</summary>
    public required VoxelHistogram Intensity { get; init; }

    /// <summary>The classes; null where there are no labels.</summary>
    public ClassMap? Classes { get; init; }

    /// <summary>Voxels per class id, 256 counts, [255] = not labelled; null where there are no labels.</summary>
    public IReadOnlyList<long>? ClassCounts { get; init; }

    /// <summary>Sections to show; the first with truth is shown class by class.</summary>
    public IReadOnlyList<OverlaySet> Sections { get; init; } = [];

    /// <summary>What the readers noticed: "12 of 20 label images were 1-bit" ...</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>Writes explore.html, intensity.csv and, with labels, classes.csv. The same input gives the same bytes.</summary>
public static class ExploreWriter
{
    /// <summary>Writes the files into a folder, which is made when missing.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    /// <exception cref="ArgumentException">A section's pixels do not fit its size.</exception>
    public static void Write(string directory, ExploreInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Directory.CreateDirectory(directory);
        var intensity = new StringBuilder("grey,voxels\n");
        for (var grey = 0; grey < input.Intensity.Counts.Length; grey++)
            intensity.Append(Inv($"{grey},{input.Intensity.Counts[grey]}\n"));
        AtomicFile.WriteAllText(Path.Combine(directory, "intensity.csv"), intensity.ToString());
        if (Rows(input) is { } rows)
        {
            var csv = new StringBuilder("id,class,voxels,share,floor\n");
            foreach (var (id, name, voxels, share) in rows)
                csv.AppendJoin(',', Inv($"{id}"), Field(name), Inv($"{voxels}"), Field(share), Field(share is { } p ? Scoring.Thresholds.Floor(p) : null)).Append('\n');
            AtomicFile.WriteAllText(Path.Combine(directory, "classes.csv"), csv.ToString());
        }

        AtomicFile.WriteAllText(Path.Combine(directory, "explore.html"), Html(input));
    }

    private static (int Id, string Name, long Voxels, double? Share)[]? Rows(ExploreInput input)
    {
        if (input.Classes is not { } classes || input.ClassCounts is not { } counts)
            return null;
        var labelled = classes.Classes.Sum(c => counts[c.Id]);
        return [.. classes.Classes.Select(c => (c.Id, c.Name, counts[c.Id], labelled == 0 ? (double?)null : (double)counts[c.Id] / labelled))];
    }

    private static string Html(ExploreInput input)
    {
        var page = new StringBuilder();
        var statistics = input.Intensity.Statistics();
        page.Append($"<header>\n<p class=\"eyebrow\">Teravox explore</p>\n<h1>{Text(input.Name)}</h1>\n<dl class=\"facts\">\n");
        page.Append($"<div><dt>volume (z × y × x)</dt><dd>{input.Shape.Z} × {input.Shape.Y} × {input.Shape.X}</dd></div>\n");
        page.Append(Inv($"<div><dt>voxel, nm</dt><dd>{input.VoxelSize.Z:0.##} × {input.VoxelSize.Y:0.##} × {input.VoxelSize.X:0.##}</dd></div>\n"));
        page.Append($"<div><dt>grey levels</dt><dd>{(input.Intensity.Type == VoxelType.UInt8 ? "8 bits" : "16 bits")}, {statistics.Min} to {statistics.Max}</dd></div>\n");
        page.Append($"<div><dt>mean and deviation</dt><dd>{Number(statistics.Mean, 1)} ± {Number(statistics.Std, 1)}</dd></div>\n</dl>\n");
        if (input.Notes.Count > 0)
            page.Append("<ul class=\"notes\">" + string.Concat(input.Notes.Select(static n => $"<li>{Text(n)}</li>")) + "</ul>\n");
        page.Append($"</header>\n<section>\n<h2>Grey levels</h2>\n<figure>{Charts.Histogram(input.Intensity.Counts)}\n<figcaption>Voxels per grey level. Networks see each voxel as (grey − mean) / deviation of the whole volume. A spike at either end means clipped greys.</figcaption></figure>\n</section>\n");
        if (Rows(input) is { } rows)
            ClassShares(page, rows, input);
        if (input.Classes is null)
            SectionViews.Append(page, [.. input.Sections.Select(static s => s with { Truth = null })], new ClassMap { Classes = [] });
        else
            SectionViews.Append(page, input.Sections, input.Classes);
        if (input.Classes is { } classes && input.Sections.FirstOrDefault(static s => s.Truth is not null) is { } first)
            OneVersusRest(page, SectionViews.Middle(first), classes);
        return Page(input.Name + " · Teravox", page.ToString());
    }

    private static void ClassShares(StringBuilder page, (int Id, string Name, long Voxels, double? Share)[] rows, ExploreInput input)
    {
        page.Append("<section>\n<h2>Classes</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">class</th><th scope=\"col\">voxels</th><th scope=\"col\">share</th><th scope=\"col\" class=\"wide\"></th><th scope=\"col\">floor</th></tr></thead>\n<tbody>\n");
        foreach (var (id, name, voxels, share) in rows)
        {
            var bar = Inv($"<span class=\"bar\" style=\"width:{(share ?? 0) * 100:0.##}%\"></span>");
            page.Append($"<tr><th scope=\"row\"><i style=\"background:{input.Classes!.ColourOf(id)}\"></i>{Text(name)}</th><td>{Count(voxels)}</td><td>{Percent(share)}</td><td class=\"wide\">{bar}</td><td>{Number(share is { } p ? Scoring.Thresholds.Floor(p) : null)}</td></tr>\n");
        }

        page.Append("</tbody>\n</table></div>\n<p class=\"caption\">Shares of the labelled voxels");
        page.Append(input.ClassCounts![ClassMap.Ignored] is > 0 and var ignored ? $"; {Count(ignored)} voxels are not labelled and left out" : "");
        page.Append(". The floor is the F1 that calling every voxel would reach: a network must beat it clearly to have learned the class.</p>\n</section>\n");
    }

    private static void OneVersusRest(StringBuilder page, OverlaySet section, ClassMap classes)
    {
        page.Append($"<section>\n<h2>Each class against the rest</h2>\n<div class=\"pictures\">\n");
        foreach (var c in classes.Classes)
        {
            var image = Overlays.OneClass(section, section.Truth!, c.Id, classes.ColourOf(c.Id));
            page.Append($"<figure>{Picture(image, $"{section.Title}: {c.Name}", section.PixelAspect)}<figcaption>{Text(c.Name)}</figcaption></figure>\n");
        }

        page.Append($"</div>\n<p class=\"caption\">{Text(section.Title)}: what a network of one class is asked to tell from everything else.</p>\n</section>\n");
    }
}
