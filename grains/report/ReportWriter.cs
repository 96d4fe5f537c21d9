// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Volumes;

namespace Teravox.Grains.Report;

/// <summary>
/// Writes what an experiment found: scores.json, scores.csv, confusion.csv (where it was counted), images.csv (where
/// sections were degraded) and report.html, one page that needs no other file and no script. The same input gives the same
/// bytes.
/// </summary>
public static class ReportWriter
{
    /// <summary>The picture of a super-resolved section; its name says what is seen from left to right.</summary>
    public const string PictureName = "original-bicubic-boosted.png";

    /// <summary>Writes the files into a folder, which is made when missing; each replaces its old version whole.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    /// <exception cref="ArgumentException">A section's or picture's pixels do not fit its size.</exception>
    public static void Write(string directory, ReportInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Directory.CreateDirectory(directory);
        AtomicFile.WriteAllText(Path.Combine(directory, "scores.json"), JsonSerializer.Serialize(input.Scores, TeravoxJson.Indented) + "\n");
        AtomicFile.WriteAllText(Path.Combine(directory, "scores.csv"), ScoreTables.Scores(input.Scores));
        if (ScoreTables.Confusion(input.Scores) is { } confusion)
            AtomicFile.WriteAllText(Path.Combine(directory, "confusion.csv"), confusion);
        if (input.Scores.Images is { } images)
            AtomicFile.WriteAllText(Path.Combine(directory, "images.csv"), ScoreTables.Images(images));
        AtomicFile.WriteAllText(Path.Combine(directory, "report.html"), ReportPage.Html(input));
    }

    /// <summary>
    /// The same where there is nothing to score, only what was super-resolved: sections.csv, <see cref="PictureName"/> and report.html.
    /// </summary>
    internal static void WriteBoosted(string directory, ReportInput input)
    {
        var boosted = input.Boosted ?? throw new ArgumentException("nothing was super-resolved", nameof(input));
        AtomicFile.WriteAllText(Path.Combine(directory, "sections.csv"), BoostedSection.Csv(boosted));
        AtomicFile.WriteAllBytes(Path.Combine(directory, PictureName), ImageCodec.EncodePng(boosted.Views.Picture()));
        AtomicFile.WriteAllText(Path.Combine(directory, "report.html"), ReportPage.Html(input));
    }
}
