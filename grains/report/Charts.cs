// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Teravox.Contracts;
using static Teravox.Grains.Report.Markup;

namespace Teravox.Grains.Report;

/// <summary>Charts as inline SVG. Colours come from the page's style: class p0 is the first prediction, p1 the second ...</summary>
internal static class Charts
{
    /// <summary>F1 per class as bars, one per prediction, with the floor and the published value marked.</summary>
    public static string Bars(ScoreReport scores)
    {
        const int Left = 196, Right = 62, Width = 920, Bar = 11, Gap = 18, Top = 22;
        const double Scale = Width - Left - Right;
        var count = scores.Predictions.Count;
        var row = (count * (Bar + 2)) + Gap;
        var height = Top + (scores.Classes.Count * row) + 6;
        var svg = Open(Width, height, "F1 on the test region per class and prediction");
        for (var k = 0; k <= 5; k++)
        {
            var x = Left + (Scale * k / 5);
            svg.Append(Inv($"<line class=\"grid\" x1=\"{At(x)}\" x2=\"{At(x)}\" y1=\"{Top - 4}\" y2=\"{height - 10}\"/>"));
            svg.Append(Inv($"<text class=\"tick\" x=\"{At(x)}\" y=\"{Top - 9}\" text-anchor=\"middle\">{k / 5.0:0.0}</text>"));
        }

        for (var c = 0; c < scores.Classes.Count; c++)
        {
            var y = Top + (c * row) + (Gap / 2);
            var middle = y + (count * (Bar + 2) / 2);
            svg.Append(Inv($"<text x=\"{Left - 12}\" y=\"{middle + 4}\" text-anchor=\"end\">{Text(scores.Classes[c].Name)}</text>"));
            for (var p = 0; p < count; p++)
            {
                var score = scores.Predictions[p].Classes[c];
                var top = y + (p * (Bar + 2));
                var value = score.F1 ?? 0;
                svg.Append(Inv($"<rect class=\"p{p % 6}\" x=\"{Left}\" y=\"{top}\" width=\"{At(value * Scale)}\" height=\"{Bar}\" rx=\"1.5\"><title>{Text(scores.Predictions[p].Name)}: {Number(score.F1)}</title></rect>"));
                svg.Append(Inv($"<text class=\"value\" x=\"{Width}\" y=\"{top + Bar - 1}\" text-anchor=\"end\">{Number(score.F1)}</text>"));
                if (Published(scores, scores.Predictions[p].Name, c) is { } published)
                    svg.Append(Inv($"<circle class=\"published\" cx=\"{At(Left + (published * Scale))}\" cy=\"{top + (Bar / 2.0):0.0}\" r=\"3.6\"><title>published: {Number(published)}</title></circle>"));
            }

            if (scores.Predictions.Select(q => q.Classes[c].Floor).FirstOrDefault(static f => f is not null) is { } floor)
            {
                var x = At(Left + (floor * Scale));
                svg.Append(Inv($"<line class=\"floor\" x1=\"{x}\" x2=\"{x}\" y1=\"{y - 3}\" y2=\"{y + (count * (Bar + 2)) + 1}\"><title>floor: {Number(floor)}</title></line>"));
            }
        }

        return Close(svg);
    }

    /// <summary>F1 of one class against the threshold, for every prediction, with the chosen thresholds marked.</summary>
    public static string Curves(ScoreReport scores, int id)
    {
        const int Width = 260, Height = 164, Left = 28, Right = 12, Top = 8, Bottom = 22;
        double X(double t) => Left + ((Width - Left - Right) * t / 255);
        double Y(double f1) => Top + ((Height - Top - Bottom) * (1 - f1));
        var svg = Open(Width, Height, $"F1 of {scores.Classes[id].Name} against the threshold");
        foreach (var f1 in new[] { 0, .5, 1 })
        {
            svg.Append(Inv($"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{At(Y(f1))}\" y2=\"{At(Y(f1))}\"/>"));
            svg.Append(Inv($"<text class=\"tick\" x=\"{Left - 5}\" y=\"{At(Y(f1) + 3.5)}\" text-anchor=\"end\">{f1:0.#}</text>"));
        }

        foreach (var t in new[] { 0, 64, 128, 192, 255 })
            svg.Append(Inv($"<text class=\"tick\" x=\"{At(X(t))}\" y=\"{Height - 6}\" text-anchor=\"middle\">{t}</text>"));
        if (scores.Predictions[0].Classes[id].Floor is { } floor)
            svg.Append(Inv($"<line class=\"floor dashed\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{At(Y(floor))}\" y2=\"{At(Y(floor))}\"><title>floor: {Number(floor)}</title></line>"));
        for (var p = 0; p < scores.Predictions.Count; p++)
        {
            var score = scores.Predictions[p].Classes[id];
            svg.Append(Inv($"<path class=\"line train p{p % 6}\" d=\"{Line(score.TrainCurve)}\"/>"));
            svg.Append(Inv($"<path class=\"line p{p % 6}\" d=\"{Line(score.Curve)}\"/>"));
        }

        for (var p = 0; p < scores.Predictions.Count; p++)
        {
            var score = scores.Predictions[p].Classes[id];
            var x = At(X(score.Threshold));
            svg.Append(Inv($"<line class=\"chosen p{p % 6}\" x1=\"{x}\" x2=\"{x}\" y1=\"{At(Y(score.F1 ?? 0))}\" y2=\"{At(Y(0))}\"/>"));
            svg.Append(Inv($"<circle class=\"dot p{p % 6}\" cx=\"{x}\" cy=\"{At(Y(score.F1 ?? 0))}\" r=\"3.4\"><title>{Text(scores.Predictions[p].Name)}: threshold {score.Threshold}, F1 {Number(score.F1)}</title></circle>"));
        }

        return Close(svg);

        string Line(IReadOnlyList<double?> curve) => Curve(curve.Select((f1, t) => (X(t), f1 is { } v ? Y(v) : (double?)null)));
    }

