// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Teravox.Contracts.Work;

namespace Teravox.Grains.Telemetry;

/// <summary>
/// Spans of experiments: submission, experiment, stage, range, item, and the steps of an item, one under the other in one trace.
/// Devices pull items, so a call does not carry the trace to them: records name the span above by its W3C traceparent. There are spans only
/// while somebody listens.
/// </summary>
public static class WorkTraces
{
    /// <summary>Name of the source of these spans.</summary>
    public const string SourceName = "Teravox";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>A step of what runs now; it ends with its disposal. Null when nothing is traced.</summary>
    public static Activity? Step(string name) => Activity.Current is null ? null : Source.StartActivity(name);

    /// <summary>A submission, under the request that brought it if there is one.</summary>
    internal static Activity? Submission() => Source.StartActivity("submit");

    /// <summary>An experiment that begins or goes on: under its first span, or under the submission that begins it.</summary>
    internal static Activity? Experiment(long id, string? parent) => Begin("experiment", parent ?? Activity.Current?.Id)?.SetTag("teravox.experiment", id);

    /// <summary>A stage, from its plan to its end.</summary>
    internal static Activity? Stage(long experiment, NewStage stage, int items, string? parent) => Begin("stage", parent)
        ?.SetTag("teravox.experiment", experiment).SetTag("teravox.stage", stage.Name).SetTag("teravox.kind", stage.Kind).SetTag("teravox.items", items);

    /// <summary>A range, from its first item to its last.</summary>
    internal static Activity? Range(StagePlan stage, int range) => Begin("range", stage.TraceParent)
        ?.SetTag("teravox.experiment", stage.Experiment).SetTag("teravox.stage", stage.Name).SetTag("teravox.range", range);

    /// <summary>An item on a device, from its turn to the answer to its report.</summary>
    public static Activity? Item(WorkItem item, string device)
    {
        ArgumentNullException.ThrowIfNull(item);
        return Begin("item", item.TraceParent)?.SetTag("teravox.experiment", item.Stage.Experiment).SetTag("teravox.stage", item.Stage.Name)
            .SetTag("teravox.kind", item.Stage.Kind).SetTag("teravox.item", item.Index).SetTag("teravox.attempt", item.Attempt).SetTag("teravox.device", device);
    }

    /// <summary>Ends a span that others may have begun and ended inside of; what runs now stays what it is.</summary>
    /// <param name="span">The span, or null.</param>
    /// <param name="error">Why it failed, or null.</param>
    public static void End(Activity? span, string? error = null)
    {
        if (span is null)
            return;
        var current = Activity.Current;
        if (error is not null)
            span.SetStatus(ActivityStatusCode.Error, error);
        span.Dispose();
        Activity.Current = current == span ? null : current;
    }

    // What begins here outlives the call that begins it, so it does not become the span of what the call does next.
    private static Activity? Begin(string name, string? parent)
    {
        if (!ActivityContext.TryParse(parent, null, out var above))
            return null;
        var current = Activity.Current;
        var span = Source.StartActivity(name, ActivityKind.Internal, above);
        Activity.Current = current;
        return span;
    }
}
