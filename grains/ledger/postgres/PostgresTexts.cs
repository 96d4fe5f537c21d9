// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;

namespace Teravox.Grains.Ledger.Postgres;

/// <summary>The statements of the PostgreSQL ledger: <c>ItemCommit</c> is the text of <c>item_commit.sql</c>.</summary>
internal static class PostgresTexts
{
    public static string ClaimsShare { get; } = Load();

    public static string ClaimsStop { get; } = Load();

    public static string CountsOfExperiments { get; } = Load();

    public static string CountsOfItems { get; } = Load();

    public static string EntriesOfKind { get; } = Load();

    public static string EntryAdd { get; } = Load();

    public static string EntryFind { get; } = Load();

    public static string EntryFindByName { get; } = Load();

    public static string EntryRemove { get; } = Load();

    public static string EntryReplace { get; } = Load();

    public static string EventsAdd { get; } = Load();

    public static string EventsAfter { get; } = Load();

    public static string ExperimentAdd { get; } = Load();

    public static string ExperimentByKey { get; } = Load();

    public static string ExperimentKeysLock { get; } = Load();

    public static string ExperimentCancel { get; } = Load();

    public static string ExperimentFail { get; } = Load();

    public static string ExperimentFind { get; } = Load();

    public static string ExperimentList { get; } = Load();

    public static string ExperimentLock { get; } = Load();

    public static string ExperimentPause { get; } = Load();

    public static string ExperimentResume { get; } = Load();

    public static string ExperimentRetry { get; } = Load();

    public static string FailuresOfExperiment { get; } = Load();

    public static string ItemClaim { get; } = Load();

    public static string ItemCommit { get; } = Load();

    public static string ItemExperimentState { get; } = Load();

    public static string ItemHeartbeat { get; } = Load();

    public static string ItemLeased { get; } = Load();

    public static string ItemPark { get; } = Load();

    public static string ItemPutBack { get; } = Load();

    public static string ItemsAdd { get; } = Load();

    public static string ItemsClaim { get; } = Load();

    public static string ItemsCommit { get; } = Load();

    public static string ItemsDone { get; } = Load();

    public static string ItemsLapsed { get; } = Load();

    public static string ItemsLapsedLock { get; } = Load();

    public static string ItemsRetry { get; } = Load();

    public static string ItemsWaiting { get; } = Load();

    public static string ItemsUnlease { get; } = Load();

    public static string KeyAdd { get; } = Load();

    public static string KeyFind { get; } = Load();

    public static string KeyRevoke { get; } = Load();

    public static string KeysAll { get; } = Load();

    public static string Listen { get; } = Load();

    public static string ResultsOfStage { get; } = Load();

    public static string Ring { get; } = Load();

    public static string RunningOfExperiment { get; } = Load();

    public static string SchemaLock { get; } = Load();

    public static string SchemaLook { get; } = Load();

    public static string SchemaMake { get; } = Load();

    public static string SchemaVersionAdd { get; } = Load();

    public static string SchemaVersionRead { get; } = Load();

    public static string SchemaVersionTable { get; } = Load();

    public static string SiloBeat { get; } = Load();

    public static string SiloSignOff { get; } = Load();

    public static string SiloSignOn { get; } = Load();

    public static string SilosAll { get; } = Load();

    public static string SilosForget { get; } = Load();

    public static string StageBlock { get; } = Load();

    public static string StageCount { get; } = Load();

    public static string StageEdgesAdd { get; } = Load();

    public static string StageExpand { get; } = Load();

    public static string StageExpandTurn { get; } = Load();

    public static string StageExperiment { get; } = Load();

    public static string StageFail { get; } = Load();

    public static string StageFailUnplanned { get; } = Load();

    public static string StageFinish { get; } = Load();

    public static string StageUnblock { get; } = Load();

    public static string StagesAdd { get; } = Load();

    public static string StagesAtEnd { get; } = Load();

    public static string StagesOfExperiment { get; } = Load();

    public static string StagesReady { get; } = Load();

    public static string StagesRetry { get; } = Load();

    public static string StagesUnplannedCount { get; } = Load();

    public static string StagesWaiting { get; } = Load();

    public static string SumsOfStage { get; } = Load();

    public static string TimeoutOff { get; } = Load();

    /// <summary>The migrations by version: 1 is <c>migrations/0001_initial.sql</c>.</summary>
    public static IReadOnlyList<(int Version, string Text)> Migrations { get; } = SqlFiles.Migrations("postgres");

    private static string Load([CallerMemberName] string property = "") => SqlFiles.Read("postgres", property);
}
