// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Teravox.Contracts;
using static Teravox.Grains.Report.Markup;

namespace Teravox.Grains.Report;

/// <summary>How near degraded sections that were brought back come to the original: pictures, and a table by section.</summary>
internal static class ImageSection
{
    /// <summary>Sections whose rows stand open; the rows of more are folded away, below the mean.</summary>
    private const int MostOpen = 32;

    /// <summary>The kernels, and why it costs when they differ: as HTML.</summary>
    public static string Kernels(ImageScores images)
    {
        var noise = images.Noise > 0 ? Inv($", with noise of {images.Noise:0.##} grey levels") : "";
        var text = $"<p>The sections were reduced by {Text(images.Scale.ToString())} with {Describe(images.Degraded)}{noise}. "
            + $"Super-resolution learnt to undo {(images.Learnt == images.Degraded ? "the same reduction" : Describe(images.Learnt))}.</p>\n";
        return images.Learnt == images.Degraded
            ? text
            : text + "<p class=\"note\"><strong>The two differ, which costs.</strong> Super-resolution learns from a section by reducing it once more and restoring what was lost. "
                + "Taught by another reduction than the one that made the section, it gives back too much sharpness or too little, and may end below plain bicubic enlargement. "
                + "Leave superResolve.kernel out, and it learns from the reduction that degraded the sections.</p>\n";
    }

    public static void Append(StringBuilder page, ImageScores images, RestoredCrop? crop)
    {
        var (lr, boosted) = (images.Lr, images.Boosted);
        page.Append("<section>\n<h2>How near the sections come to the original</h2>\n").Append(Kernels(images));
        page.Append("<dl class=\"facts\">\n");
        Fact("mean PSNR, lr", Decibel(lr.Psnr));
        Fact("mean PSNR, boosted", Decibel(boosted.Psnr));
        Fact("gain", Gain(lr, boosted));
        Fact("mean SSIM, lr", Number(lr.Ssim, 4));
        Fact("mean SSIM, boosted", Number(boosted.Ssim, 4));
        page.Append("</dl>\n");
        if (crop is not null)
            Pictures(page, crop, images.Sections.FirstOrDefault(s => s.Section == crop.Section));
        if (images.Sections.Count > MostOpen)
            page.Append(Inv($"<details><summary>All {images.Sections.Count} sections</summary>\n"));
        Table(page, images, lr, boosted);
        page.Append(images.Sections.Count > MostOpen ? "</details>\n" : "");
        page.Append("<p class=\"caption\">Against the original's section: PSNR, the peak signal-to-noise ratio, in decibels (3 dB more: half the squared error), and SSIM, the structural similarity, 1 for the same image. A dash: the images are the same.");
        if (images.Sections.Any(static s => s.FellBack))
            page.Append(" Sections marked “bicubic” are those whose network was no better on the section's own reduction than bicubic interpolation, which was taken in its place and corrected as the network's image would have been.");
        page.Append(" The same is in images.csv.</p>\n</section>\n");

        void Fact(string name, string value) => page.Append($"<div class=\"big\"><dt>{name}</dt><dd>{value}</dd></div>\n");
    }

    /// <summary>By how much boosted is nearer than lr, in dB with its sign.</summary>
    public static string Gain(Fidelity lr, Fidelity boosted) =>
        lr.Psnr is { } a && boosted.Psnr is { } b ? Inv($"{(b < a ? "−" : "+")}{Math.Abs(b - a):0.00}\u2009dB") : "–";

    public static string Decibel(double? psnr) => psnr is { } p ? Inv($"{p:0.00}\u2009dB") : "–";

    /// <summary>A part of a section three times, with its scores where there are any.</summary>
    public static void Pictures(StringBuilder page, RestoredCrop crop, SectionImages? scores = null)
    {
        page.Append($"<h3>{Text(crop.Title)}</h3>\n<div class=\"pictures of3\">\n");
        Add(crop.Original, "original");
        Add(crop.Lr, "bicubic (lr)", scores?.Lr);
        Add(crop.Boosted, "super-resolved (boosted)", scores?.Boosted);
        page.Append("</div>\n");

        void Add(byte[] grey, string name, Fidelity? fidelity = null)
        {
            var image = Overlays.Grey(new OverlaySet { Title = crop.Title, Width = crop.Width, Height = crop.Height, Raw = grey });
            var score = fidelity is null ? "" : Inv($"; whole section: {Decibel(fidelity.Psnr)}, SSIM {Number(fidelity.Ssim, 4)}");
            page.Append($"<figure>{Picture(image, $"{crop.Title}: {name}", crop.PixelAspect)}<figcaption>{Text(name)}{score}</figcaption></figure>\n");
        }
    }

    private static void Table(StringBuilder page, ImageScores images, Fidelity lr, Fidelity boosted)
    {
        page.Append("<div class=\"scroll\">\n<table>\n<thead>\n<tr><th rowspan=\"2\" scope=\"col\">section</th><th class=\"group\" colspan=\"3\" scope=\"colgroup\">PSNR, dB</th><th class=\"group\" colspan=\"2\" scope=\"colgroup\">SSIM</th><th class=\"group\" rowspan=\"2\" scope=\"col\">iterations</th></tr>\n");
        page.Append("<tr><th class=\"group\" scope=\"col\">lr</th><th scope=\"col\">boosted</th><th scope=\"col\">gain</th><th class=\"group\" scope=\"col\">lr</th><th scope=\"col\">boosted</th></tr>\n</thead>\n<tbody>\n");
        foreach (var s in images.Sections)
            Row(Inv($"{s.Section}"), s.Lr, s.Boosted, Count(s.Iterations) + (s.FellBack ? " (bicubic)" : ""));
        page.Append("</tbody>\n<tfoot>");
        Row("mean", lr, boosted, images.Sections.Count == 0 ? "" : Count((long)Math.Round(images.Sections.Average(static s => s.Iterations))));
        page.Append("</tfoot>\n</table>\n</div>\n");

        void Row(string name, Fidelity a, Fidelity b, string iterations) => page.Append(
            $"<tr><th scope=\"row\">{name}</th><td class=\"group\">{Number(a.Psnr, 2)}</td><td><strong>{Number(b.Psnr, 2)}</strong></td><td>{Gain(a, b)}</td>"
            + $"<td class=\"group\">{Number(a.Ssim, 4)}</td><td><strong>{Number(b.Ssim, 4)}</strong></td><td class=\"group\">{iterations}</td></tr>\n");
    }

    private static string Describe(Reduction reduction) => reduction.Kind switch
    {
        ReductionKind.Bicubic => "antialiased bicubic interpolation",
        ReductionKind.Gaussian => "a Gaussian, as scikit-image's rescale(anti_aliasing=True) does",
        _ => Text($"{reduction} (y, x)"),
    };
}
