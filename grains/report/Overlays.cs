// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts;
using Teravox.Volumes;

namespace Teravox.Grains.Report;

/// <summary>
/// Pictures of sections: grey, and grey tinted by class or by outcome. Tinted pictures are palette images, each
/// colour in as many greys as 256 entries allow, which makes them a third of the size of RGB.
/// </summary>
public static class Overlays
{
    /// <summary>How much of a tinted pixel is the colour; the rest is the grey beneath.</summary>
    private const double Strength = .55;

    /// <summary>Most greys of one colour: more than these the eye does not tell apart under noise.</summary>
    private const int MostLevels = 40;

    /// <summary>What a call of a structure turned out to be; colours by Okabe and Ito (2008), told apart with any colour vision.</summary>
    public static IReadOnlyList<(string Name, string Colour)> Outcomes { get; } =
        [("hit (TP)", "#009e73"), ("false call (FP)", "#e69f00"), ("missed (FN)", "#56b4e9"), ("another structure (FP and FN)", "#cc79a7")];

    /// <summary>The grey itself.</summary>
    public static SliceImage Grey(OverlaySet section) => new(section.Width, section.Height, PixelKind.Grey8, section.Raw, null);

    /// <summary>Grey tinted by class; the background (0) and unlabelled voxels (255) stay grey.</summary>
    public static SliceImage Classes(OverlaySet section, byte[] ids, ClassMap classes) =>
        Tint(section, i => ids[i] == 0 || ids[i] >= classes.Count ? 0 : ids[i], [.. Enumerable.Range(1, classes.Count - 1).Select(classes.ColourOf)]);

    /// <summary>Grey with one class tinted.</summary>
    public static SliceImage OneClass(OverlaySet section, byte[] ids, int id, string colour) => Tint(section, i => ids[i] == id ? 1 : 0, [colour]);

    /// <summary>Grey tinted by what became of each structure (every class but the background): see <see cref="Outcomes"/>.</summary>
    public static SliceImage AllOutcomes(OverlaySet section, byte[] truth, byte[] predicted) => Tint(
        section,
        i => truth[i] == ClassMap.Ignored || (truth[i] == 0 && predicted[i] == 0) ? 0
            : truth[i] == predicted[i] ? 1
            : truth[i] == 0 ? 2
            : predicted[i] == 0 ? 3 : 4,
        [.. Outcomes.Select(static o => o.Colour)]);

    /// <summary>Grey tinted by true positives, false positives and false negatives of one class.</summary>
    public static SliceImage ClassOutcomes(OverlaySet section, byte[] truth, byte[] predicted, int id) => Tint(
        section,
        i => truth[i] == ClassMap.Ignored ? 0 : (truth[i] == id, predicted[i] == id) switch { (true, true) => 1, (false, true) => 2, (true, false) => 3, _ => 0 },
        [.. Outcomes.Take(3).Select(static o => o.Colour)]);

    /// <summary>Colour 0 is none, k is colours[k - 1].</summary>
    private static SliceImage Tint(OverlaySet section, Func<int, int> colourOf, IReadOnlyList<string> colours)
    {
        var raw = section.Raw;
        if (raw.Length != section.Width * section.Height)
            throw new ArgumentException($"section {section.Title} has {raw.Length} pixels, not {section.Width} x {section.Height}", nameof(section));
        var levels = Math.Min(MostLevels, 256 / (colours.Count + 1));
        if (levels < 16)
            return TintRgb(section, colourOf, colours);
        var palette = new uint[levels * (colours.Count + 1)];
        for (var c = 0; c <= colours.Count; c++)
        {
            for (var k = 0; k < levels; k++)
                palette[(c * levels) + k] = Mix(k * 255 / (levels - 1), c == 0 ? null : colours[c - 1]);
        }

        var pixels = new byte[raw.Length];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)((colourOf(i) * levels) + (((raw[i] * (levels - 1)) + 127) / 255));
        return new SliceImage(section.Width, section.Height, PixelKind.Palette8, pixels, palette);
    }

    private static SliceImage TintRgb(OverlaySet section, Func<int, int> colourOf, IReadOnlyList<string> colours)
    {
        var pixels = new byte[section.Raw.Length * 3];
        for (var i = 0; i < section.Raw.Length; i++)
        {
            var c = colourOf(i);
            var rgb = Mix(section.Raw[i], c == 0 ? null : colours[c - 1]);
            (pixels[3 * i], pixels[(3 * i) + 1], pixels[(3 * i) + 2]) = ((byte)(rgb >> 16), (byte)(rgb >> 8), (byte)rgb);
        }

        return new SliceImage(section.Width, section.Height, PixelKind.Rgb8, pixels, null);
    }

    private static uint Mix(int grey, string? colour)
    {
        if (colour is null)
            return (uint)((grey << 16) | (grey << 8) | grey);
        var rgb = uint.Parse(colour.AsSpan(1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        uint Channel(int shift) => (uint)((((rgb >> shift) & 255) * Strength) + (grey * (1 - Strength)) + .5) << shift;
        return Channel(16) | Channel(8) | Channel(0);
    }
}
