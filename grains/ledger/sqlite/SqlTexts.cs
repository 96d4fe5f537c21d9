// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;

namespace Teravox.Grains.Ledger.Sqlite;

/// <summary>The statements of the SQLite ledger: <c>ItemCommit</c> is the text of <c>item_commit.sql</c>.</summary>
internal static class SqlTexts
{
    public static string CountsOfExperiments { get; } = Load();

    public static string CountsOfItems { get; } = Load();

    public static string EntriesOfKind { get; } = Load();

    public static string EntryAdd { get; } = Load();

    public static string EntryFind { get; } = Load();

    public static string EntryFindByName { get; } = Load();

    public static string EntryRemove { get; } = Load();

    public static string EntryReplace { get; } = Load();

    public static string EventAdd { get; } = Load();

    public static string EventsAfter { get; } = Load();

    public static string ExperimentAdd { get; } = Load();

    public static string ExperimentByKey { get; } = Load();

    public static string ExperimentCancel { get; } = Load();

    public static string ExperimentFail { get; } = Load();

    public static string ExperimentFind { get; } = Load();

    public static string ExperimentList { get; } = Load();

    public static string ExperimentListOfCampaign { get; } = Load();

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

    public static string ItemsOfHolder { get; } = Load();

    public static string ItemsOfOthers { get; } = Load();

    public static string ItemsRetry { get; } = Load();

    public static string ItemsWaiting { get; } = Load();

    public static string ItemsUnlease { get; } = Load();

    public static string KeyAdd { get; } = Load();

    public static string KeyFind { get; } = Load();

    public static string KeyRevoke { get; } = Load();

    public static string KeysAll { get; } = Load();

    public static string Now { get; } = Load();

    public static string PartialRead { get; } = Load();

    public static string PartialWrite { get; } = Load();

    public static string ResultsOfStage { get; } = Load();

    public static string RunningOfExperiment { get; } = Load();

    public static string SchemaVersionAdd { get; } = Load();

    public static string SchemaVersionRead { get; } = Load();

    public static string SchemaVersionTable { get; } = Load();

    public static string SiloBeat { get; } = Load();

    public static string SiloSignOff { get; } = Load();

    public static string SiloSignOn { get; } = Load();

    public static string SilosAll { get; } = Load();

    public static string SilosForget { get; } = Load();

    public static string StageAdd { get; } = Load();

    public static string StageBlock { get; } = Load();

    public static string StageCountClaimed { get; } = Load();

    public static string StageCountDone { get; } = Load();

    public static string StageCountParked { get; } = Load();

    public static string StageCountPutBack { get; } = Load();

    public static string StageEdgeAdd { get; } = Load();

    public static string StageExpand { get; } = Load();

    public static string StageFailUnplanned { get; } = Load();

    public static string StageFinish { get; } = Load();

    public static string StageSuccessorsReady { get; } = Load();

    public static string StageUnblock { get; } = Load();

    public static string StagesOfExperiment { get; } = Load();

    public static string StagesReady { get; } = Load();

    public static string StagesRetry { get; } = Load();

    public static string StagesUnlease { get; } = Load();

    public static string StagesUnplannedCount { get; } = Load();

    public static string StagesWaiting { get; } = Load();

    public static string SumsOfStage { get; } = Load();

    /// <summary>The migrations by version: 1 is <c>migrations/0001_initial.sql</c>.</summary>
    public static IReadOnlyList<(int Version, string Text)> Migrations { get; } = SqlFiles.Migrations("sqlite");

    private static string Load([CallerMemberName] string property = "") => SqlFiles.Read("sqlite", property);
}