    /// <summary>Confusion matrix: each row's shares as shades, in percent.</summary>
    public static string Confusion(PredictionScore prediction, int index)
    {
        var rows = prediction.Confusion!;
        const int Cell = 46, Count = 84;
        var n = rows.Count;

        // Names are written in full: the longest sets the margins, at about 7 units a letter.
        var longest = prediction.Classes.Max(static c => c.Name.Length);
        var (left, top) = (Math.Max(110, (longest * 7) + 16), (longest * 6) + 20);
        var svg = Open(left + (n * Cell) + Count, top + (n * Cell) + 8, $"confusion matrix of {prediction.Name}");
        svg.Append(Inv($"<text class=\"tick\" x=\"{left - 10}\" y=\"{top - 8}\" text-anchor=\"end\">truth ↓ · called →</text>"));
        svg.Append(Inv($"<text class=\"tick\" x=\"{left + (n * Cell) + Count - 4}\" y=\"{top - 8}\" text-anchor=\"end\">voxels</text>"));
        for (var r = 0; r < n; r++)
        {
            var name = Text(prediction.Classes[r].Name);
            var sum = rows[r].Sum();
            var y = top + (r * Cell);
            svg.Append(Inv($"<text x=\"{left - 10}\" y=\"{y + (Cell / 2) + 4}\" text-anchor=\"end\">{name}</text>"));
            svg.Append(Inv($"<text transform=\"translate({left + (r * Cell) + (Cell / 2) + 4} {top - 8}) rotate(-52)\">{name}</text>"));
            svg.Append(Inv($"<text class=\"value\" x=\"{left + (n * Cell) + Count - 4}\" y=\"{y + (Cell / 2) + 4}\" text-anchor=\"end\">{Markup.Count(sum)}</text>"));
            for (var c = 0; c < n; c++)
            {
                var x = left + (c * Cell);
                var share = sum == 0 ? 0 : (double)rows[r][c] / sum;
                var text = rows[r][c] == 0 ? "" : share < .005 ? "<1" : share is > .995 and < 1 ? ">99" : (share * 100).ToString("0", System.Globalization.CultureInfo.InvariantCulture);
                svg.Append(Inv($"<rect class=\"cell\" x=\"{x}\" y=\"{y}\" width=\"{Cell}\" height=\"{Cell}\"/>"));
                svg.Append(Inv($"<rect class=\"p{index % 6}\" x=\"{x + 1}\" y=\"{y + 1}\" width=\"{Cell - 2}\" height=\"{Cell - 2}\" fill-opacity=\"{share:0.###}\"><title>{name} called {Text(prediction.Classes[c].Name)}: {Markup.Count(rows[r][c])} of {Markup.Count(sum)}</title></rect>"));
                svg.Append(Inv($"<text class=\"{(share > .75 ? "onfill" : share > .3 ? "strong" : "value")}\" x=\"{x + (Cell / 2)}\" y=\"{y + (Cell / 2) + 4}\" text-anchor=\"middle\">{Text(text)}</text>"));
            }
        }

        return Close(svg);
    }

