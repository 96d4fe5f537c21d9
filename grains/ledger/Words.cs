// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;

namespace Teravox.Grains.Ledger;

/// <summary>Between the words and milliseconds of the ledgers' tables and the contract's states and times.</summary>
internal static class Words
{
    public static ExperimentState Experiment(string state) => Enum.Parse<ExperimentState>(state, ignoreCase: true);

    public static string Of(ExperimentState state) => state.ToString().ToLowerInvariant();

    public static string Of(StageState state) => state.ToString().ToLowerInvariant();

    public static string Of(ApiRole role) => role.ToString().ToLowerInvariant();

    public static ApiRole Role(string role) => Enum.Parse<ApiRole>(role, ignoreCase: true);

    public static StageState Stage(string state) => Enum.Parse<StageState>(state, ignoreCase: true);

    public static DateTimeOffset Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);

    public static string Items(int count) => count == 1 ? "1 item" : $"{count} items";

    public static DateTimeOffset? Time(long? milliseconds) => milliseconds is { } value ? Time(value) : null;
}
