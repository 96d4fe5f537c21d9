// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;

namespace Teravox.Silo.Http.Experiments;

/// <summary>Rows of the catalog, and what grains say, as the API shows them.</summary>
internal static class ExperimentViews
{
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
        var status = await api.Experiments.DescribeAsync(row.Id, ct) ?? throw new InvalidOperationException($"experiment {row.Id} is in the catalog, but has no grain");
        var (stages, running, failures) = (status.Stages, status.Running, status.Failures);
        row = row with { State = status.State };
        var fractions = running.GroupBy(r => r.StageName).ToDictionary(g => g.Key, g => g.Sum(r => Math.Clamp(r.Fraction, 0, 1)));
        var now = DateTimeOffset.UtcNow;
        var progress = new List<StageProgress>();
        foreach (var stage in stages)
            progress.Add(Stage(stage, fractions.GetValueOrDefault(stage.Name), row.State == ExperimentState.Running, now) with { Blocked = await BlockedAsync(api, row, stage, ct) });
        return new ExperimentProgress
        {
            Experiment = Info(row),
            Stages = progress,
            Running = [.. running.Select(r => new RunningInfo(r.StageName, r.Index, r.Silo, r.Attempt, r.Fraction, r.Note))],
            Failures = [.. failures.Select(f => new FailureInfo(f.StageName, f.Index, f.Failures, f.Deaths, f.Error))],
        };
    }

    // The scheduler finds out what no silo can run; a submission is looked at before that.
    private static async Task<string?> BlockedAsync(ApiServices api, ExperimentRow row, StageRow stage, CancellationToken ct) =>
        stage.Blocked is null && row.State == ExperimentState.Running && stage is { State: StageState.Ready or StageState.Running, HandedOut: 0 }
            ? await api.Silos.BlockedAsync([(stage.Kind, stage.Needs)], ct)
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
            Leased = stage.HandedOut,
            Fraction = fraction,
            ItemsPerSecond = rate,
            SecondsLeft = whole ? 0 : left,
            Started = stage.Started,
            Ended = stage.Ended,
        };
    }
}
