// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Text.Json;
using Spectre.Console;
using Teravox.Client;
using Teravox.Contracts;
using Teravox.Contracts.Api;

namespace Teravox.Cli.Remote;

/// <summary>Follows an experiment to its end.</summary>
internal static class Watching
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(1), PlainEvery = TimeSpan.FromSeconds(5);

    /// <summary>Looks at an experiment once each beat until it ends: how it ended.</summary>
    public delegate Task<ExperimentInfo> Watch(Action<ExperimentProgress> seen, TimeSpan every, CancellationToken ct);

    /// <summary>Shows how far it is until it ends, and then its scores. Returns the exit code.</summary>
    public static async Task<int> FollowAsync(Session session, long id, CancellationToken ct)
    {
        var code = await FollowAsync(session.Json, id, (seen, every, stop) => session.Client.Experiments.WatchAsync(id, seen, every, stop), ct);
        if (code == Guarded.Success && !session.Json)
            await ScoresAsync(session, id, ct);
        return code;
    }

    /// <summary>Shows how far it is until it ends. Returns the exit code.</summary>
    public static async Task<int> FollowAsync(bool json, long id, Watch watch, CancellationToken ct)
    {
        ExperimentInfo ended;
        try
        {
            ended = json ? await JsonAsync(watch, ct)
                : Console.IsErrorRedirected ? await PlainAsync(watch, ct)
                : await DrawnAsync(watch, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            Session.Say(json, $"teravox: no longer watching; the experiment goes on, and teravox status {id} --watch shows it again.");
            return Guarded.Stopped;
        }

        if (ended.State == "succeeded")
            return Guarded.Success;
        Session.Say(json, $"teravox: experiment {id} ended {ended.State}{(ended.State == "failed" ? $"; once the cause is mended, teravox retry {id} goes on from here" : "")}.");
        return Guarded.Failed;
    }

    /// <summary>The table of F1 values, where the experiment scores anything.</summary>
    private static async Task ScoresAsync(Session session, long id, CancellationToken ct)
    {
        try
        {
            Summary.Table(await session.Client.Experiments.ScoresAsync(id, ct));
        }
        catch (TeravoxApiException e) when (e.Status == System.Net.HttpStatusCode.NotFound)
        {
            // The preset segment has no truth to score against.
        }

        Console.Out.WriteLine($"Fetch it with: teravox report {id}");
    }

    private static Task<ExperimentInfo> JsonAsync(Watch watch, CancellationToken ct) =>
        watch(p => Console.Out.WriteLine(JsonSerializer.Serialize(p, TeravoxJson.Compact)), Beat, ct);

    private static Task<ExperimentInfo> PlainAsync(Watch watch, CancellationToken ct)
    {
        var said = new Dictionary<string, string>();
        var since = Stopwatch.StartNew();
        return watch(
            progress =>
            {
                foreach (var stage in progress.Stages.Where(s => s.State is not ("waiting" or "ready") || s.Blocked is not null))
                {
                    // Changes of state are said at once, progress within one now and then.
                    var state = stage.State + stage.Blocked + stage.Failed;
                    var known = said.GetValueOrDefault(stage.Name);
                    if (known != state || (stage.State == "running" && since.Elapsed > PlainEvery))
                        Session.Say(json: false, StatusView.Line(stage));
                    said[stage.Name] = state;
                }

                foreach (var failure in progress.Failures.Where(f => said.TryAdd($"{f.Stage}/{f.Index}/{f.Failures}/{f.Deaths}", "")))
                    Session.Say(json: false, StatusView.Line(failure));
                if (since.Elapsed > PlainEvery)
                    since.Restart();
            },
            Beat,
            ct);
    }

    private static async Task<ExperimentInfo> DrawnAsync(Watch watch, CancellationToken ct)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        ExperimentInfo? ended = null;
        await console.Live(new Text("")).StartAsync(async live => ended = await watch(
            progress =>
            {
                live.UpdateTarget(new Text(string.Join('\n', StatusView.Lines(progress, console.Profile.Width, brief: true))));
                live.Refresh();
            },
            Beat,
            ct));
        return ended!;
    }
}
