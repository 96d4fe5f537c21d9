// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;

namespace Teravox.Grains.Catalog;

/// <summary>
/// The statements of one dialect: resources of this assembly, a file for each aggregate, in which a line <c>-- name: add</c> begins
/// the statement <c>experiments.add</c> of experiments.sql.
/// </summary>
internal sealed class SqlTexts
{
    private const string Head = "-- name: ";
    private readonly Dictionary<string, string> _texts = new(StringComparer.Ordinal);

    private SqlTexts(string dialect)
    {
        Dialect = dialect;
        foreach (var (name, text) in Files(dialect + "/").Where(f => !f.Name.Contains('/', StringComparison.Ordinal)))
        {
            foreach (var part in text.Split(Head).Skip(1))
            {
                var end = part.IndexOf('\n', StringComparison.Ordinal);
                _texts.Add($"{name}.{part[..end].Trim()}", part[(end + 1)..].Trim());
            }
        }

        Migrations = [.. Files(dialect + "/migrations/").OrderBy(f => f.Name, StringComparer.Ordinal).Select(f => (int.Parse(f.Name.AsSpan(0, 4), CultureInfo.InvariantCulture), f.Text))];
    }

    public static SqlTexts Sqlite { get; } = new("sqlite");

    public static SqlTexts Postgres { get; } = new("postgres");

    public string Dialect { get; }

    /// <summary>The migrations by version: 1 is <c>migrations/0001_initial.sql</c>.</summary>
    public IReadOnlyList<(int Version, string Text)> Migrations { get; }

    /// <summary>The newest version of the schema that this build knows.</summary>
    public int Newest => Migrations[^1].Version;

    /// <summary>The names of all statements.</summary>
    public IEnumerable<string> Names => _texts.Keys;

    /// <summary>A statement by its name.</summary>
    public string this[string name] => _texts[name];

    /// <summary>Names, without folder and ending, and texts of the .sql files under a folder.</summary>
    public static IEnumerable<(string Name, string Text)> Files(string folder)
    {
        var assembly = typeof(SqlTexts).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(n => n.StartsWith(folder, StringComparison.Ordinal)))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!, Encoding.UTF8);
            yield return (name[folder.Length..], reader.ReadToEnd());
        }
    }
}
