// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Grains;

namespace Teravox.Cli;

/// <summary>
/// What a silo does, a line each on standard output, as text or as JSON objects. Traces of exceptions that nobody expected
/// go to standard error.
/// </summary>
internal sealed class SiloLines(bool json)
{
    private static readonly TimeSpan SilenceEvery = TimeSpan.FromSeconds(5);
    private readonly Lock _gate = new();
    private long _saidSilence;

    /// <summary>A line of the silo's own life.</summary>
    public void Say(string kind, string text, object? more = null)
    {
        var line = json ? JsonSerializer.Serialize(Merge(kind, more ?? new { text }), TeravoxJson.Compact) : text;
        lock (_gate)
            Console.Out.WriteLine(line);
    }

    /// <summary>The database or the cluster does not answer; said every few seconds however often it is found.</summary>
    public void Silence(string message)
    {
        lock (_gate)
        {
            if (_saidSilence != 0 && Stopwatch.GetElapsedTime(_saidSilence) < SilenceEvery)
                return;
            _saidSilence = Stopwatch.GetTimestamp();
        }

        Say("waiting", $"waiting: {message}", new { message });
    }

    /// <summary>Something happened in the silo.</summary>
    public void On(WorkEvent happened)
    {
        switch (happened)
        {
            case StagePlanned e:
                Say("expanded", $"{e.ExperimentId}/{e.Stage}: {e.Total} item(s)", new { experiment = e.ExperimentId, stage = e.Stage, total = e.Total });
                break;
            case ItemStarted e:
                Say("claimed", $"claimed {e.ExperimentId}/{e.Stage}/{e.Index} on {e.Device}, attempt {e.Attempt}", new { experiment = e.ExperimentId, stage = e.Stage, index = e.Index, attempt = e.Attempt, device = e.Device });
                break;
            case ItemDone e when json:
                Say("committed", "", new { experiment = e.ExperimentId, stage = e.Stage, index = e.Index, done = e.Done, total = e.Total });
                break;
            case StageDone e:
                Say("done", $"{e.ExperimentId}/{e.Stage}: done, {e.Total} item(s)", new { experiment = e.ExperimentId, stage = e.Stage, total = e.Total });
                break;
            case ItemFailed e:
                Say("failed", $"warning: {e.ExperimentId}/{e.Stage}/{e.Index} failed: {e.Error}{(e.Final ? "" : "; it may be tried again")}", new { experiment = e.ExperimentId, stage = e.Stage, index = e.Index, error = e.Error, final = e.Final });
                Trace($"{e.ExperimentId}/{e.Stage}/{e.Index}", e.Trace);
                break;
            case PlanFailed e:
                Say("failed", $"warning: {e.ExperimentId}/{e.Stage} cannot be planned: {e.Error}", new { experiment = e.ExperimentId, stage = e.Stage, index = -1, error = e.Error, final = e.Final });
                Trace($"{e.ExperimentId}/{e.Stage}", e.Trace);
                break;
            case ItemStopped e:
                Say("stopped", $"warning: {e.ExperimentId}/{e.Stage}/{e.Index} stopped: {Describe(e.Cause)}", new { experiment = e.ExperimentId, stage = e.Stage, index = e.Index, cause = e.Cause });
                break;
            case StageBlocked { Why: { } why } e:
                Say("blocked", $"warning: {e.ExperimentId}/{e.Stage} waits: it {why}", new { experiment = e.ExperimentId, stage = e.Stage, why });
                break;
            case StageBlocked e:
                Say("unblocked", $"{e.ExperimentId}/{e.Stage} waits no more: a silo can run it", new { experiment = e.ExperimentId, stage = e.Stage });
                break;
            case NoAnswer e:
                Silence(e.Message);
                break;
        }
    }

    private static string Describe(StopCause cause) => cause switch
    {
        StopCause.Stopping => "the silo stops, and another will run it",
        StopCause.Cancelled => "its experiment was cancelled",
        StopCause.Superseded => "another silo has it by now",
        StopCause.Unanswered => "the database did not answer, and it was given back",
        _ => "no report of it was answered, so another silo may have it",
    };

    private static Dictionary<string, object?> Merge(string kind, object more)
    {
        var merged = new Dictionary<string, object?> { ["kind"] = kind };
        foreach (var property in JsonSerializer.SerializeToElement(more, TeravoxJson.Compact).EnumerateObject())
            merged[property.Name] = property.Value;
        return merged;
    }

    private void Trace(string what, string? trace)
    {
        if (trace is null)
            return;
        lock (_gate)
            Console.Error.WriteLine($"teravox: {what}: {trace}");
    }
}
