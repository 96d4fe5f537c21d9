// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Bench;

/// <summary>A table in Markdown, so that what a bench prints can stand in the docs as it is.</summary>
internal sealed class TextTable(params string[] heads)
{
    private readonly List<string[]> _rows = [];

    public void Add(params string[] cells) => _rows.Add(cells);

    public void Print()
    {
        var widths = heads.Select((head, c) => _rows.Select(row => row[c].Length).Append(head.Length).Max()).ToArray();
        Line(heads, widths);
        Line([.. widths.Select(w => new string('-', w))], widths);
        foreach (var row in _rows)
            Line(row, widths);
    }

    private static void Line(string[] cells, int[] widths) =>
        Console.WriteLine("| " + string.Join(" | ", cells.Select((cell, c) => c == 0 ? cell.PadRight(widths[c]) : cell.PadLeft(widths[c]))) + " |");
}
