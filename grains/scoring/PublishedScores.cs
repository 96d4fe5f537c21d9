// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Grains.Scoring;

/// <summary>
/// F1 on the test region as the source published it (DSE-260, UCSD 2021, tables 4 to 6) for its mouse cortex FIB-SEM
/// volume and its eight classes. They are set beside an experiment's own values when it runs the same preset over
/// classes of the same names, whatever its data.
/// </summary>
public static class PublishedScores
{
    /// <summary>The source's classes by id.</summary>
    public static IReadOnlyList<string> ClassNames { get; } =
    [
        "cytosol", "synapses", "mitochondria", "membrane", "neurotransmitter vesicles", "endoplasmic reticulum", "microtubules", "myelin",
    ];

    private static readonly Dictionary<string, (string Prediction, double?[] F1)[]> Tables = new(StringComparer.OrdinalIgnoreCase)
    {
        ["table4"] =
        [
            ("binary", [.954, .667, .921, .879, .752, .689, .346, .865]),
            ("multiclass", [.955, .666, .922, .878, .766, .711, .359, .904]),
        ],
        ["table5"] =
        [
            ("lr", [.850, .297, .721, .506, .198, .234, .058, .632]),
            ("boosted", [.855, .297, .779, .515, .226, .289, .064, .687]),
        ],
        ["table6"] =
        [
            ("lr", [.949, .657, .911, .775, .657, .698, .175, .873]),
            ("boosted", [.952, .650, .915, .804, .737, .699, .274, .886]),
        ],
    };

    /// <summary>
    /// Columns for those of the experiment's predictions that the preset's table has, or null when it has none or the
    /// classes are others than the source's (compared by name, case ignored).
    /// </summary>
    public static IReadOnlyList<PublishedColumn>? For(string? preset, ClassMap classes, IEnumerable<string> predictions)
    {
        if (preset is null || !Tables.TryGetValue(preset, out var table)
            || !classes.Classes.Select(static c => c.Name).SequenceEqual(ClassNames, StringComparer.OrdinalIgnoreCase))
            return null;
        var names = predictions.ToHashSet(StringComparer.OrdinalIgnoreCase);
        var columns = table.Where(t => names.Contains(t.Prediction))
            .Select(t => new PublishedColumn(t.Prediction, "DSE-260, 2021, table " + preset[^1], t.F1)).ToArray();
        return columns.Length == 0 ? null : columns;
    }
}
