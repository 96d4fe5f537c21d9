// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Cli.Remote;
using Teravox.Contracts.Api;

namespace Teravox.Cli.Commands;

/// <summary>teravox status: all experiments, or one in detail.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(2);

    public static Command Make()
    {
        var id = new Argument<long?>("id") { Description = "The experiment; all when left out.", Arity = ArgumentArity.ZeroOrOne };
        var watch = new Option<bool>("--watch") { Description = "Follow it to its end; without an id, tell every change of state until Ctrl-C." };
        var state = new Option<string?>("--state") { Description = "Only those running, paused, succeeded, failed or cancelled." };
        var limit = new Option<int>("--limit") { Description = "Most experiments to list.", DefaultValueFactory = _ => 20 };
        return Remote.Remote.Command(
            "status",
            """
            Shows the cluster's experiments from the newest, or one with its stages: how far, how fast, how long still, what runs where, what is blocked and why, what failed.

            Example:
              ./teravox status 12 --watch
            """,
            [id, watch, state, limit],
            async (r, session, ct) =>
            {
                if (r.GetValue(id) is { } one)
                    return r.GetValue(watch) ? await Watching.FollowAsync(session, one, ct) : await OneAsync(session, one, ct);
                return r.GetValue(watch) ? await ChangesAsync(session, r.GetValue(state), r.GetRequiredValue(limit), ct) : await AllAsync(session, r.GetValue(state), r.GetRequiredValue(limit), ct);
            });
    }

    private static async Task<int> OneAsync(Session session, long id, CancellationToken ct)
    {
        var progress = await session.Client.Experiments.ProgressAsync(id, ct);
        if (session.Json)
        {
            session.Write(progress, () => "");
            return Guarded.Success;
        }

        foreach (var line in StatusView.Lines(progress, Console.IsOutputRedirected ? 1000 : Math.Max(40, Console.BufferWidth), brief: false))
            Console.Out.WriteLine(line);
        return Guarded.Success;
    }

    private static async Task<int> AllAsync(Session session, string? state, int limit, CancellationToken ct)
    {
        var all = await session.Client.Experiments.ListAsync(state, ct: ct).Take(limit).ToListAsync(ct);
        if (session.Json)
        {
            all.ForEach(e => session.Write(e, () => ""));
            return Guarded.Success;
        }

        Tables.Write([">id", "name", "state", ">priority", "owner", "campaign", "submitted", "ended"], all.Select(Row));
        return Guarded.Success;
    }

    private static string[] Row(ExperimentInfo e) =>
        [$"{e.Id}", e.Name, e.State, $"{e.Priority}", e.Owner ?? "", e.Campaign ?? "", Human.Time(e.Created), e.Ended is { } ended ? Human.Time(ended) : ""];

    private static async Task<int> ChangesAsync(Session session, string? state, int limit, CancellationToken ct)
    {
        var known = new Dictionary<long, string>();
        await AllAsync(session, state, limit, ct);
        await foreach (var e in session.Client.Experiments.ListAsync(state, ct: ct).Take(limit))
            known[e.Id] = e.State;
        try
        {
            for (; ; )
            {
                await Task.Delay(Beat, ct);
                await foreach (var e in session.Client.Experiments.ListAsync(state, ct: ct).Take(limit))
                {
                    if (known.GetValueOrDefault(e.Id) == e.State)
                        continue;
                    known[e.Id] = e.State;
                    session.Write(e, () => $"{DateTime.Now:HH:mm:ss}  experiment {e.Id} ({e.Name}): {e.State}");
                }
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Ctrl-C is how this ends.
            return Guarded.Success;
        }
    }
}
