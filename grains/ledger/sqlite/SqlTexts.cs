// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Teravox.Grains.Ledger.Sqlite;

/// <summary>The statements of the SQLite ledger: <c>ItemCommit</c> is the text of <c>item_commit.sql</c>.</summary>
internal static class SqlTexts
{
    private const string Folder = "sqlite/";
    private const string MigrationsFolder = Folder + "migrations/";

    public static string EventAdd { get; } = Load();

    public static string EventsAfter { get; } = Load();

    public static string ExperimentAdd { get; } = Load();

    public static string ExperimentByKey { get; } = Load();

    public static string ExperimentCancel { get; } = Load();

    public static string ExperimentFail { get; } = Load();

    public static string ExperimentFind { get; } = Load();

    public static string ExperimentList { get; } = Load();

    public static string ExperimentPause { get; } = Load();

    public static string ExperimentResume { get; } = Load();

    public static string ExperimentRetry { get; } = Load();

    public static string ExperimentSucceed { get; } = Load();

    public static string FailuresOfExperiment { get; } = Load();

    public static string ItemCommit { get; } = Load();

    public static string ItemExperimentState { get; } = Load();

    public static string ItemHeartbeat { get; } = Load();

    public static string ItemIsDone { get; } = Load();

    public static string ItemLeased { get; } = Load();

    public static string ItemPark { get; } = Load();

    public static string ItemPutBack { get; } = Load();

    public static string ItemsAdd { get; } = Load();

    public static string ItemsClaim { get; } = Load();

    public static string ItemsLapsed { get; } = Load();

    public static string ItemsOfOthers { get; } = Load();

    public static string ItemsRetry { get; } = Load();

    public static string ItemsUnlease { get; } = Load();

    public static string Now { get; } = Load();

    public static string PartialRead { get; } = Load();

    public static string PartialWrite { get; } = Load();

    public static string ResultsOfStage { get; } = Load();

    public static string RunningOfExperiment { get; } = Load();

    public static string SchemaVersionAdd { get; } = Load();

    public static string SchemaVersionRead { get; } = Load();

    public static string SchemaVersionTable { get; } = Load();

    public static string StageAdd { get; } = Load();

    public static string StageCountClaimed { get; } = Load();

    public static string StageCountDone { get; } = Load();

    public static string StageCountParked { get; } = Load();

    public static string StageCountPutBack { get; } = Load();

    public static string StageEdgeAdd { get; } = Load();

    public static string StageExpand { get; } = Load();

    public static string StageFailUnplanned { get; } = Load();

    public static string StageFinish { get; } = Load();

    public static string StageSuccessorsReady { get; } = Load();

    public static string StagesOfExperiment { get; } = Load();

    public static string StagesReady { get; } = Load();

    public static string StagesRetry { get; } = Load();

    public static string StagesUnlease { get; } = Load();

    public static string StagesUnplannedCount { get; } = Load();

    public static string SumsOfStage { get; } = Load();

    /// <summary>The migrations by version: 1 is <c>migrations/0001_initial.sql</c>.</summary>
    public static IReadOnlyList<(int Version, string Text)> Migrations { get; } = LoadMigrations();

    /// <summary>The names of all statement files, without folder and ending.</summary>
    internal static IEnumerable<string> FileNames => ResourceNames
        .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
        .Where(name => !name.StartsWith(MigrationsFolder, StringComparison.Ordinal))
        .Select(name => name[Folder.Length..]);

    private static string[] ResourceNames => typeof(SqlTexts).Assembly.GetManifestResourceNames();

    /// <summary><c>ItemCommit</c> to <c>item_commit</c>.</summary>
    internal static string FileNameOf(string property)
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

    private static string Load([CallerMemberName] string property = "") => Read(Folder + FileNameOf(property));

    private static (int Version, string Text)[] LoadMigrations() =>
        [.. ResourceNames
            .Where(name => name.StartsWith(MigrationsFolder, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(name => (int.Parse(name.AsSpan(MigrationsFolder.Length, 4), CultureInfo.InvariantCulture), Read(name)))];

    private static string Read(string resource)
    {
        using var stream = typeof(SqlTexts).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"There is no SQL file for '{resource}'.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
