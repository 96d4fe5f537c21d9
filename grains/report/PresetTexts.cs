// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains.Report;

/// <summary>What the presets compare, said to readers of a report.</summary>
internal static class PresetTexts
{
    /// <summary>A sentence or two on what a preset's columns are; null where there is nothing to compare.</summary>
    public static string? Of(string? preset) => preset switch
    {
        "table4" => "One multiclass network beside one binary network for each class, trained on the same sections.",
        "table5" => "One network, trained on the original. It is scored on the test sections as they are (original), on the same sections reduced and "
            + "enlarged again by bicubic interpolation (lr), and on the same sections reduced and brought back by zero-shot super-resolution (boosted). "
            + "All three are called at the thresholds that were found on the original.",
        "table6" => "Two networks, trained on sections of low resolution: enlarged by bicubic interpolation (lr), or brought back by zero-shot "
            + "super-resolution (boosted). Both are scored on the test sections of the original.",
        "super-resolve" => "A volume enlarged section by section by zero-shot super-resolution: each section's network learnt from that section alone.",
        _ => null,
    };
}