    /// <summary>Loss against iteration: the mean of runs of iterations, and between what it lay in each.</summary>
    public static string Loss(LossCurve curve)
    {
        const int Width = 420, Height = 190, Left = 44, Right = 10, Top = 10, Bottom = 24, Runs = 160;
        var n = curve.Loss.Count;
        var runs = Math.Min(Runs, n);
        var parts = Enumerable.Range(0, runs).Select(k => curve.Loss.Skip((int)((long)k * n / runs)).Take((int)(((long)(k + 1) * n / runs) - ((long)k * n / runs))).ToArray())
            .Select(static v => (Low: v.Min(), Mean: v.Average(), High: v.Max())).ToArray();
        var top = Nice(parts.Max(static v => v.High));
        double X(double k) => Left + ((Width - Left - Right) * (k + .5) / runs);
        double Y(double v) => Top + ((Height - Top - Bottom) * (1 - Math.Min(v / top, 1)));
        var svg = Open(Width, Height, $"training loss of {curve.Name}");
        for (var k = 0; k <= 4; k++)
        {
            var y = At(Y(top * k / 4));
            svg.Append(Inv($"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{y}\" y2=\"{y}\"/>"));
            svg.Append(Inv($"<text class=\"tick\" x=\"{Left - 6}\" y=\"{At(Y(top * k / 4) + 3.5)}\" text-anchor=\"end\">{top * k / 4:0.###}</text>"));
        }

        svg.Append(Inv($"<text class=\"tick\" x=\"{Left}\" y=\"{Height - 6}\">1</text>"));
        svg.Append(Inv($"<text class=\"tick\" x=\"{Width - Right}\" y=\"{Height - 6}\" text-anchor=\"end\">iteration {Markup.Count(curve.Iterations ?? n)}</text>"));
        var band = Curve(parts.Select((v, k) => (X(k), (double?)Y(v.High)))) + Curve(parts.Select((v, k) => (X(k), (double?)Y(v.Low))).Reverse()).Replace('M', 'L') + "Z";
        svg.Append(Inv($"<path class=\"band p0\" d=\"{band}\"/>"));
        svg.Append(Inv($"<path class=\"line p0\" d=\"{Curve(parts.Select((v, k) => (X(k), (double?)Y(v.Mean))))}\"/>"));
        return Close(svg);
    }

    /// <summary>Voxels per grey level; 65536 levels are summed to 256.</summary>
    public static string Histogram(IReadOnlyList<long> counts)
    {
        const int Width = 860, Height = 220, Left = 10, Right = 10, Top = 10, Bottom = 24;
        var step = Math.Max(1, counts.Count / 256);
        var bins = Enumerable.Range(0, counts.Count / step).Select(b => Enumerable.Range(b * step, step).Sum(i => counts[i])).ToArray();
        var most = Math.Max(1, bins.Max());
        var wide = (Width - Left - Right) / (double)bins.Length;
        var svg = Open(Width, Height, "voxels per grey level");
        for (var b = 0; b < bins.Length; b++)
        {
            var tall = (Height - Top - Bottom) * (double)bins[b] / most;
            if (bins[b] > 0)
                svg.Append(Inv($"<rect class=\"p0\" x=\"{At(Left + (b * wide))}\" y=\"{At(Height - Bottom - tall)}\" width=\"{At(wide * .86)}\" height=\"{At(tall)}\"><title>{b * step}: {Markup.Count(bins[b])}</title></rect>"));
        }

        svg.Append(Inv($"<line class=\"axis\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Height - Bottom}\" y2=\"{Height - Bottom}\"/>"));
        for (var k = 0; k <= 4; k++)
        {
            var level = Math.Min(counts.Count - 1, counts.Count * k / 4);
            var anchor = k == 0 ? "start" : k == 4 ? "end" : "middle";
            svg.Append(Inv($"<text class=\"tick\" x=\"{At(Left + ((Width - Left - Right) * k / 4.0))}\" y=\"{Height - 7}\" text-anchor=\"{anchor}\">{level}</text>"));
        }

        return Close(svg);
    }

    /// <summary>The published F1 beside a prediction's class, or null.</summary>
    public static double? Published(ScoreReport scores, string prediction, int id) =>
        scores.Published?.FirstOrDefault(p => string.Equals(p.Prediction, prediction, StringComparison.OrdinalIgnoreCase))?.F1[id];

    private static StringBuilder Open(int width, int height, string label) =>
        new StringBuilder(Inv($"<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{Text(label)}\">")).Append('\n');

    private static string Close(StringBuilder svg) => svg.Append("</svg>").ToString();

    /// <summary>The next of 1, 2, 4, 5, 8, 10 times a power of ten.</summary>
    private static double Nice(double value)
    {
        var power = 1e-9;
        while (power * 10 < value)
            power *= 10;
        return new[] { 1, 2, 4, 5, 8, 10 }.Select(m => m * power).First(v => v >= value || v >= 10 * power);
    }
}
