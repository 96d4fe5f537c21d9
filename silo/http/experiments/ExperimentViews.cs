// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Ledger;

namespace Teravox.Silo.Http.Experiments;

/// <summary>The ledger's rows as the API shows them.</summary>
internal static class ExperimentViews
{
    private const int MostFailures = 100;

    public static string Word<T>(T state)
        where T : struct, Enum => state.ToString().ToLowerInvariant();

    public static ExperimentInfo Info(ExperimentRow row) => new()
    {
        Id = row.Id,
        Name = row.Name,
        State = Word(row.State),
        Priority = row.Priority,
        Owner = row.Owner,
        Campaign = row.Campaign,
        Parameters = row.ParametersJson is null ? null : JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(row.ParametersJson, TeravoxJson.Compact),
        Created = row.Created,
        Ended = row.Ended,
    };

    public static EventInfo Info(EventRow row) => new(row.Id, row.ExperimentId, row.At, row.Kind, row.Stage, row.Text);

    public static async Task<ExperimentProgress> ProgressAsync(ApiServices api, ExperimentRow row, CancellationToken ct)
    {
        var stages = await api.Ledger.StagesAsync(row.Id, ct);
        var running = await api.Ledger.RunningAsync(row.Id, ct);
        var failures = await api.Ledger.FailuresAsync(row.Id, MostFailures, ct);
        var fractions = running.GroupBy(r => r.StageName).ToDictionary(g => g.Key, g => g.Sum(r => Math.Clamp(r.Fraction, 0, 1)));
        var now = DateTimeOffset.UtcNow;
        var progress = new List<StageProgress>();
        foreach (var stage in stages)
            progress.Add(Stage(stage, fractions.GetValueOrDefault(stage.Name), row.State == ExperimentState.Running, now) with { Blocked = await BlockedAsync(api, row, stage, ct) });
        return new ExperimentProgress
        {
            Experiment = Info(row),
            Stages = progress,
            Running = [.. running.Select(r => new RunningInfo(r.StageName, r.Index, r.Holder, r.Attempt, r.Fraction, r.Note))],
            Failures = [.. failures.Select(f => new FailureInfo(f.StageName, f.Index, f.Failures, f.Deaths, f.Error))],
        };
    }

    // The silos write down what none of them can run; where there is no silo, nobody does.
    private static async Task<string?> BlockedAsync(ApiServices api, ExperimentRow row, StageRow stage, CancellationToken ct) =>
        stage.Blocked is null && row.State == ExperimentState.Running && stage is { State: StageState.Ready or StageState.Running, Leased: 0 }
            ? await api.Roster.BlockedAsync([(stage.Kind, stage.Needs)], ct)
            : stage.Blocked;

    private static StageProgress Stage(StageRow stage, double begun, bool runs, DateTimeOffset now)
    {
        var whole = stage.State == StageState.Done;
        var fraction = whole ? 1 : stage.Items == 0 ? 0 : Math.Clamp((stage.Done + begun) / stage.Items, 0, 1);
        var seconds = stage.Started is { } started ? ((stage.Ended ?? now) - started).TotalSeconds : 0;
        double? rate = stage.Done > 0 && seconds > 0 ? stage.Done / seconds : null;

        // By fractions and not by items, so that a stage of one long item (a training) can say something too.
        double? left = runs && stage.State == StageState.Running && fraction is > 0.001 and < 1 && seconds > 0 ? seconds * (1 - fraction) / fraction : null;
        return new StageProgress
        {
            Name = stage.Name,
            Kind = stage.Kind,
            After = stage.After,
            State = Word(stage.State),
            Items = stage.Items,
            Done = stage.Done,
            Failed = stage.Failed,
            Leased = stage.Leased,
            Fraction = fraction,
            ItemsPerSecond = rate,
            SecondsLeft = whole ? 0 : left,
            Started = stage.Started,
            Ended = stage.Ended,
        };
    }
}
