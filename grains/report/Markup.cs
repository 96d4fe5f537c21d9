// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Net;
using System.Text;
using Teravox.Volumes;

namespace Teravox.Grains.Report;

/// <summary>Small helpers for HTML, SVG and CSV, all in the invariant culture.</summary>
internal static class Markup
{
    /// <summary>An interpolated string in the invariant culture.</summary>
    public static string Inv(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>Text made safe for HTML and attributes.</summary>
    public static string Text(string text) => WebUtility.HtmlEncode(text);

    /// <summary>A number with so many decimals, or a dash.</summary>
    public static string Number(double? value, int decimals = 3) =>
        value is { } v ? v.ToString("F" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) : "–";

    /// <summary>A share as a percentage with two figures where it is small, or a dash.</summary>
    public static string Percent(double? share) => share is not { } s ? "–" : Inv($"{(s * 100).ToString(s < .1 ? "0.00" : "0.0", CultureInfo.InvariantCulture)}\u2009%");

    /// <summary>A count with thin spaces between thousands.</summary>
    public static string Count(long count) => count.ToString("#,0", CultureInfo.InvariantCulture).Replace(",", "\u2009", StringComparison.Ordinal);

    /// <summary>A coordinate in SVG.</summary>
    public static string At(double v) => v.ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>A path through points, broken where y is null.</summary>
    public static string Curve(IEnumerable<(double X, double? Y)> points)
    {
        var path = new StringBuilder();
        var pen = false;
        foreach (var (x, y) in points)
        {
            if (y is { } v)
                path.Append(pen ? 'L' : 'M').Append(At(x)).Append(' ').Append(At(v));
            pen = y is not null;
        }

        return path.ToString();
    }

    /// <summary>A field of a CSV file (RFC 4180).</summary>
    public static string Field(string text) => text.AsSpan().ContainsAny("\",\r\n") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;

    /// <summary>A number of a CSV file, as exact as a double is; empty when there is none.</summary>
    public static string Field(double? value) => value?.ToString("R", CultureInfo.InvariantCulture) ?? "";

    /// <summary>A picture inside the page, its pixels stretched to their true proportions.</summary>
    public static string Picture(SliceImage image, string alt, double pixelAspect = 1)
    {
        // The ratio is said twice: browsers take that of the attributes only until the picture is there, then the file's own.
        var scale = Math.Max(1, 320.0 / image.Width);
        var (width, height) = (Math.Round(image.Width * scale), Math.Round(image.Height * scale * pixelAspect));
        var data = Convert.ToBase64String(ImageCodec.EncodePng(image));
        return Inv($"<img width=\"{width}\" height=\"{height}\" style=\"aspect-ratio:{width}/{height}\" alt=\"{Text(alt)}\" src=\"data:image/png;base64,{data}\">");
    }

    /// <summary>A whole page.</summary>
    public static string Page(string title, string body)
    {
        using var stream = typeof(Markup).Assembly.GetManifestResourceStream("report/page.css")!;
        using var reader = new StreamReader(stream);
        return $"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>{Text(title)}</title>
            <style>
            {reader.ReadToEnd().Trim()}
            </style>
            </head>
            <body>
            <main>
            {body.Trim()}
            </main>
            </body>
            </html>

            """.ReplaceLineEndings("\n");
    }
}
