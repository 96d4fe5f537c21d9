// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;

namespace Teravox.Grains.Ledger;

/// <summary>The .sql files of the ledgers, which are resources of this assembly: <c>FOLDER/name</c>.</summary>
internal static class SqlFiles
{
    private static string[] ResourceNames => typeof(SqlFiles).Assembly.GetManifestResourceNames();

    /// <summary>The text of the file whose name belongs to a property: <c>ItemCommit</c> is <c>item_commit.sql</c>.</summary>
    public static string Read(string folder, string property) => Read($"{folder}/{NameOf(property)}");

    /// <summary>The numbered migrations of a ledger, in order.</summary>
    public static IReadOnlyList<(int Version, string Text)> Migrations(string folder)
    {
        var prefix = $"{folder}/migrations/";
        return [.. ResourceNames
            .Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(name => (int.Parse(name.AsSpan(prefix.Length, 4), CultureInfo.InvariantCulture), Read(name)))];
    }

    /// <summary>The names of all statement files of a ledger, without folder and ending.</summary>
    public static IEnumerable<string> Names(string folder) => ResourceNames
        .Where(name => name.StartsWith($"{folder}/", StringComparison.Ordinal))
        .Where(name => !name.StartsWith($"{folder}/migrations/", StringComparison.Ordinal))
        .Select(name => name[(folder.Length + 1)..]);

    /// <summary><c>ItemCommit</c> to <c>item_commit</c>.</summary>
    public static string NameOf(string property)
    {
        var name = new StringBuilder();
        foreach (var letter in property)
        {
            if (char.IsAsciiLetterUpper(letter) && name.Length > 0)
            {
                name.Append('_');
            }

            name.Append(char.ToLowerInvariant(letter));
        }

        return name.ToString();
    }

    private static string Read(string resource)
    {
        using var stream = typeof(SqlFiles).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"There is no SQL file for '{resource}'.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
