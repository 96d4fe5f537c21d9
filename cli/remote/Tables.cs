// SPDX-License-Identifier: Apache-2.0
using Spectre.Console;

namespace Teravox.Cli.Remote;

/// <summary>Lists as tables on standard output.</summary>
internal static class Tables
{
    /// <summary>Writes rows below heads; a head that begins with '>' is set to the right.</summary>
    public static void Write(IEnumerable<string> heads, IEnumerable<IEnumerable<string>> rows)
    {
        var table = new Table().Border(TableBorder.Minimal);
        foreach (var head in heads)
            table.AddColumn(head.StartsWith('>') ? new TableColumn(Markup.Escape(head[1..])).RightAligned().NoWrap() : new TableColumn(Markup.Escape(head)).NoWrap());
        foreach (var row in rows)
            table.AddRow([.. row.Select(Markup.Escape)]);

        // Away from a terminal there is no width to keep to, and a wrapped name is hard to read by programs.
        if (Console.IsOutputRedirected)
            AnsiConsole.Profile.Width = 200;
        AnsiConsole.Write(table);
    }
}
