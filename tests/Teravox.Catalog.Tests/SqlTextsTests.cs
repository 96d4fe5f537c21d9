// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using System.Text.RegularExpressions;
using Teravox.Grains.Catalog;

namespace Teravox.Catalog.Tests;

/// <summary>Statements and code belong together: a name that is misspelt in either shows only when it is reached.</summary>
public sealed partial class SqlTextsTests
{
    private static readonly string Folder = Path.Combine(
        typeof(SqlTextsTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "RepoRoot").Value!, "grains", "catalog");

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public void SqlTexts_WhenComparedWithTheCode_EachIsUsedAndNoneIsMissing(string dialect)
    {
        var texts = dialect == "sqlite" ? SqlTexts.Sqlite : SqlTexts.Postgres;
        var code = Directory.GetFiles(Folder, "*.cs").Concat(Directory.GetFiles(Path.Combine(Folder, dialect), "*.cs")).Select(File.ReadAllText);
        var used = code.SelectMany(text => StatementName().Matches(text)).Select(match => match.Groups[1].Value).Distinct();

        Assert.Equal(texts.Names.Order(StringComparer.Ordinal), used.Order(StringComparer.Ordinal));
        Assert.All(texts.Names, name => Assert.NotEmpty(texts[name]));
        Assert.Equal(Enumerable.Range(1, texts.Migrations.Count), texts.Migrations.Select(migration => migration.Version));
    }

    [GeneratedRegex(@"""((?:experiments|events|entries|keys|grains|schema)\.[A-Za-z]+)""")]
    private static partial Regex StatementName();
}
