// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Volumes;

namespace Teravox.Grains.Report;

/// <summary>
/// Writes what an experiment found: scores.json, scores.csv, confusion.csv (where it was counted) and report.html, one
/// page that needs no other file and no script. The same input gives the same bytes.
/// </summary>
public static class ReportWriter
{
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
        AtomicFile.WriteAllText(Path.Combine(directory, "report.html"), ReportPage.Html(input));
    }
}
