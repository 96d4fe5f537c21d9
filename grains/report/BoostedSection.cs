// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Teravox.Contracts;
using static Teravox.Grains.Report.Markup;

namespace Teravox.Grains.Report;

/// <summary>What super-resolution made of a volume, for a report.</summary>
internal sealed record BoostedReport
{
    /// <summary>By how much sections were enlarged.</summary>
    public required Scale Scale { get; init; }

    /// <summary>The reduction that was undone.</summary>
    public required Reduction Kernel { get; init; }

    /// <summary>Shape (z, y, x) of the enlarged volume.</summary>
    public required Int3 Shape { get; init; }

    /// <summary>Its voxel size in nm.</summary>
    public required VoxelSize VoxelSize { get; init; }

    /// <summary>What the reader should know, a sentence each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>How each section came out.</summary>
    public required IReadOnlyList<BoostedRun> Sections { get; init; }

    /// <summary>The pictures.</summary>
    public required SideBySide Views { get; init; }
}

/// <summary>How the network of one section came out.</summary>
/// <param name="Section">Number of the section.</param>
/// <param name="Iterations">Iterations; 0 where all pixels are equal and there was nothing to learn.</param>
/// <param name="LearningRate">The step size at the end.</param>
/// <param name="BicubicError">What bicubic enlargement makes of the section's own reduction: root mean square, grey levels.</param>
/// <param name="Error">What the network makes of it.</param>
/// <param name="FellBack">True when the network was no better, and bicubic enlargement was taken in its place.</param>
internal sealed record BoostedRun(int Section, long Iterations, double LearningRate, double BicubicError, double Error, bool FellBack)
{
    /// <summary>In a word what the boosted section is.</summary>
    public string Outcome => Iterations == 0 ? "uniform" : FellBack ? "bicubic" : "super-resolved";
}

/// <summary>The part of a report on what was super-resolved: pictures, and a table by section.</summary>
internal static class BoostedSection
{
    private const int MostOpen = 32;

    /// <summary>The table as CSV.</summary>
    public static string Csv(BoostedReport boosted)
    {
        var csv = new StringBuilder("section,iterations,learning_rate,bicubic_error,error,outcome\n");
        foreach (var s in boosted.Sections)
            csv.Append(Inv($"{s.Section},{s.Iterations},{Field(s.LearningRate)},{Field(s.BicubicError)},{Field(s.Error)},{s.Outcome}\n"));
        return csv.ToString();
    }

    public static void Append(StringBuilder page, BoostedReport boosted)
    {
        var v = boosted.VoxelSize;
        page.Append(Inv($"<section>\n<h2>What was enlarged</h2>\n<dl class=\"facts\">\n<div><dt>enlarged (z × y × x)</dt><dd>{boosted.Shape.Z} × {boosted.Shape.Y} × {boosted.Shape.X}</dd></div>\n"));
        page.Append(Inv($"<div><dt>its voxel, nm</dt><dd>{v.Z:0.##} × {v.Y:0.##} × {v.X:0.##}</dd></div>\n<div><dt>scale</dt><dd>{boosted.Scale}</dd></div>\n<div><dt>reduction undone</dt><dd>{Text(boosted.Kernel.ToString())}</dd></div>\n</dl>\n"));
        foreach (var note in boosted.Notes)
            page.Append($"<p class=\"note\">{Text(note)}</p>\n");
        ImageSection.Pictures(page, boosted.Views.Whole);
        ImageSection.Pictures(page, boosted.Views.Detail);
        page.Append("<p class=\"caption\">The original is shown by its own pixels. There is no truth to compare with, so look whether super-resolution shows more than bicubic enlargement does, and nothing that is not there.</p>\n");
        if (boosted.Sections.Count > MostOpen)
            page.Append(Inv($"<details><summary>All {boosted.Sections.Count} sections</summary>\n"));
        page.Append("<div class=\"scroll\">\n<table>\n<thead>\n<tr><th scope=\"col\">section</th><th scope=\"col\">iterations</th><th scope=\"col\">error, bicubic</th><th scope=\"col\">error, network</th><th scope=\"col\">what was taken</th></tr>\n</thead>\n<tbody>\n");
        foreach (var s in boosted.Sections)
            page.Append(Inv($"<tr><th scope=\"row\">{s.Section}</th><td>{Count(s.Iterations)}</td><td>{Number(s.BicubicError, 2)}</td><td>{Number(s.Error, 2)}</td><td>{s.Outcome}</td></tr>\n"));
        page.Append("</tbody>\n</table>\n</div>\n");
        if (boosted.Sections.Count > MostOpen)
            page.Append("</details>\n");
        page.Append("<p class=\"caption\">Each section was reduced once more and brought back: the error is how far the result is from the section, root mean square in grey levels. Where the network was no better than bicubic interpolation, that was taken; a section whose pixels are all equal teaches nothing and stays uniform. The same is in sections.csv.</p>\n</section>\n");
    }
}
